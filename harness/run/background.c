/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows that go on, at their rate, while the steps after them are played; and what becomes of them when workers leave. */
#include "run_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
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
	struct traffic_sender *sender; /* the run's, and the thread's until it has ended */
	struct judge_traffic traffic;
	struct instant began;
	pthread_t thread;
	bool running;
	int tick_fd, stop_fd, begun_fd; /* the thread's clock; its end; each flow has sent a packet */
	struct drive_watch *watch;
	bool begun;
	int error; /* the thread's, read when it has ended */
};

/* ---- Sending: a thread of its own, since a loop that is busy with what happens would leave out the packets that show it ---- */

static struct instant clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct instant){ts.tv_sec * NS_PER_S + ts.tv_nsec};
}

/* Adds what went out. 0, or -errno. */
static int send_due(struct run_background *b, uint64_t *sent)
{
	unsigned int n = traffic_sender_ready(b->sender, instant_since(clock_now(), b->began), SEND_AT_ONCE);
	struct errmsg err;
	int result = n > 0 ? traffic_sender_send(b->sender, n, &err) : 0;

	if (result < 0)
		return result == -EAGAIN ? 0 : result;
	*sent += (unsigned int)result;
	return 0;
}

static void *send_on(void *background)
{
	struct run_background *b = background;
	struct pollfd on[2] = {{.fd = b->tick_fd, .events = POLLIN}, {.fd = b->stop_fd, .events = POLLIN}};
	uint64_t sent = 0, times;
	bool told = false;

	while (b->error == 0) {
		if (poll(on, 2, -1) < 0 && errno != EINTR)
			b->error = -errno;
		if (on[1].revents != 0)
			break;
		if (on[0].revents != 0 && read(b->tick_fd, &times, sizeof(times)) == (ssize_t)sizeof(times))
			b->error = b->error == 0 ? send_due(b, &sent) : b->error;
		if (!told && (sent >= b->traffic.count || b->error != 0))
			told = eventfd_write(b->begun_fd, 1) == 0;
	}
	return NULL;
}

static void on_begun(void *ctx, int fd)
{
	struct run_background *b = ctx;
	eventfd_t n;

	b->begun = eventfd_read(fd, &n) == 0 || b->begun;
}

void run_background_stop(struct run *r)
{
	struct run_background *b = r->background;
	struct errmsg err;

	if (b == NULL || !b->running)
		return;
	(void)eventfd_write(b->stop_fd, 1);
	pthread_join(b->thread, NULL);
	b->running = false;
	b->traffic.until = drive_wall();
	if (b->error < 0 && r->evidence_err.code == 0) {
		(void)errmsg_set(&err, b->error, "sending flows");
		r->evidence_err = err;
	}
}

void run_background_free(struct run *r)
{
	struct run_background *b = r->background;

	run_background_stop(r);
	if (b == NULL)
		return;
	if (b->watch != NULL)
		drive_unwatch(b->watch);
	for (size_t i = 0; i < 3; i++) {
		int fd = (const int[]){b->tick_fd, b->stop_fd, b->begun_fd}[i];

		if (fd >= 0)
			close(fd);
	}
	free(b);
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

/* Its descriptors and its thread; signals are the loop's. */
static int thread_start(struct run *r, struct run_background *b, uint32_t rate)
{
	int64_t each = tick_ns(rate);
	const struct itimerspec tick = {.it_interval.tv_nsec = each, .it_value.tv_nsec = each};
	sigset_t all, before;
	int result;

	b->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	b->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	b->begun_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->tick_fd < 0 || b->stop_fd < 0 || b->begun_fd < 0 || timerfd_settime(b->tick_fd, 0, &tick, NULL) < 0)
		return -errno;
	b->watch = drive_watch(r->drive, b->begun_fd, on_begun, b);
	b->began = clock_now();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&b->thread, NULL, send_on, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	b->running = result == 0;
	return -result;
}

int run_background_start(struct run *r, struct traffic_sender *sender, uint32_t rate,
			 const struct judge_traffic *traffic, struct errmsg *err)
{
	struct run_background *b = memory_new(sizeof(*b));
	int result;

	run_background_free(r);
	*b = (struct run_background){
		.sender = sender, .traffic = *traffic, .tick_fd = -1, .stop_fd = -1, .begun_fd = -1};
	r->background = b;
	result = thread_start(r, b, rate);
	if (result < 0)
		return errmsg_set(err, result, "a thread that sends flows");
	while (!b->begun) {
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

/* ---- no_packet_on:, first_packet_on: ---- */

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
	const char *name = arena_printf(&r->arena, "%s-%u.tsv", l->joins ? "joining" : "leaving", ++r->leavings_saved);
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
