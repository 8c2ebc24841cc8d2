/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel that really loses frames, since its ring is tiny and nobody empties it for a while. The numbers in the frames tell
 * which are missing; the verdict on the flows of that time is inconclusive, those before and after it are not. */
#include "../capture/pair.h"
#include "capture_int.h"
#include "judge.h"
#include "support.h"

#include <string.h>
#include <time.h>

#define LEFT 0U
#define RIGHT 1U
#define RING ((size_t)128 << 10) /* eight blocks */
#define FLOWS 40U		 /* fit into one */
#define TRIES 50U		 /* with a ring as small as this a busy machine loses some where none was meant to */
#define MANY 3000U
#define AMID 7U /* the run that is lost */

struct watch {
	struct capture *c;
	struct judge *j;
	uint64_t frame_of[MANY]; /* of the run `watched`, on the right link; 0: not captured */
	uint32_t watched;
	uint64_t began, sent, seen; /* frames at the right link, of all runs, by its kernel and by the capture */
};

static void on_event(void *ctx, const struct capture_event *event)
{
	struct watch *w = ctx;

	judge_packet(w->j, event);
	w->seen += event->link == RIGHT;
	if (event->link == RIGHT && event->tag.run == w->watched && event->tag.flow < MANY)
		w->frame_of[event->tag.flow] = event->frame;
}

static struct instant now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (struct instant){t.tv_sec * NS_PER_S + t.tv_nsec};
}

static struct judge_lab lab_make(struct judge_worker *worker, struct judge_client *client)
{
	static const char *const files[] = {"left.pcap", "right.pcap"};

	*worker = (struct judge_worker){.name = "worker1", .link = RIGHT};
	*client = (struct judge_client){.name = "client1", .link = LEFT};
	addr_parse("10.0.0.2", &worker->address);
	addr_parse("10.0.0.1", &client->address);
	return (struct judge_lab){.router_link = 8,
				  .gate_link = 9,
				  .workers = worker,
				  .worker_count = 1,
				  .clients = client,
				  .client_count = 1,
				  .link_files = files,
				  .link_count = 2};
}

/* Sends the flows of a run; nobody empties the rings while `stalled`. Returns what is to be judged. */
static struct judge_expect play(struct pair *pair, struct watch *w, uint32_t run, uint32_t flows, bool stalled)
{
	struct judge_expect e = {.kind = JUDGE_PACKETS, .since = now()};

	e.traffic = (struct judge_traffic){.flows = true, .run = run, .count = flows, .packets = 1, .since = e.since};
	addr_parse("10.0.0.2", &e.traffic.vip);
	pair->run = run;
	if (stalled)
		pthread_mutex_lock(&w->c->live->lock);
	for (uint32_t flow = 0; flow < flows; flow++)
		pair_send(pair, flow, pair_right_mac);
	if (stalled)
		pthread_mutex_unlock(&w->c->live->lock);
	w->sent = pair_received() - w->began;
	e.traffic.until = now();
	e.deadline = instant_add(e.traffic.until, NS_PER_S);
	return e;
}

static void settle(struct watch *w)
{
	struct errmsg err = {0};

	if (capture_settle(w->c, &err) != 0)
		fail_msg("%s", err.text);
}

/* How many frames are said to be lost, once each that was sent was either seen or lost: a busy machine takes its time. */
static uint64_t all_told(struct watch *w)
{
	struct instant deadline = instant_add(now(), 10 * NS_PER_S);
	struct capture_loss lost[CAPTURE_LOSSES_MAX];
	uint64_t said;

	do {
		settle(w);
		said = 0;
		for (size_t i = capture_losses(w->c, RIGHT, lost); i > 0; i--)
			said += lost[i - 1].frames;
	} while (w->seen + said < w->sent && instant_before(now(), deadline));
	return said;
}

static struct judge_finding judged(struct watch *w, const struct judge_expect *e, struct arena *arena)
{
	struct capture_loss lost[CAPTURE_LOSSES_MAX];

	(void)all_told(w);
	for (unsigned int link = 0; link < 2; link++)
		judge_losses(w->j, link, lost, capture_losses(w->c, link, lost));
	return judge_evaluate(w->j, e, e->deadline, arena);
}

static bool dated(const struct capture_loss *lost, size_t n, uint64_t behind)
{
	for (size_t i = 0; i < n; i++) {
		if (lost[i].after <= behind && (lost[i].before == 0 || behind < lost[i].before))
			return true;
	}
	return false;
}

/* Each missing flow lies in an interval, and they are as many as was said. */
static void check_dates(struct watch *w)
{
	struct capture_loss lost[CAPTURE_LOSSES_MAX];
	uint64_t missing = 0, said = all_told(w), behind = 0;
	size_t n = capture_losses(w->c, RIGHT, lost);

	for (uint32_t flow = 0; flow < MANY; flow++) {
		missing += w->frame_of[flow] == 0;
		behind = w->frame_of[flow] != 0 ? w->frame_of[flow] : behind;
		if (w->frame_of[flow] == 0 && !dated(lost, n, behind))
			fail_msg("the one lost behind frame %u", (unsigned int)behind);
	}
	for (size_t i = 0; i < n; i++) {
		print_message("%u lost between frames %u and %u\n", (unsigned int)lost[i].frames,
			      (unsigned int)lost[i].after, (unsigned int)lost[i].before);
	}
	assert_true(missing > MANY / 2);
	assert_int_equal(said, w->sent - w->seen);
}

/* Flows of a run that was captured whole: the judge has no doubt. Where it was not, the next run is asked. */
static struct judge_expect conclusive(struct pair *pair, struct watch *w, uint32_t run, struct arena *arena)
{
	struct judge_finding f = {0};
	struct judge_expect e;

	for (uint32_t i = 0; i < TRIES; i++) {
		e = play(pair, w, run + i, FLOWS, false);
		f = judged(w, &e, arena);
		if (f.verdict == JUDGE_PASS)
			return e;
	}
	fail_msg("%s", f.seen);
	return e;
}

static void test_loss(void **state)
{
	struct pair *pair = pair_of(state);
	struct capture_link links[] = {
		{.name = "left", .ns_fd = pair->ns_fd, .interface = "left", .file = "left.pcap"},
		{.name = "right", .ns_fd = pair->ns_fd, .interface = "right", .file = "right.pcap", .ring_bytes = RING},
	};
	struct watch w = {.watched = AMID};
	struct judge_worker worker;
	struct judge_client client;
	struct judge_lab lab = lab_make(&worker, &client);
	struct judge_expect before, amid;
	struct arena arena = {0};
	struct judge_finding f;
	struct errmsg err = {0};

	w.j = judge_new(&lab);
	w.began = pair_received();
	w.c = capture_new(on_event, &w);
	if (capture_open(w.c, links, 2, pair->dir_fd, &err) != 0)
		fail_msg("%s", err.text);
	before = conclusive(pair, &w, 100, &arena);
	(void)conclusive(pair, &w, 200, &arena);
	amid = play(pair, &w, AMID, MANY, true);
	f = judged(&w, &amid, &arena);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	assert_non_null(strstr(f.seen, "frames were lost on right.pcap "));
	(void)conclusive(pair, &w, 300, &arena);
	check_dates(&w);
	f = judged(&w, &before, &arena);
	assert_int_equal(f.verdict, JUDGE_PASS);
	f = judged(&w, &amid, &arena);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	assert_non_null(strstr(f.seen, "frames were lost on right.pcap between frames "));
	capture_free(w.c);
	judge_free(w.j);
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_loss)};

	return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
