/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections held open over what happens: opened by one step, asked by a later one, each with its fate. Who reset one is
 * told by the link on which its RST was seen. */
#include "run_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define OPEN_WITHIN_NS (10 * NS_PER_S)
#define ANSWER_WITHIN_NS (5 * NS_PER_S)
#define PARALLEL_DEFAULT 256

struct run_reset {
	struct addr client;
	uint16_t port;
	unsigned int worker;
};

struct run_held {
	struct drive_held *conns;
	struct judge_traffic traffic;
	struct addr *clients; /* in the order of the load's */
	VEC(struct run_reset) resets;
};

static const char *const fates[] = {
	[DRIVE_FATE_HELD] = "held",   [DRIVE_FATE_ANSWERED] = "answered",   [DRIVE_FATE_REFUSED] = "refused",
	[DRIVE_FATE_RESET] = "reset", [DRIVE_FATE_TIMED_OUT] = "timed out", [DRIVE_FATE_BROKEN] = "broken",
};

#define FATES (sizeof(fates) / sizeof(fates[0]))

void run_held_note(struct run *r, const struct capture_event *event)
{
	const struct run_held *h = r->held;

	if (h == NULL || event->kind != CAPTURE_TCP_RST || event->src_port != h->traffic.port ||
	    !addr_equal(&event->src, &h->traffic.vip))
		return;
	for (unsigned int w = 0; w < r->judge_lab.worker_count; w++) {
		if (r->judge_lab.workers[w].link == event->link)
			VEC_PUSH(&r->held->resets, ((struct run_reset){event->dst, event->dst_port, w}));
	}
}

void run_held_free(struct run *r)
{
	if (r->held == NULL)
		return;
	drive_held_free(r->held->conns);
	VEC_FREE(&r->held->resets);
	free(r->held);
	r->held = NULL;
}

static int by_connection(const void *a, const void *b)
{
	const struct run_reset *x = a, *y = b;
	int order = addr_compare(&x->client, &y->client);

	return order != 0 ? order : (int)x->port - (int)y->port;
}

/* The worker's name, or NULL where none was seen to reset it. */
static const char *reset_by(const struct run *r, const struct run_held *h, const struct drive_held_conn *c)
{
	struct run_reset key = {.client = h->clients[c->client], .port = c->src_port};
	const struct run_reset *found = NULL;

	if (c->fate == DRIVE_FATE_RESET && h->resets.len > 0)
		found = bsearch(&key, h->resets.at, h->resets.len, sizeof(key), by_connection);
	return found != NULL ? r->judge_lab.workers[found->worker].name : NULL;
}

static int by_client(const void *a, const void *b)
{
	const struct judge_break *x = a, *y = b;
	int order = addr_compare(&x->client, &y->client);

	return order != 0 ? order : (int)x->client_port - (int)y->client_port;
}

static const struct judge_break *break_of(const struct judge_break *breaks, size_t n, const struct addr *client,
					  uint16_t port)
{
	const struct judge_break key = {.client = *client, .client_port = port};

	return n > 0 ? bsearch(&key, breaks, n, sizeof(*breaks), by_client) : NULL;
}

/* Which worker had it, what broke it by the judge's word, and for how long it was sent into a hole. */
static void put_break(FILE *f, const struct run *r, const struct judge_break *b)
{
	bool known = b != NULL && b->worker < r->judge_lab.worker_count;

	fprintf(f, "\t%s\t%s\t%.3f\n", known ? r->judge_lab.workers[b->worker].name : "-",
		judge_cause_name(b != NULL ? b->cause : JUDGE_CAUSE_NONE),
		b != NULL ? (double)b->hole_ns / NS_PER_MS : 0.0);
}

static int save(struct run *r, struct run_held *h, struct errmsg *err)
{
	const char *name = arena_printf(&r->arena, "connections-%u.tsv", ++r->held_saved);
	int fd = openat(r->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
	const struct judge_break *breaks;
	size_t n;
	bool bad;

	if (f == NULL)
		return errmsg_set(err, -errno, "%s", name);
	breaks = judge_breaks(r->judge, &h->traffic, run_wall(r), &r->arena, &n);
	fprintf(f, "client\tport\tfate\tby\tbefore\tcause\thole_ms\n");
	for (uint32_t i = 0; i < drive_held_count(h->conns); i++) {
		struct drive_held_conn c = drive_held_at(h->conns, i);
		const char *by = reset_by(r, h, &c);

		fprintf(f, "%s\t%u\t%s\t%s", addr_text(&h->clients[c.client]).s, c.src_port, fates[c.fate],
			by != NULL ? by : "-");
		put_break(f, r, break_of(breaks, n, &h->clients[c.client], c.src_port));
	}
	bad = ferror(f) != 0;
	return fclose(f) != 0 || bad ? errmsg_set(err, -EIO, "%s", name) : 0;
}

/* The same in numbers, for the step that goes on. */
static const struct report_connections *counted(struct run *r, const struct run_held *h)
{
	struct report_connections *ret = arena_alloc(&r->arena, sizeof(*ret));
	struct report_resetter *by = arena_array(&r->arena, r->judge_lab.worker_count, sizeof(*by));
	uint32_t count[FATES] = {0};

	*ret = (struct report_connections){.count = drive_held_count(h->conns), .resetters = by};
	for (uint32_t i = 0; i < ret->count; i++) {
		struct drive_held_conn c = drive_held_at(h->conns, i);
		const char *who = reset_by(r, h, &c);
		size_t at = 0;

		count[c.fate]++;
		while (who != NULL && at < ret->resetter_count && by[at].node != who)
			at++;
		if (who != NULL && at == ret->resetter_count)
			by[ret->resetter_count++].node = who;
		by[at].count += who != NULL;
	}
	ret->answered = count[DRIVE_FATE_ANSWERED];
	ret->refused = count[DRIVE_FATE_REFUSED];
	ret->reset = count[DRIVE_FATE_RESET];
	ret->timed_out = count[DRIVE_FATE_TIMED_OUT];
	ret->broken = count[DRIVE_FATE_BROKEN] + count[DRIVE_FATE_HELD];
	return ret;
}

/* "1000 connections: 667 answered, 333 reset (133 by worker1, 200 by worker3)" */
static const char *told(struct run *r, const struct run_held *h)
{
	uint32_t *by = arena_array(&r->arena, r->judge_lab.worker_count, sizeof(*by)), count[FATES] = {0};
	uint32_t n = drive_held_count(h->conns), named = 0;
	const char *text = arena_printf(&r->arena, "%u connection%s", n, n == 1 ? "" : "s");

	for (uint32_t i = 0; i < n; i++) {
		struct drive_held_conn c = drive_held_at(h->conns, i);
		const char *who = reset_by(r, h, &c);

		count[c.fate]++;
		for (size_t w = 0; who != NULL && w < r->judge_lab.worker_count; w++)
			by[w] += who == r->judge_lab.workers[w].name;
	}
	for (size_t f = 0, parts = 0; f < FATES; f++) {
		if (count[f] > 0)
			text = arena_printf(&r->arena, "%s%s %u %s", text, parts++ == 0 ? ":" : ",", count[f],
					    fates[f]);
		for (size_t w = 0; f == DRIVE_FATE_RESET && w < r->judge_lab.worker_count; w++) {
			if (by[w] > 0)
				text = arena_printf(&r->arena, "%s%s%u by %s", text, named++ == 0 ? " (" : ", ", by[w],
						    r->judge_lab.workers[w].name);
		}
		if (f == DRIVE_FATE_RESET && named > 0)
			text = arena_printf(&r->arena, "%s)", text);
	}
	return text;
}

enum run_exit run_step_hold(struct run *r, const struct plan_traffic *t, const struct run_load *load,
			    const char **ret_detail, struct errmsg *err)
{
	struct drive_http_load conf = {.clients = load->clients,
				       .client_count = load->client_count,
				       .dst = load->dst,
				       .port = load->port,
				       .requests = t->count,
				       .parallel = t->parallel != 0 ? t->parallel : PARALLEL_DEFAULT,
				       .deadline = instant_add(drive_now(r->drive), OPEN_WITHIN_NS)};
	struct run_held *h;
	int result;

	run_held_free(r);
	h = memory_new(sizeof(*h));
	h->traffic =
		(struct judge_traffic){.count = t->count, .vip = load->dst, .port = load->port, .since = drive_wall()};
	h->clients = arena_array(&r->arena, load->client_count, sizeof(*h->clients));
	for (size_t i = 0; i < load->client_count; i++)
		h->clients[i] = r->lab->clients[t->client != 0 ? t->client - 1 : i].address;
	r->held = h;
	result = drive_http_hold(r->drive, &conf, &h->conns, err);
	if (result < 0)
		return run_exit_of(result);
	h->traffic.until = drive_wall();
	r->last_http = h->traffic;
	r->has_http = r->http_was_last = true;
	*ret_detail = told(r, h);
	return RUN_PASSED;
}

enum run_exit run_step_release(struct run *r, const char **ret_detail, struct errmsg *err)
{
	struct run_held *h = r->held;
	int result;

	if (h == NULL || h->conns == NULL) {
		(void)errmsg_say(err, -ENOENT, "no connections are held");
		return RUN_FAILED;
	}
	result = drive_held_release(h->conns, UINT32_MAX, instant_add(drive_now(r->drive), ANSWER_WITHIN_NS), err);
	if (result == 0)
		result = run_evidence_settle(r, err);
	if (result < 0)
		return run_exit_of(result);
	h->traffic.until = drive_wall();
	r->last_http = h->traffic;
	r->has_http = r->http_was_last = true;
	if (h->resets.len > 1)
		qsort(h->resets.at, h->resets.len, sizeof(h->resets.at[0]), by_connection);
	*ret_detail = told(r, h);
	r->step.connections = counted(r, h);
	result = save(r, h, err);
	run_held_free(r);
	return result < 0 ? run_exit_of(result) : RUN_PASSED;
}
