/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Crafted flows as a step asks for them: what they are, and when they go. */
#include "run_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEND_BATCH 256
#define TUPLES_MAX 1000000

static enum traffic_protocol protocol_of(enum plan_flow_protocol protocol)
{
	switch (protocol) {
	case PLAN_FLOWS_UDP:
		return TRAFFIC_UDP;
	case PLAN_FLOWS_TCP:
		return TRAFFIC_TCP_SYN;
	case PLAN_FLOWS_ICMP:
		return TRAFFIC_ICMP_ECHO;
	}
	return TRAFFIC_UDP;
}

static enum traffic_sizes sizes_of(enum plan_sizes sizes)
{
	switch (sizes) {
	case PLAN_SIZES_EQUAL:
		return TRAFFIC_SIZES_EQUAL;
	case PLAN_SIZES_ZIPF:
		return TRAFFIC_SIZES_ZIPF;
	case PLAN_SIZES_ELEPHANTS:
		return TRAFFIC_SIZES_ELEPHANTS;
	}
	return TRAFFIC_SIZES_EQUAL;
}

/* ---- Flows of a capture ---- */

/* No router passes on what comes from nowhere, from itself or from many. */
static bool can_send(const struct addr *src)
{
	static const uint8_t unset[16];

	if (src->family == ADDR_V4)
		return src->b[0] != 0 && src->b[0] != 127 && src->b[0] < 224;
	return src->b[0] != 0xff && src->b[0] != 0xfe && memcmp(src->b, unset, 15) != 0;
}

static int by_tuple(const void *a, const void *b)
{
	const struct traffic_tuple *x = a, *y = b;
	int order = addr_compare(&x->src, &y->src);

	if (order == 0)
		order = (int)x->src_port - (int)y->src_port;
	if (order == 0)
		order = (int)x->dst_port - (int)y->dst_port;
	return order != 0 ? order : (int)x->protocol - (int)y->protocol;
}

static enum traffic_protocol protocol_of_number(uint8_t number)
{
	return number == 17 ? TRAFFIC_UDP : number == 6 ? TRAFFIC_TCP_SYN : TRAFFIC_ICMP_ECHO;
}

/* The service's address takes the place of theirs, and what is alike then is one flow. */
static size_t towards(const struct capture_tuple *from, size_t n, const struct addr *dst, struct traffic_tuple *ret)
{
	size_t len = 0, kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (from[i].src.family != dst->family || !can_send(&from[i].src))
			continue;
		ret[len++] = (struct traffic_tuple){.src = from[i].src,
						    .dst = *dst,
						    .src_port = from[i].src_port,
						    .dst_port = from[i].dst_port,
						    .flow_label = from[i].flow_label,
						    .protocol = protocol_of_number(from[i].protocol)};
	}
	if (len > 1)
		qsort(ret, len, sizeof(*ret), by_tuple);
	for (size_t i = 0; i < len; i++) {
		if (i == 0 || by_tuple(&ret[i], &ret[kept - 1]) != 0)
			ret[kept++] = ret[i];
	}
	return kept;
}

static int tuples_read(struct run *r, const char *path, struct traffic_flows *flows, struct errmsg *err)
{
	struct capture_tuple *found;
	struct traffic_tuple *tuples;
	size_t n;
	int result = capture_tuples_read(path, TUPLES_MAX, &found, &n, err);

	if (result < 0)
		return result;
	tuples = arena_array(&r->arena, n, sizeof(*tuples));
	flows->tuple_count = towards(found, n, &flows->dst, tuples);
	flows->tuples = tuples;
	free(found);
	if (flows->tuple_count == 0)
		return errmsg_say(err, -ENOENT, "%s: no conversation that a client could have with %s", path,
				  addr_text(&flows->dst).s);
	if (flows->count == 0)
		flows->count = (uint32_t)flows->tuple_count;
	return 0;
}

int run_flows_shape(struct run *r, const struct plan_traffic *t, struct traffic_flows *flows, struct errmsg *err)
{
	flows->protocol = protocol_of(t->protocol);
	flows->fragments = t->fragments;
	flows->sizes = sizes_of(t->sizes);
	flows->exponent = t->exponent;
	flows->elephants = t->elephants;
	flows->elephants_share = t->elephants_share;
	flows->rate = t->rate;
	flows->burst = t->burst;
	return t->tuples != NULL ? tuples_read(r, t->tuples, flows, err) : 0;
}

/* ---- Sending ---- */

/* What may go now, then the captures' turn, so that no ring has to hold a whole burst. 0 when all are out. */
static int send_some(struct run *r, struct traffic_sender *sender, struct instant began, struct errmsg *err)
{
	struct instant now = drive_now(r->drive), next = now;
	unsigned int n = traffic_sender_ready(sender, instant_since(now, began), SEND_BATCH);
	int sent = 1;

	if (n == 0)
		next = instant_add(began, traffic_sender_due(sender));
	else
		sent = traffic_sender_send(sender, n, err);
	if (sent == 0 || (sent < 0 && sent != -EAGAIN))
		return sent;
	return drive_wait(r->drive, next) ? 1 : errmsg_say(err, -EINTR, "interrupted");
}

int run_flows_send(struct run *r, struct traffic_sender *sender, struct errmsg *err)
{
	struct instant began = drive_now(r->drive);
	int result;

	do {
		result = send_some(r, sender, began, err);
	} while (result > 0);
	return result;
}

const uint32_t *run_flows_sizes(struct run *r, const struct traffic_sender *sender, const struct traffic_flows *flows)
{
	const uint32_t *packets = traffic_sender_sizes(sender);
	uint32_t *ret;

	if (packets == NULL)
		return NULL;
	ret = arena_array(&r->arena, flows->count, sizeof(*ret));
	for (uint32_t i = 0; i < flows->count; i++)
		ret[i] = packets[i] * (flows->fragments ? 2 : 1);
	return ret;
}
