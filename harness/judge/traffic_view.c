/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows and connections: where each came to a worker, what a pod saw of it, how it ended at the client. */
#include "judge_int.h"

/* What a capture can make us keep of each kind. */
#define ARRIVALS_MAX 50000000U

static struct arrival arrival_of(const struct capture_event *event, unsigned int where)
{
	return (struct arrival){.proof = {.time = event->time, .link = event->link, .frame = event->frame},
				.worker = where,
				.run = event->tag.run,
				.flow = event->tag.flow,
				.src = event->src,
				.dst = event->dst,
				.src_port = event->src_port,
				.dst_port = event->dst_port};
}

/* Only frames meant for the worker: a bridge floods what it has not learnt yet. */
static void at_worker(struct judge *j, unsigned int worker, const struct capture_event *event)
{
	bool from_worker = addr_equal(&event->src, &j->lab.workers[worker].address);

	if (!event->carried || from_worker)
		return;
	if (event->kind == CAPTURE_FLOW && j->flows.len < ARRIVALS_MAX)
		VEC_PUSH(&j->flows, arrival_of(event, worker));
	else if (event->kind == CAPTURE_TCP_SYN && j->connections.len < ARRIVALS_MAX)
		VEC_PUSH(&j->connections, arrival_of(event, worker));
}

static void at_pod(struct judge *j, unsigned int pod, const struct capture_event *event)
{
	if (event->kind == CAPTURE_TCP_SYN && addr_equal(&event->dst, &j->pods.at[pod].address) &&
	    j->pod_connections.len < ARRIVALS_MAX)
		VEC_PUSH(&j->pod_connections, arrival_of(event, pod));
}

static void at_client(struct judge *j, const struct judge_client *client, const struct capture_event *event)
{
	struct client_event c = {.proof = {.time = event->time, .link = event->link, .frame = event->frame},
				 .client = client->address};
	bool leaves = addr_equal(&event->src, &client->address);

	if (event->kind != (leaves ? CAPTURE_TCP_SYN : CAPTURE_HTTP_RESPONSE) || j->client_events.len >= ARRIVALS_MAX)
		return;
	c.server = leaves ? event->dst : event->src;
	c.client_port = leaves ? event->src_port : event->dst_port;
	c.server_port = leaves ? event->dst_port : event->src_port;
	c.status = leaves ? 0 : event->http_status;
	VEC_PUSH(&j->client_events, c);
}

void view_traffic(struct judge *j, const struct capture_event *event)
{
	for (unsigned int i = 0; i < j->lab.worker_count; i++) {
		if (j->lab.workers[i].link == event->link)
			at_worker(j, i, event);
	}
	for (unsigned int i = 0; i < j->pods.len; i++) {
		if (j->pods.at[i].link == event->link)
			at_pod(j, i, event);
	}
	for (size_t i = 0; i < j->lab.client_count; i++) {
		if (j->lab.clients[i].link == event->link)
			at_client(j, &j->lab.clients[i], event);
	}
}
