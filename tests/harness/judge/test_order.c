/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random histories: the interleaving of links, and evidence later than the question, must not change one word of a finding;
 * damaged events must not do harm. */
#include "play.h"
#include "rng.h"

#include <string.h>

#define RUN 9U
#define END_MS 1000
#define KINDS 7

/* ---- Histories ---- */

static void play_worker(struct play *p, struct rng *rng, unsigned int w)
{
	static const char *const prefixes[] = {PLAY_PREFIX, PLAY_PREFIX, "172.16.254.2/32", "172.16.254.0/24"};
	double ms = (double)rng_below(rng, 30);

	play_session(p, w, ms);
	ms += 6;
	while (ms < END_MS) {
		const char *prefix = prefixes[rng_below(rng, 4)];

		ms += (double)rng_below(rng, 60);
		switch (rng_below(rng, 10)) {
		case 0:
			play_notification(p, w, ms, rng_below(rng, 2) == 0 ? PLAY_FROM_WORKER : PLAY_FROM_ROUTER, 6, 4);
			break;
		case 1:
			play_session(p, w, ms);
			ms += 6;
			break;
		case 2:
			play_bgp_tcp(p, w, ms, CAPTURE_TCP_SYN, PLAY_FROM_WORKER);
			break;
		case 3:
		case 4:
			play_withdraw(p, w, ms, prefix);
			break;
		case 5:
			play_announce(p, w, ms, prefix, "10.0.0.51");
			break;
		case 6:
			play_tcp(p, w, ms, CAPTURE_TCP_FIN, "10.0.0.1", 179, addr_text(&p->lab.workers[w].address).s,
				 p->ports[w]);
			break;
		default:
			play_announce(p, w, ms, prefix, NULL);
			break;
		}
	}
}

static int by_time(const void *a, const void *b)
{
	const struct capture_event *x = a, *y = b;

	return instant_before(x->time, y->time) ? -1 : instant_before(y->time, x->time);
}

/* Links are in order of their stamps and number their frames so. */
static void links_sort(struct play *p)
{
	for (size_t i = 0; i < PLAY_LINKS; i++) {
		if (p->links[i].len > 1)
			qsort(p->links[i].at, p->links[i].len, sizeof(*p->links[i].at), by_time);
		for (size_t n = 0; n < p->links[i].len; n++)
			p->links[i].at[n].frame = n + 1;
	}
}

static void play_data(struct play *p, struct rng *rng)
{
	for (unsigned int i = 0; i < 40; i++) {
		unsigned int w = (unsigned int)rng_below(rng, PLAY_WORKERS);
		uint16_t port = (uint16_t)(50000 + rng_below(rng, 30));

		play_http(p, w, 300 + 5.0 * i, port, rng_below(rng, 8) == 0 ? 503 : 200);
		play_pod_syn(p, w % 2, 301.5 + 5.0 * i, rng_below(rng, 9) == 0 ? "10.0.0.51" : "172.16.0.10", port);
		play_flow(p, PLAY_CLIENT, 300 + i, RUN, i, i % 2 == 0 ? "172.16.0.10" : "172.16.0.11", PLAY_VIP);
		play_flow(p, w, 300.5 + i, RUN, i, i % 2 == 0 ? "172.16.0.10" : "172.16.0.11", PLAY_VIP);
		for (unsigned int other = 1; other < 3 && i % 13 == 7 && rng_below(rng, 4) > 0; other++)
			play_flow(p, (w + other) % 3, 300 + i + (double)rng_below(rng, 3), RUN, i, "172.16.0.10",
				  PLAY_VIP);
	}
}

static void play_history(struct play *p, uint64_t seed)
{
	struct rng rng = {seed};

	play_init(p);
	for (unsigned int w = 0; w < PLAY_WORKERS; w++)
		play_worker(p, &rng, w);
	play_data(p, &rng);
	links_sort(p);
	for (unsigned int i = 0; i < 10; i++)
		play_fib(p, (double)rng_below(&rng, END_MS), PLAY_PREFIX,
			 rng_below(&rng, 3) == 0 ? "10.0.0.51 10.0.0.52 10.0.0.53" : "10.0.0.52 10.0.0.51");
}

/* ---- Questions ---- */

static struct judge_expect question(struct play *p, struct rng *rng)
{
	static const char *const whos[] = {"123", "12", "1", "", "3"};
	double since = (double)rng_below(rng, END_MS);

	return (struct judge_expect){
		.kind = (enum judge_kind)rng_below(rng, KINDS),
		.never = rng_below(rng, 3) == 0,
		.prefix = play_prefix(PLAY_PREFIX),
		.workers = play_who(p, whos[rng_below(rng, 5)]),
		.traffic = {.flows = rng_below(rng, 2) == 0,
			    .run = RUN,
			    .count = 40,
			    .vip = play_addr(PLAY_VIP),
			    .port = PLAY_PORT,
			    .since = play_ms(250),
			    .until = play_ms(550)},
		.http_answered = (uint32_t)(30 + rng_below(rng, 11)),
		.http_status = 200,
		.source = (enum judge_source)rng_below(rng, 3),
		.detect = rng_below(rng, 2) == 0 ? 0 : 0.25,
		.since = play_ms(since),
		.deadline = play_ms(since + (double)rng_below(rng, 400)),
	};
}

static const char *answer(struct play *p, struct judge *j, const struct judge_expect *e, struct instant now)
{
	struct judge_finding f = judge_evaluate(j, e, now, &p->arena);

	return play_finding_text(p, &f);
}

static void test_interleaving(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct play p;
		struct judge *judges[6];
		struct rng rng = {seed * 1000};

		play_history(&p, seed);
		for (unsigned int i = 0; i < 6; i++)
			judges[i] = play_judge(&p, i < 3 ? (enum play_order)i : PLAY_SEEDED, i, INSTANT_NEVER);
		for (unsigned int n = 0; n < 60; n++) {
			struct judge_expect e = question(&p, &rng);
			struct instant now = play_ms((double)rng_below(&rng, END_MS));
			const char *first = answer(&p, judges[0], &e, now);

			for (unsigned int i = 1; i < 6; i++)
				assert_string_equal(answer(&p, judges[i], &e, now), first);
		}
		for (unsigned int i = 0; i < 6; i++)
			judge_free(judges[i]);
		play_fini(&p);
	}
}

/* Live, the judge has seen all up to now; later, offline, everything. Both say the same, and what passed live stays so. */
static void test_live_and_offline(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct play p;
		struct judge *offline;
		struct rng rng = {seed * 1000};

		play_history(&p, seed);
		offline = play_judge(&p, PLAY_BY_TIME, 0, INSTANT_NEVER);
		for (unsigned int n = 0; n < 30; n++) {
			struct judge_expect e = question(&p, &rng);
			struct instant now = play_ms((double)rng_below(&rng, END_MS));
			struct judge *live = play_judge(&p, PLAY_SEEDED, seed, now);
			struct judge_finding f = judge_evaluate(live, &e, now, &p.arena), final;

			assert_string_equal(play_finding_text(&p, &f), answer(&p, offline, &e, now));
			final = judge_evaluate(offline, &e, INSTANT_NEVER, &p.arena);
			assert_int_not_equal(final.verdict, JUDGE_PENDING);
			if (f.verdict != JUDGE_PENDING && e.kind <= JUDGE_NEXT_HOPS)
				assert_string_equal(play_finding_text(&p, &final), play_finding_text(&p, &f));
			judge_free(live);
		}
		judge_free(offline);
		play_fini(&p);
	}
}

/* Single bytes, stamps, links and kinds of events are changed at random. */
static void damage(struct play *p, struct rng *rng)
{
	struct capture_event *e;
	size_t link = rng_below(rng, PLAY_LINKS);

	if (p->links[link].len == 0)
		return;
	e = &p->links[link].at[rng_below(rng, p->links[link].len)];
	switch (rng_below(rng, 6)) {
	case 0:
		e->time.ns = (int64_t)rng_next(rng);
		break;
	case 1:
		e->link = (unsigned int)rng_next(rng);
		break;
	case 2:
		e->kind = (enum capture_kind)rng_below(rng, CAPTURE_BGP_GAP + 1);
		break;
	case 3:
		e->len = e->len > 0 ? rng_below(rng, e->len) : 0;
		break;
	case 4:
		e->tag.flow = (uint32_t)rng_next(rng);
		break;
	default:
		if (e->len > 0) {
			uint8_t *bytes = arena_memdup(&p->arena, e->bytes, e->len);

			bytes[rng_below(rng, e->len)] = (uint8_t)rng_next(rng);
			e->bytes = bytes;
		}
		break;
	}
}

static void test_damage(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct play p;
		struct judge *j;
		struct rng rng = {seed};

		play_history(&p, seed);
		for (unsigned int i = 0; i < 60; i++)
			damage(&p, &rng);
		j = play_judge(&p, PLAY_SEEDED, seed, INSTANT_NEVER);
		for (unsigned int n = 0; n < 40; n++) {
			struct judge_expect e = question(&p, &rng);

			if (n % 4 == 0)
				e.since = (struct instant){(int64_t)rng_next(&rng)};
			(void)answer(&p, j, &e, n % 2 == 0 ? INSTANT_NEVER : play_ms(500));
		}
		judge_free(j);
		play_fini(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interleaving),
		cmocka_unit_test(test_live_and_offline),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
