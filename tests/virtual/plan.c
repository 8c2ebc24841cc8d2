/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char *const event_names[EVENT_KINDS] = {"table", "stop",  "start",	 "reset", "refresh", "fin",
						     "rst",   "cut",   "heal",	 "kill",  "boot",    "pause",
						     "jump",  "noise", "unread", "bulk",  "going",   "tell"};
static const char *const profile_names[BGP_PROFILE_COUNT] = {"standard", "legacy", "native", "frr"};

const char *plan_event_name(enum event_kind kind)
{
	return event_names[kind];
}

struct addr plan_address(unsigned int node, unsigned int family)
{
	static const uint8_t network[16] = {0xfd};
	struct addr v6 = addr_from_bytes(ADDR_V6, network);

	return family == 6 ? addr_add(&v6, node + 1) : addr_v4(0x0a000001U + node);
}

struct prefix plan_prefix(unsigned int i)
{
	static const uint8_t network[16] = {0x20, 0x01, 0x0d, 0xb8};
	struct addr a = addr_v4(0xcb007100U + i * 256);
	struct addr v6 = addr_from_bytes(ADDR_V6, network);
	struct addr bulk = addr_v4(0x14000000U + (i - PREFIXES) * 256);

	if (i >= PREFIXES)
		return prefix_make(&bulk, 24);
	if (i < PREFIXES_V4)
		return prefix_make(&a, 24);
	v6.b[5] = (uint8_t)i;
	return prefix_make(&v6, 48);
}

unsigned int plan_prefix_number(const struct prefix *prefix)
{
	uint32_t value = prefix->addr.family == ADDR_V4 ? addr_v4_value(&prefix->addr) : 0;
	unsigned int i = UINT_MAX;
	struct prefix back;

	if (prefix->addr.family == ADDR_V6)
		i = prefix->addr.b[5];
	else if (value >= 0xcb007100U)
		i = (value - 0xcb007100U) / 256;
	else if (value >= 0x14000000U)
		i = PREFIXES + (value - 0x14000000U) / 256;
	if (i >= PREFIXES + BULK_MAX)
		return UINT_MAX;
	back = plan_prefix(i);
	return prefix_equal(&back, prefix) ? i : UINT_MAX;
}

bool plan_event_is_table(enum event_kind kind)
{
	return kind == EVENT_TABLE || kind == EVENT_BULK;
}

void plan_copy(struct plan *to, const struct plan *from)
{
	*to = *from;
	to->sessions.at = NULL;
	to->sessions.len = to->sessions.cap = 0;
	to->events.at = NULL;
	to->events.len = to->events.cap = 0;
	for (size_t i = 0; i < from->sessions.len; i++)
		VEC_PUSH(&to->sessions, from->sessions.at[i]);
	for (size_t i = 0; i < from->events.len; i++)
		VEC_PUSH(&to->events, from->events.at[i]);
}

void plan_free(struct plan *p)
{
	VEC_FREE(&p->sessions);
	VEC_FREE(&p->events);
}

bool plan_session_is_plain(const struct plan_session *s)
{
	return (s->role[0] | s->role[1] | s->policy[0] | s->policy[1] | s->add_path[0] | s->add_path[1] | s->max[0] |
		s->max[1]) == 0;
}

void plan_print(const struct plan *p, FILE *to)
{
	const struct virtual_network *n = &p->network;

	fprintf(to, "seed %" PRIu64 "\n", p->seed);
	fprintf(to, "network %" PRId64 " %" PRId64 " %" PRId64 " %u %u %u\n", n->delay_ns / 1000, n->spread_ns / 1000,
		n->jitter_ns / 1000, n->cut_percent, n->late_percent, n->refuse_percent);
	for (size_t i = 0; i < p->node_count; i++) {
		const struct plan_node *node = &p->nodes[i];

		fprintf(to, "node %s %u %u %u %u %u %u\n", profile_names[node->profile], node->as, node->max_paths,
			node->relax, node->readvertise, node->restart, node->origination_s);
	}
	for (size_t i = 0; i < p->sessions.len; i++) {
		const struct plan_session *s = &p->sessions.at[i];

		fprintf(to, "session %u %u %u %u %u %u %u %u %u %u %u", s->a, s->b, s->family, s->hold_a, s->hold_b,
			s->retry_s, s->idle_s, s->delay_open_s, s->mrai_s, s->passive, s->options);
		if (!plan_session_is_plain(s))
			fprintf(to, " %u %u %u %u %u %u %u %u", s->role[0], s->role[1], s->policy[0], s->policy[1],
				s->add_path[0], s->add_path[1], s->max[0], s->max[1]);
		fputc('\n', to);
	}
	for (size_t i = 0; i < p->events.len; i++) {
		const struct plan_event *e = &p->events.at[i];

		fprintf(to, "at %" PRId64 " %s %u %u %u\n", e->ms, event_names[e->kind], e->a, e->b, e->n);
	}
}

static int find_name(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static bool read_node(struct plan *p, const char *line)
{
	struct plan_node *n = &p->nodes[p->node_count];
	char name[16];
	int profile;

	if (p->node_count == NODES_MAX || sscanf(line, "node %15s %u %u %u %u %u %u", name, &n->as, &n->max_paths,
						 &n->relax, &n->readvertise, &n->restart, &n->origination_s) != 7)
		return false;
	profile = find_name(profile_names, BGP_PROFILE_COUNT, name);
	n->profile = (enum bgp_profile)profile;
	p->node_count++;
	return profile >= 0;
}

static bool read_session(struct plan *p, const char *line)
{
	struct plan_session s = {0};
	int n = sscanf(line, "session %u %u %u %u %u %u %u %u %u %u %u %u %u %u %u %u %u %u %u", &s.a, &s.b, &s.family,
		       &s.hold_a, &s.hold_b, &s.retry_s, &s.idle_s, &s.delay_open_s, &s.mrai_s, &s.passive, &s.options,
		       &s.role[0], &s.role[1], &s.policy[0], &s.policy[1], &s.add_path[0], &s.add_path[1], &s.max[0],
		       &s.max[1]);

	if (n != 11 && n != 19)
		return false;
	VEC_PUSH(&p->sessions, s);
	return s.a < p->node_count && s.b < p->node_count && s.a != s.b;
}

static bool read_event(struct plan *p, const char *line)
{
	struct plan_event e;
	char name[16];
	int kind;

	if (sscanf(line, "at %" SCNd64 " %15s %u %u %u", &e.ms, name, &e.a, &e.b, &e.n) != 5)
		return false;
	kind = find_name(event_names, EVENT_KINDS, name);
	e.kind = (enum event_kind)kind;
	VEC_PUSH(&p->events, e);
	return kind >= 0 && e.a < p->node_count && (plan_event_is_table(e.kind) || e.b < p->node_count);
}

static bool read_network(struct plan *p, const char *line)
{
	struct virtual_network *n = &p->network;
	int64_t delay, spread, jitter;

	if (sscanf(line, "network %" SCNd64 " %" SCNd64 " %" SCNd64 " %u %u %u", &delay, &spread, &jitter,
		   &n->cut_percent, &n->late_percent, &n->refuse_percent) != 6)
		return false;
	n->delay_ns = delay * 1000;
	n->spread_ns = spread * 1000;
	n->jitter_ns = jitter * 1000;
	return true;
}

static bool read_line(struct plan *p, const char *line)
{
	switch (line[0]) {
	case '#':
	case '\n':
		return true;
	case 'n':
		return line[1] == 'o' ? read_node(p, line) : read_network(p, line);
	case 'a':
		return read_event(p, line);
	default:
		return strncmp(line, "seed", 4) == 0 ? sscanf(line, "seed %" SCNu64, &p->seed) == 1
						     : read_session(p, line);
	}
}

bool plan_read(struct plan *p, const char *path)
{
	FILE *from = fopen(path, "r");
	char line[256];
	unsigned int number = 0;
	bool good = true;

	*p = (struct plan){0};
	if (from == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	while (good && fgets(line, sizeof(line), from) != NULL) {
		number++;
		good = read_line(p, line);
	}
	fclose(from);
	if (!good)
		fprintf(stderr, "%s:%u: not understood: %s", path, number, line);
	return good;
}
