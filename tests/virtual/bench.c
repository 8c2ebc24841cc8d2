/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench.h"

#include "vec.h"
#include "virtual.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOLD_S 90
#define UP_S 600      /* by then all sessions stand */
#define MEASURE_S 1.0 /* of CPU time */

struct endpoint {
	struct bgp_speaker *engine;
	virtual_node node;
	VEC(struct addr) remotes; /* by peer id */
};

struct field {
	struct virtual *net;
	struct endpoint *ends;
	size_t count;
	size_t sessions;
};

static struct addr address(size_t i)
{
	return addr_v4(0x0a000001U + (uint32_t)i);
}

static void on_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port, struct addr *ret_source)
{
	const struct endpoint *e = ctx;

	(void)ret_port;
	(void)ret_source;
	*ret_remote = e->remotes.at[peer];
}

static const struct drive_speaker_ops ops = {.dial = on_dial};

static void endpoint_new(struct field *f, size_t i)
{
	struct endpoint *e = &f->ends[i];
	struct addr a = address(i);

	e->engine = bgp_speaker_new(&(struct bgp_speaker_conf){
		.as = 65000 + (uint32_t)i, .router_id = 0x0a000001U + (uint32_t)i, .seed = i});
	e->node = virtual_add(f->net,
			      &(struct virtual_node_conf){
				      .listens = true, .addresses = &a, .address_count = 1, .ops = &ops, .ctx = e});
}

static void peer(struct field *f, size_t on, size_t with, bool passive)
{
	struct bgp_peer_conf conf = {.name = "peer",
				     .remote = address(with),
				     .remote_as = 65000 + (uint32_t)with,
				     .hold_s = HOLD_S,
				     .passive = passive};
	bgp_peer_id id;

	if (bgp_peer_add(f->ends[on].engine, &conf, &id) == 0)
		VEC_PUSH(&f->ends[on].remotes, conf.remote);
}

static void field_new(struct field *f, bool star, size_t sessions)
{
	f->net = virtual_new(&(struct virtual_conf){.seed = 1, .network = {.delay_ns = NS_PER_MS}});
	f->sessions = sessions;
	f->count = star ? sessions + 1 : sessions * 2;
	f->ends = memory_new(f->count * sizeof(*f->ends));
	for (size_t i = 0; i < f->count; i++)
		endpoint_new(f, i);
	for (size_t i = 0; i < sessions; i++) {
		size_t a = star ? 0 : 2 * i, b = star ? i + 1 : 2 * i + 1;

		peer(f, a, b, true);
		peer(f, b, a, false);
	}
	for (size_t i = 0; i < f->count; i++)
		virtual_start(f->net, f->ends[i].node, f->ends[i].engine);
}

static size_t field_up(const struct field *f)
{
	size_t up = 0;

	for (size_t i = 0; i < f->count; i++)
		for (bgp_peer_id k = 0; k < bgp_peer_count(f->ends[i].engine); k++)
			up += bgp_peer_state(f->ends[i].engine, k) == BGP_ESTABLISHED;
	return up / 2;
}

static void field_free(struct field *f)
{
	virtual_free(f->net);
	for (size_t i = 0; i < f->count; i++) {
		bgp_speaker_free(f->ends[i].engine);
		VEC_FREE(&f->ends[i].remotes);
	}
	free(f->ends);
}

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int bench(const char *shape, size_t sessions)
{
	struct field f = {0};
	bool star = strcmp(shape, "star") == 0;
	size_t before = mallinfo2().uordblks, up, bytes;
	double start = cpu_s(), up_s, quiet;
	int64_t seconds = 0;

	field_new(&f, star, sessions);
	virtual_run(f.net, (struct instant){UP_S * NS_PER_S});
	up = field_up(&f);
	bytes = mallinfo2().uordblks - before;
	up_s = cpu_s() - start;
	start = cpu_s();
	while ((quiet = cpu_s() - start) < MEASURE_S) {
		virtual_run(f.net, instant_add(virtual_now(f.net), 60 * NS_PER_S));
		seconds += 60;
	}
	printf("{\"bench\": \"virtual quiet\", \"shape\": \"%s\", \"sessions\": %zu, \"established\": %zu, "
	       "\"session_seconds_per_s\": %.0f, \"bytes_per_session\": %zu, \"up_cpu_s\": %.3f}\n",
	       star ? "star" : "pairs", sessions, up, (double)seconds * (double)sessions / quiet, bytes / sessions,
	       up_s);
	field_free(&f);
	return up == sessions ? 0 : 1;
}
