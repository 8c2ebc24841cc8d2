/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock, and the engines on it. */
#include "virtual_int.h"

#include <stdlib.h>

#define OVERDUE_NS NS_PER_MS /* a stuck timer shall not stop the clock */

struct virtual *virtual_new(const struct virtual_conf *conf)
{
	struct virtual *v = memory_new(sizeof(*v));

	v->conf = *conf;
	v->rng.state = conf->seed;
	return v;
}

void virtual_free(struct virtual *v)
{
	if (v == NULL)
		return;
	/* Before what else is in the queue. */
	for (size_t i = 1; i < v->queue.heap.len; i++)
		if (v->queue.heap.at[i].source->kind == SOURCE_FLIGHT)
			frames_drop(v->queue.heap.at[i].source);
	net_free(v);
	for (size_t i = 0; i < v->nodes.len; i++) {
		VEC_FREE(&v->nodes.at[i]->links);
		free(v->nodes.at[i]);
	}
	VEC_FREE(&v->nodes);
	VEC_FREE(&v->cuts);
	queue_free(&v->queue);
	free(v);
}

struct instant virtual_now(const struct virtual *v)
{
	return (struct instant){v->now};
}

void virtual_set_network(struct virtual *v, const struct virtual_network *network)
{
	v->conf.network = *network;
}

struct virtual_stats virtual_stats(const struct virtual *v)
{
	return v->stats;
}

void virtual_tell(struct virtual *v, const struct virtual_event *event)
{
	struct virtual_event e = *event;

	e.at = virtual_now(v);
	if (v->conf.trace != NULL)
		v->conf.trace(v->conf.ctx, &e);
}

/* ---- Engines ---- */

static void output_do(struct virtual *v, virtual_node node, const struct bgp_output *out)
{
	const struct node *n = v->nodes.at[node];

	switch (out->kind) {
	case BGP_OUT_CONNECT:
		net_dial(v, node, out->peer, out->conn);
		break;
	case BGP_OUT_SEND:
		net_send(v, node, out->conn, out->bytes, out->len);
		break;
	case BGP_OUT_CLOSE:
		net_close(v, node, out->conn);
		break;
	case BGP_OUT_ROUTE:
		if (n->ops->route != NULL)
			n->ops->route(n->ctx, out);
		break;
	case BGP_OUT_NOTICE:
		if (n->ops->notice != NULL)
			n->ops->notice(n->ctx, out);
		break;
	}
}

static void timer_set(struct virtual *v, struct node *n)
{
	int64_t due = bgp_deadline(n->engine).ns;

	due = due < v->now ? v->now : due;
	queue_set(&v->queue, &n->source, due < n->paused_until ? n->paused_until : due);
}

void virtual_flush(struct virtual *v, virtual_node node)
{
	struct node *n = v->nodes.at[node];
	size_t done = 0, count;

	if (n->flushing || n->engine == NULL)
		return;
	n->flushing = true;
	/* Whom the outputs are told to may make the engine add more. */
	for (;;) {
		const struct bgp_output *outs = bgp_outputs(n->engine, &count);

		if (done >= count)
			break;
		struct bgp_output out = outs[done++];

		output_do(v, node, &out);
	}
	bgp_outputs_clear(n->engine);
	n->flushing = false;
	timer_set(v, n);
}

virtual_node virtual_add(struct virtual *v, const struct virtual_node_conf *conf)
{
	virtual_node node = (virtual_node)v->nodes.len;
	struct node *n = memory_new(sizeof(*n));

	n->source.kind = SOURCE_NODE;
	n->index = node;
	n->listens = conf->listens;
	n->ops = conf->ops;
	n->ctx = conf->ctx;
	VEC_PUSH(&v->nodes, n);
	for (size_t i = 0; i < conf->address_count; i++) {
		struct addr *first = &n->addresses[conf->addresses[i].family == ADDR_V6];

		if (first->family == ADDR_NONE)
			*first = conf->addresses[i];
		links_locate(v, &conf->addresses[i], node);
	}
	if (conf->engine != NULL)
		virtual_start(v, node, conf->engine);
	return node;
}

static void node_time(struct virtual *v, struct node *n)
{
	if (v->now < n->paused_until) {
		queue_set(&v->queue, &n->source, n->paused_until);
		return;
	}
	virtual_tell(v, &(struct virtual_event){.kind = VIRTUAL_TIMER, .node = n->index});
	bgp_in_time(n->engine, virtual_now(v));
	virtual_flush(v, n->index);
	if (bgp_deadline(n->engine).ns <= v->now) {
		v->stats.overdue++;
		queue_set(&v->queue, &n->source, v->now + OVERDUE_NS);
	}
}

/* ---- The clock ---- */

struct instant virtual_next(const struct virtual *v)
{
	int64_t ns = INT64_MAX;

	(void)queue_first(&v->queue, &ns);
	return (struct instant){ns < v->now ? v->now : ns};
}

static struct node *source_node(struct source *s)
{
	return (struct node *)(void *)s;
}

static struct pipe *source_pipe(struct source *s)
{
	return (struct pipe *)(void *)s;
}

void virtual_run(struct virtual *v, struct instant until)
{
	struct source *first;
	int64_t ns;

	while ((first = queue_first(&v->queue, &ns)) != NULL && ns <= until.ns) {
		v->now = ns > v->now ? ns : v->now;
		v->stats.events++;
		switch (first->kind) {
		case SOURCE_NODE:
			node_time(v, source_node(first));
			break;
		case SOURCE_PIPE:
			net_pipe(v, source_pipe(first));
			break;
		case SOURCE_FLIGHT:
			v->stats.events--;
			frames_flight(v, first);
			break;
		}
	}
	v->now = until.ns > v->now ? until.ns : v->now;
}
