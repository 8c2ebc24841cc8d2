/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows that go on, at their rate, while the steps after them are played; and what becomes of them when workers leave. */
#include "run_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define TICK_MIN_NS (100 * NS_PER_US)
#define TICK_MAX_NS NS_PER_MS
#define SEND_AT_ONCE 512
#define LASTS_S 7200U /* longer than any step may wait */
#define REFERENCE_NS (3 * NS_PER_S)
#define BEYOND_NS (50 * NS_PER_MS) /* packets that still go there when they must not are seen */
#define LOOK_NS (20 * NS_PER_MS)
#define STRAGGLERS_NS (100 * NS_PER_MS)

struct run_background {
	struct traffic_sender *sender; /* the run's */
	struct judge_traffic traffic;
	struct instant began;
	struct drive_watch *watch;
	int fd;
	uint64_t sent;
};

/* ---- Sending ---- */

static void send_due(struct run *r, struct run_background *b)
{
	unsigned int n = traffic_sender_ready(b->sender, instant_since(drive_now(r->drive), b->began), SEND_AT_ONCE);
	struct errmsg err;
	int sent = n > 0 ? traffic_sender_send(b->sender, n, &err) : 0;

	if (sent < 0 && sent != -EAGAIN && r->evidence_err.code == 0)
		r->evidence_err = err;
	b->sent += sent > 0 ? (uint64_t)sent : 0;
}

static void on_tick(void *ctx, int fd)
{
	struct run *r = ctx;
	uint64_t times;

	if (read(fd, &times, sizeof(times)) == (ssize_t)sizeof(times))
		send_due(r, r->background);
}

void run_background_stop(struct run *r)
{
	struct run_background *b = r->background;

	if (b == NULL || b->fd < 0)
		return;
	drive_unwatch(b->watch);
	close(b->fd);
	b->fd = -1;
	b->traffic.until = drive_wall();
}

void run_background_free(struct run *r)
{
	run_background_stop(r);
	free(r->background);
	r->background = NULL;
}

uint32_t run_background_packets(uint32_t rate, uint32_t count)
{
	uint64_t packets = (uint64_t)rate * LASTS_S / count + 1;

	return packets < UINT32_MAX ? (uint32_t)packets : UINT32_MAX;
}

/* A packet at a time, so that short gaps meet one, as long as that leaves time for the rest. */
static int64_t tick_ns(uint32_t rate)
{
	int64_t each = NS_PER_S / rate;

	return each < TICK_MIN_NS ? TICK_MIN_NS : each > TICK_MAX_NS ? TICK_MAX_NS : each;
}

int run_background_start(struct run *r, struct traffic_sender *sender, uint32_t rate,
			 const struct judge_traffic *traffic, struct errmsg *err)
{
	int64_t each = tick_ns(rate);
	const struct itimerspec tick = {.it_interval.tv_nsec = each, .it_value.tv_nsec = each};
	struct run_background *b;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0 || timerfd_settime(fd, 0, &tick, NULL) < 0) {
		int error = -errno;

		if (fd >= 0)
			close(fd);
		return errmsg_set(err, error, "a timer");
	}
	run_background_free(r);
	b = memory_new(sizeof(*b));
	b->sender = sender;
	b->traffic = *traffic;
	b->began = drive_now(r->drive);
	b->fd = fd;
	b->watch = drive_watch(r->drive, fd, on_tick, r);
	r->background = b;
	while (b->sent < traffic->count) {
		if (!run_wait(r, INSTANT_NEVER))
			return errmsg_say(err, -EINTR, "interrupted");
		if (run_lab_alive(r, err) < 0)
			return err->code;
	}
	return 0;
}

const struct judge_traffic *run_background_traffic(const struct run *r)
{
	return r->background != NULL ? &r->background->traffic : NULL;
}

/* ---- no_packet_on: ---- */

static void put_gaps(FILE *out, const struct judge_leaving *l)
{
	fputs("flow\tclient\tclient_port\tport\tbefore\tafter\tsent\tlost\tblack_hole_ns\tnew_path_ns\n", out);
	for (size_t i = 0; i < l->gap_count; i++) {
		const struct judge_gap *g = &l->gaps[i];

		fprintf(out, "%u\t%s\t%u\t%u\t%s\t%s\t%u\t%u\t%lld\t%lld\n", g->flow,
			g->client.family != ADDR_NONE ? addr_text(&g->client).s : "-", g->client_port, g->port,
			g->before != NULL ? g->before : "-", g->after != NULL ? g->after : "-", g->sent, g->lost,
			(long long)g->black_hole_ns, (long long)g->new_path_ns);
	}
}

static int gaps_save(struct run *r, const struct judge_leaving *l, struct errmsg *err)
{
	const char *name = arena_printf(&r->arena, "leaving-%u.tsv", ++r->leavings_saved);
	int fd = openat(r->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool bad;

	if (out == NULL)
		return errmsg_set(err, -errno, "%s", name);
	put_gaps(out, l);
	bad = ferror(out) != 0;
	return fclose(out) != 0 || bad ? errmsg_set(err, -EIO, "%s", name) : 0;
}

/* Whether the answer is there already, with what was captured up to now. */
static bool decided(const struct run *r, const struct judge_expect *e)
{
	struct instant now = instant_min(run_wall(r), (struct instant){e->deadline.ns - 1});
	struct arena scratch = {0};
	enum judge_verdict v = judge_evaluate(r->judge, e, now, &scratch).verdict;

	arena_clear(&scratch);
	return v != JUDGE_PENDING;
}

/* Lets the flows go on until they have left, or should have. */
static int watch(struct run *r, const struct judge_expect *e, struct errmsg *err)
{
	struct instant deadline = instant_add(run_clock(r), instant_since(e->deadline, run_wall(r)));
	struct instant look = run_clock(r);

	while (instant_before(run_clock(r), deadline)) {
		int result = run_lab_alive(r, err);

		if (result < 0)
			return result;
		if (!instant_before(run_clock(r), look)) {
			if (decided(r, e))
				return 0;
			look = instant_add(run_clock(r), LOOK_NS);
		}
		(void)run_wait(r, instant_min(look, deadline));
	}
	return 0;
}

/* With everything that the kernel has seen; packets that were on their way when the flows ended get their time. */
static int judged(struct run *r, struct judge_expect *e, struct judge_finding *ret, struct errmsg *err)
{
	struct instant until = instant_add(run_clock(r), STRAGGLERS_NS);

	for (;;) {
		int result = run_evidence_settle(r, err);

		if (result < 0)
			return result;
		run_evidence_losses(r);
		e->deadline = run_wall(r);
		*ret = judge_evaluate(r->judge, e, e->deadline, &r->arena);
		if (ret->leaving.trailing == 0 || !instant_before(run_clock(r), until))
			return run_lab_alive(r, err);
		(void)run_wait(r, until);
	}
}

int64_t run_left_limit(const struct plan_expect *e)
{
	return e->within_ns + (e->since != PLAN_SINCE_EVENT ? REFERENCE_NS : 0) + BEYOND_NS;
}

int run_left_watch(struct run *r, struct judge_expect *e, struct judge_finding *ret, struct errmsg *err)
{
	int result = watch(r, e, err);

	run_background_stop(r);
	if (result < 0)
		return result;
	e->traffic = r->background->traffic;
	result = judged(r, e, ret, err);
	return result < 0 ? result : gaps_save(r, &ret->leaving, err);
}
