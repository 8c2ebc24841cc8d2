/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two engines over a virtual wire that delays, loses and reorders: sessions come up, agree, fall when they should and
 * never when they should not. Each run is drawn from a seed, which a failure names. */
#include "bfd.h"
#include "rng.h"
#include "support.h"
#include "vec.h"

#include <stdio.h>
#include <stdlib.h>

#define MS NS_PER_MS
#define RUNS 1500U

struct flight {
	struct instant at;
	unsigned int to;
	uint8_t bytes[WIRE_BFD_MAX];
	size_t len;
};

struct pair {
	uint64_t seed;
	struct rng rng;
	struct instant now;
	struct bfd *engines[2];
	bfd_session_id ids[2];
	struct addr addrs[2];
	VEC(struct flight) flights;
	int64_t delay_ns, jitter_ns;
	unsigned int loss_percent;
	unsigned int burst_max; /* packets lost in a row, in one direction */
	unsigned int burst[2];
	bool cut;
	unsigned int falls, failures;
	struct instant fell_at[2], heard_at[2], said_at[2];
	int64_t least_gap[2], most_gap[2]; /* between what an engine says */
};

static struct bfd_session_info info(const struct pair *p, unsigned int i)
{
	return bfd_session_info(p->engines[i], p->ids[i]);
}

static bool both(const struct pair *p, enum wire_bfd_state state)
{
	return info(p, 0).state == state && info(p, 1).state == state;
}

static void launch(struct pair *p, unsigned int from, const struct bfd_output *o)
{
	struct flight f = {.to = 1 - from, .len = o->len};
	bool lost = p->cut || rng_below(&p->rng, 100) < p->loss_percent;
	int64_t gap = instant_since(p->now, p->said_at[from]);

	p->said_at[from] = p->now;
	p->least_gap[from] = gap < p->least_gap[from] ? gap : p->least_gap[from];
	p->most_gap[from] = gap > p->most_gap[from] ? gap : p->most_gap[from];
	if (!p->cut && p->burst[from] >= p->burst_max)
		lost = false;
	p->burst[from] = lost ? p->burst[from] + 1 : 0;
	if (lost)
		return;
	f.at = instant_add(p->now, p->delay_ns + (int64_t)rng_below(&p->rng, (uint64_t)p->jitter_ns + 1));
	memcpy(f.bytes, o->bytes, o->len);
	VEC_PUSH(&p->flights, f);
}

static void drain(struct pair *p, unsigned int i)
{
	size_t n;
	const struct bfd_output *o = bfd_outputs(p->engines[i], &n);

	for (size_t k = 0; k < n; k++) {
		if (o[k].kind == BFD_OUT_SEND) {
			launch(p, i, &o[k]);
		} else if (o[k].from == WIRE_BFD_UP) {
			p->falls++;
			p->failures += o[k].failure;
			p->fell_at[i] = p->now;
		}
	}
	bfd_outputs_clear(p->engines[i]);
}

/* What has arrived first; SIZE_MAX for nothing on its way. */
static size_t first_flight(const struct pair *p)
{
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < p->flights.len; i++)
		if (first == SIZE_MAX || instant_before(p->flights.at[i].at, p->flights.at[first].at))
			first = i;
	return first;
}

static void land(struct pair *p, size_t which)
{
	struct flight f = p->flights.at[which];
	struct bfd_arrival from = {.local = p->addrs[f.to], .remote = p->addrs[1 - f.to], .ttl = 255};

	/* The order of those behind it is kept: equal instants are no reordering. */
	for (size_t i = which + 1; i < p->flights.len; i++)
		p->flights.at[i - 1] = p->flights.at[i];
	p->flights.len--;
	p->heard_at[f.to] = p->now;
	(void)bfd_in_packet(p->engines[f.to], &from, f.bytes, f.len, p->now);
	drain(p, f.to);
}

static void run(struct pair *p, int64_t ns)
{
	struct instant end = instant_add(p->now, ns);

	for (;;) {
		size_t flight = first_flight(p);
		struct instant arrival = flight == SIZE_MAX ? INSTANT_NEVER : p->flights.at[flight].at;
		struct instant due[2] = {bfd_deadline(p->engines[0]), bfd_deadline(p->engines[1])};
		struct instant next = instant_min(arrival, instant_min(due[0], due[1]));

		if (instant_before(end, next))
			break;
		if (instant_before(p->now, next))
			p->now = next;
		if (!instant_before(next, arrival)) {
			land(p, flight);
			continue;
		}
		for (unsigned int i = 0; i < 2; i++) {
			bfd_in_time(p->engines[i], p->now);
			drain(p, i);
		}
	}
	p->now = end;
}

static uint32_t interval(struct pair *p)
{
	static const uint32_t some[] = {10000, 50000, 100000, 300000, 1000000, 2000000};

	return some[rng_below(&p->rng, 6)];
}

static void begin(struct pair *p, uint64_t seed)
{
	static const enum wire_bfd_auth_type types[] = {WIRE_BFD_AUTH_NONE, WIRE_BFD_AUTH_PASSWORD,
							WIRE_BFD_AUTH_MD5,  WIRE_BFD_AUTH_METICULOUS_MD5,
							WIRE_BFD_AUTH_SHA1, WIRE_BFD_AUTH_METICULOUS_SHA1};
	struct bfd_auth auth = {.key_id = 7, .key = "secret", .key_len = 6};
	unsigned int passive;

	*p = (struct pair){.seed = seed, .rng = {seed}, .addrs = {addr_v4(0x0a000001), addr_v4(0x0a000002)}};
	auth.type = types[rng_below(&p->rng, 6)];
	passive = (unsigned int)rng_below(&p->rng, 3); /* 2: nobody */
	p->burst_max = 255;
	p->delay_ns = (int64_t)rng_below(&p->rng, 5 * MS);
	for (unsigned int i = 0; i < 2; i++) {
		struct bfd_session_conf conf = {.local = p->addrs[i],
						.remote = p->addrs[1 - i],
						.desired_tx_us = interval(p),
						.required_rx_us = interval(p),
						.multiplier = (uint8_t)(1 + rng_below(&p->rng, 6)),
						.passive = passive == i,
						.auth = auth};

		if (conf.multiplier - 1U < p->burst_max)
			p->burst_max = conf.multiplier - 1U;
		p->engines[i] = bfd_new(rng_next(&p->rng));
		assert_int_equal(bfd_session_add(p->engines[i], &conf, p->now, &p->ids[i]), 0);
		p->least_gap[i] = INT64_MAX;
	}
}

static void end(struct pair *p)
{
	for (unsigned int i = 0; i < 2; i++)
		bfd_free(p->engines[i]);
	VEC_FREE(&p->flights);
}

#define HOLDS(p, condition)                                                                                            \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail_msg("seed %llu at %.3f s: %s", (unsigned long long)(p)->seed, (double)(p)->now.ns / 1e9,  \
				 #condition);                                                                          \
	} while (false)

static int64_t greater(uint32_t a, uint32_t b)
{
	return (a > b ? a : b) * NS_PER_US;
}

/* RFC 5880 sections 6.8.2 and 6.8.4. */
static void agreed(struct pair *p)
{
	HOLDS(p, both(p, WIRE_BFD_UP));
	for (unsigned int i = 0; i < 2; i++) {
		const struct bfd_session_conf *mine = bfd_session_conf(p->engines[i], p->ids[i]);
		const struct bfd_session_conf *other = bfd_session_conf(p->engines[1 - i], p->ids[1 - i]);

		HOLDS(p, !info(p, i).polling);
		HOLDS(p, info(p, i).tx_ns == greater(mine->desired_tx_us, other->required_rx_us));
		HOLDS(p,
		      info(p, i).detect_ns == other->multiplier * greater(mine->required_rx_us, other->desired_tx_us));
	}
}

static void gaps_are_jittered(struct pair *p)
{
	for (unsigned int i = 0; i < 2; i++) {
		p->least_gap[i] = INT64_MAX;
		p->most_gap[i] = 0;
	}
	run(p, 50 * NS_PER_S);
	for (unsigned int i = 0; i < 2; i++) {
		uint8_t multiplier = bfd_session_conf(p->engines[i], p->ids[i])->multiplier;

		HOLDS(p, p->least_gap[i] >= info(p, i).tx_ns * 75 / 100);
		HOLDS(p, p->most_gap[i] <= info(p, i).tx_ns * (multiplier == 1 ? 90 : 100) / 100);
	}
}

/* ---- ---- */

static void pairs_come_up_and_agree_on_the_greater_intervals(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct pair p;

		begin(&p, seed);
		run(&p, 15 * NS_PER_S);
		agreed(&p);
		HOLDS(&p, p.falls == 0);
		if (seed % 50 == 0)
			gaps_are_jittered(&p);
		end(&p);
	}
}

/* As many packets in a row as the multipliers bear, again and again, while the parameters change. */
static void bearable_loss_makes_nobody_fall(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct pair p;

		begin(&p, seed);
		run(&p, 15 * NS_PER_S);
		p.loss_percent = 60;
		for (unsigned int change = 0; change < 10; change++) {
			unsigned int i = (unsigned int)rng_below(&p.rng, 2);
			uint8_t multiplier = bfd_session_conf(p.engines[i], p.ids[i])->multiplier;

			run(&p, (int64_t)rng_below(&p.rng, 3 * NS_PER_S));
			assert_int_equal(
				bfd_session_set(p.engines[i], p.ids[i], interval(&p), interval(&p), multiplier, p.now),
				0);
		}
		run(&p, 10 * NS_PER_S);
		HOLDS(&p, p.falls == 0);
		p.loss_percent = 0;
		run(&p, 20 * NS_PER_S);
		agreed(&p);
		end(&p);
	}
}

static void a_cut_is_seen_after_the_detection_time_and_healed(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		int64_t detect[2];
		struct pair p;

		begin(&p, seed);
		run(&p, 15 * NS_PER_S + (int64_t)rng_below(&p.rng, NS_PER_S));
		p.cut = true;
		p.flights.len = 0;
		detect[0] = info(&p, 0).detect_ns;
		detect[1] = info(&p, 1).detect_ns;
		run(&p, 15 * NS_PER_S);
		HOLDS(&p, p.failures == 2);
		for (unsigned int i = 0; i < 2; i++) {
			HOLDS(&p, instant_since(p.fell_at[i], p.heard_at[i]) == detect[i]);
			HOLDS(&p, info(&p, i).diag == WIRE_BFD_DIAG_EXPIRED);
		}
		p.cut = false;
		run(&p, 15 * NS_PER_S);
		agreed(&p);
		HOLDS(&p, p.falls == 2);
		end(&p);
	}
}

/* Packets out of order may make a young session fall, for they carry no number; it comes up again, and both agree. */
static void disorder_and_heavy_loss_end_in_agreement(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct pair p;

		begin(&p, seed);
		p.burst_max = 255;
		p.loss_percent = (unsigned int)rng_below(&p.rng, 90);
		p.jitter_ns = (int64_t)rng_below(&p.rng, 500 * MS);
		run(&p, 60 * NS_PER_S);
		p.loss_percent = 0;
		p.jitter_ns = 0;
		run(&p, 40 * NS_PER_S);
		agreed(&p);
		p.falls = 0;
		run(&p, 20 * NS_PER_S);
		HOLDS(&p, p.falls == 0);
		end(&p);
	}
}

static void a_restarted_side_is_noticed_and_met_again(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct bfd_session_conf conf;
		struct pair p;

		begin(&p, seed);
		run(&p, 15 * NS_PER_S);
		conf = *bfd_session_conf(p.engines[0], p.ids[0]);
		bfd_free(p.engines[0]);
		p.engines[0] = bfd_new(rng_next(&p.rng));
		assert_int_equal(bfd_session_add(p.engines[0], &conf, p.now, &p.ids[0]), 0);
		run(&p, 40 * NS_PER_S);
		HOLDS(&p, p.failures >= 1);
		agreed(&p);
		end(&p);
	}
}

static void admin_down_is_no_failure(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS / 10; seed++) {
		struct pair p;

		begin(&p, seed);
		run(&p, 15 * NS_PER_S);
		bfd_session_admin_down(p.engines[0], p.ids[0], true, p.now);
		drain(&p, 0);
		run(&p, 15 * NS_PER_S);
		HOLDS(&p, info(&p, 1).state == WIRE_BFD_DOWN);
		HOLDS(&p, info(&p, 1).remote_state == WIRE_BFD_ADMIN_DOWN);
		HOLDS(&p, info(&p, 1).diag == WIRE_BFD_DIAG_NEIGHBOR_DOWN);
		HOLDS(&p, p.failures == 0 && p.falls == 2);
		bfd_session_admin_down(p.engines[0], p.ids[0], false, p.now);
		drain(&p, 0);
		run(&p, 15 * NS_PER_S);
		agreed(&p);
		end(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_come_up_and_agree_on_the_greater_intervals),
		cmocka_unit_test(bearable_loss_makes_nobody_fall),
		cmocka_unit_test(a_cut_is_seen_after_the_detection_time_and_healed),
		cmocka_unit_test(disorder_and_heavy_loss_end_in_agreement),
		cmocka_unit_test(a_restarted_side_is_noticed_and_met_again),
		cmocka_unit_test(admin_down_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
