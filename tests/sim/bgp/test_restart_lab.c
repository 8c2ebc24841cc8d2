/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Speakers that restart gracefully, break, change their minds meanwhile: whatever happens, in the end each has what the
 * other announces, and no more. Same seed, same story. */
#include "by_hand.h"
#include "lab.h"

#include <stdio.h>
#include <string.h>

#define SEEDS 300
#define ACTS 12
#define PREFIXES 6
#define ENDS 2

struct end {
	struct bgp_speaker_conf conf;
	bool announced[PREFIXES];
};

struct story {
	struct lab l;
	struct rng rng;
	struct bgp_restart_conf restart;
	struct end ends[ENDS];
};

/* Speaker 0's are 10.1.x.0/24, speaker 1's 10.2.x.0/24. */
static void prefix_name(unsigned int end, unsigned int i, char ret[static 32])
{
	snprintf(ret, 32, "10.%u.%u.0/24", end + 1, i);
}

static void announce(struct story *s, unsigned int end)
{
	char names[PREFIXES][32];
	const char *list[PREFIXES];
	size_t n = 0;

	for (unsigned int i = 0; i < PREFIXES; i++) {
		prefix_name(end, i, names[i]);
		if (s->ends[end].announced[i])
			list[n++] = names[i];
	}
	lab_originate(&s->l, end, list, n);
}

static void choose(struct story *s, unsigned int end)
{
	for (unsigned int i = 0; i < PREFIXES; i++)
		s->ends[end].announced[i] = rng_below(&s->rng, 2) == 0;
}

static void start(struct story *s, unsigned int end)
{
	lab_peer(&s->l, end, 1 - end,
		 (struct bgp_peer_conf){
			 .remote_as = s->ends[1 - end].conf.as, .passive = end == 0, .restart = s->restart});
	announce(s, end);
	lab_start(&s->l, end);
}

static void begin(struct story *s, uint64_t seed)
{
	*s = (struct story){.rng = {seed}};
	s->restart = (struct bgp_restart_conf){.on = true,
					       .forwarding = rng_below(&s->rng, 4) != 0,
					       .notification = rng_below(&s->rng, 2) == 0,
					       .time_s = 20,
					       .stale_s = 30,
					       .long_lived_s = rng_below(&s->rng, 2) == 0 ? 40 : 0};
	lab_init(&s->l, seed);
	s->l.segments = rng_below(&s->rng, 2) == 0;
	s->l.spread_ns = 20 * NS_PER_MS;
	for (unsigned int i = 0; i < ENDS; i++) {
		s->ends[i].conf = (struct bgp_speaker_conf){
			.as = 65001 + i, .router_id = 1 + i, .max_paths = 2, .seed = seed + i, .deferral_s = 15};
		lab_add(&s->l, &s->ends[i].conf, i == 0 ? "10.0.0.1" : "10.0.0.2");
		choose(s, i);
	}
	start(s, 0);
	start(s, 1);
}

static void act(struct story *s)
{
	unsigned int end = (unsigned int)rng_below(&s->rng, ENDS);

	switch (rng_below(&s->rng, 6)) {
	case 0:
		lab_break(&s->l);
		break;
	case 1:
	case 2:
		s->ends[end].conf.restarting = rng_below(&s->rng, 4) != 0;
		choose(s, end);
		lab_restart(&s->l, end, &s->ends[end].conf, rng_below(&s->rng, 2) == 0);
		start(s, end);
		break;
	case 3:
		bgp_peer_reset(s->l.speakers[end].engine, 0, &(struct bgp_cease){.subcode = BGP_CEASE_RESET},
			       lab_now(&s->l));
		break;
	default:
		choose(s, end);
		announce(s, end);
		break;
	}
	lab_run(&s->l, s->l.now_ns / NS_PER_MS + (int64_t)rng_below(&s->rng, 30000));
}

static void check(struct story *s, uint64_t seed)
{
	static const char *const next_hop[] = {"10.0.0.1", "10.0.0.2"};

	for (unsigned int end = 0; end < ENDS; end++) {
		if (bgp_peer_state(s->l.speakers[end].engine, 0) != BGP_ESTABLISHED || lab_open_links(&s->l) != 1)
			fail_msg("seed %u: the session is not up", (unsigned int)seed);
		for (unsigned int i = 0; i < PREFIXES; i++) {
			const char *want = s->ends[end].announced[i] ? next_hop[end] : "";
			char name[32], got[64];

			prefix_name(end, i, name);
			lab_hops(&s->l, 1 - end, name, got, sizeof(got));
			if (strcmp(got, want) != 0)
				fail_msg("seed %u: %s has %s via \"%s\", not \"%s\"", (unsigned int)seed,
					 next_hop[1 - end], name, got, want);
		}
	}
}

static void test_stories(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct story s;

		begin(&s, seed);
		for (unsigned int i = 0; i < ACTS; i++)
			act(&s);
		/* Longer than any timer of theirs, damping included. */
		lab_run(&s.l, s.l.now_ns / NS_PER_MS + 400000);
		check(&s, seed);
		lab_fini(&s.l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
