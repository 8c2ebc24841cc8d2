/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Theory against the published table of hash-threshold (RFC 2992's own figures among them), and against flows that were
 * really hashed: by the kernel's own rule for region bounds, by remainders, by rendezvous, by a table of buckets. */
#include "judge.h"
#include "judge_int.h"
#include "membership.h"
#include "rng.h"
#include "support.h"

#include <math.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MEMBERS 17U
#define FLOWS 6000U

static struct judge_slot all[MEMBERS];

/* Members 0 to n-1 of weight 1, without `out` (or all). */
static struct judge_group group(struct judge_slot *room, size_t n, size_t out)
{
	size_t len = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (i != out)
			room[len++] = (struct judge_slot){i, 1};
	}
	return (struct judge_group){room, len};
}

static struct judge_moves_share expected(enum judge_algorithm a, struct judge_group before, struct judge_group after)
{
	double table[MEMBERS * MEMBERS];

	assert_true(judge_transitions(a, before, after, MEMBERS, table));
	return judge_moves_expected(table, after, MEMBERS);
}

#define assert_percent(got, want)                                                                                      \
	do {                                                                                                           \
		double got_ = 100 * (got);                                                                             \
		if (!(fabs(got_ - (want)) <= 0.5 + 1e-9))                                                              \
			fail_msg("row %zu: %s is %.3f %%, not %.0f", i, #got, got_, (double)(want));                   \
	} while (0)

/* ---- Theory ---- */

/* Total moved and innocent share of the survivors: best, mean, worst position; modulo's total. */
static const struct published {
	size_t n;
	double best, mean, worst, innocent_best, innocent_mean, innocent_worst, modulo;
} published[] = {
	{2, 50, 50, 50, 0, 0, 0, 50},	 {3, 33, 44, 50, 0, 17, 25, 67},  {4, 33, 42, 50, 11, 22, 33, 75},
	{5, 30, 40, 50, 13, 25, 38, 80}, {8, 29, 38, 50, 18, 29, 43, 88}, {16, 27, 35, 50, 22, 31, 47, 94},
};

static void test_published(void **state)
{
	struct judge_slot room[MEMBERS];

	(void)state;
	for (size_t i = 0; i < COUNT(published); i++) {
		const struct published *row = &published[i];
		double best = 1, worst = 0, mean = 0, n = (double)row->n;

		for (size_t out = 0; out < row->n; out++) {
			struct judge_moves_share s =
				expected(JUDGE_HASH_THRESHOLD, group(all, row->n, MEMBERS), group(room, row->n, out));

			assert_true(fabs(s.forced - 1 / n) < 1e-12);
			assert_true(fabs(s.forced + s.innocent - s.moved) < 1e-12);
			best = fmin(best, s.moved);
			worst = fmax(worst, s.moved);
			mean += s.moved / n;
		}
		assert_percent(best, row->best);
		assert_percent(worst, row->worst);
		assert_percent(mean, row->mean);
		assert_percent((best - 1 / n) * n / (n - 1), row->innocent_best);
		assert_percent((worst - 1 / n) * n / (n - 1), row->innocent_worst);
		assert_percent((mean - 1 / n) * n / (n - 1), row->innocent_mean);
	}
}

static void test_published_modulo(void **state)
{
	struct judge_slot room[MEMBERS];

	(void)state;
	for (size_t i = 0; i < COUNT(published); i++) {
		struct judge_moves_share s = expected(JUDGE_MODULO, group(all, published[i].n, MEMBERS),
						      group(room, published[i].n, published[i].n - 1));

		assert_percent(s.moved, published[i].modulo);
	}
}

/* RFC 2992 section 3.1: a quarter to a half of all; adding at the end moves a half, in the middle less. */
static void test_adding(void **state)
{
	struct judge_slot two[2] = {{0, 1}, {1, 1}}, middle[3] = {{0, 1}, {2, 1}, {1, 1}},
			  end[3] = {{0, 1}, {1, 1}, {2, 1}};
	struct judge_group before = {two, 2};
	struct judge_moves_share s = expected(JUDGE_HASH_THRESHOLD, before, (struct judge_group){end, 3});

	(void)state;
	assert_true(fabs(s.moved - 0.5) < 1e-12);
	assert_true(s.forced < 1e-12);
	s = expected(JUDGE_HASH_THRESHOLD, before, (struct judge_group){middle, 3});
	assert_true(fabs(s.moved - 1.0 / 3) < 1e-12);
	s = expected(JUDGE_MINIMAL, before, (struct judge_group){end, 3});
	assert_true(fabs(s.moved - 1.0 / 3) < 1e-12);
	s = expected(JUDGE_REHASH, before, (struct judge_group){end, 3});
	assert_true(fabs(s.moved - 2.0 / 3) < 1e-12);
}

static void test_weights(void **state)
{
	struct judge_slot before[2] = {{0, 1}, {1, 1}}, after[2] = {{0, 1}, {1, 3}}, turned[2] = {{1, 1}, {0, 1}};
	struct judge_moves_share s;

	(void)state;
	for (enum judge_algorithm a = JUDGE_HASH_THRESHOLD; a <= JUDGE_MINIMAL; a += JUDGE_MINIMAL) {
		s = expected(a, (struct judge_group){before, 2}, (struct judge_group){after, 2});
		assert_true(fabs(s.moved - 0.25) < 1e-12);
	}
	/* The order alone: every flow of a plain group moves, none has to. */
	s = expected(JUDGE_HASH_THRESHOLD, (struct judge_group){before, 2}, (struct judge_group){turned, 2});
	assert_true(fabs(s.innocent - 1) < 1e-12);
	s = expected(JUDGE_MINIMAL, (struct judge_group){before, 2}, (struct judge_group){turned, 2});
	assert_true(s.moved < 1e-12);
}

/* The sums of rows are the shares before, those of columns the shares after, whatever the algorithm. */
static void test_margins(void **state)
{
	struct rng rng = {5};
	double table[MEMBERS * MEMBERS];

	(void)state;
	for (unsigned int round = 0; round < 300; round++) {
		struct judge_slot was[MEMBERS], is[MEMBERS];
		struct judge_group before = {was, 1 + rng_below(&rng, MEMBERS - 1)};
		struct judge_group after = {is, 1 + rng_below(&rng, MEMBERS - 1)};
		enum judge_algorithm a = (enum judge_algorithm)(round % JUDGE_ALGORITHM_COUNT);
		double row[MEMBERS] = {0}, column[MEMBERS] = {0}, was_all = 0, is_all = 0;

		for (uint32_t i = 0; i < MEMBERS; i++) {
			was[i] = (struct judge_slot){i, 1 + (uint32_t)rng_below(&rng, 7)};
			is[i] = (struct judge_slot){(i * 5 + round) % MEMBERS, 1 + (uint32_t)rng_below(&rng, 7)};
			was_all += i < before.n ? was[i].weight : 0;
			is_all += i < after.n ? is[i].weight : 0;
		}
		assert_true(judge_transitions(a, before, after, MEMBERS, table));
		for (size_t i = 0; i < (size_t)MEMBERS * MEMBERS; i++) {
			row[i / MEMBERS] += table[i];
			column[i % MEMBERS] += table[i];
		}
		for (size_t i = 0; i < before.n; i++)
			assert_true(fabs(row[was[i].member] - was[i].weight / was_all) < 1e-9);
		for (size_t i = 0; i < after.n; i++)
			assert_true(fabs(column[is[i].member] - is[i].weight / is_all) < 1e-9);
	}
}

static void test_no_theory(void **state)
{
	struct judge_slot huge = {0, 100000}, one = {0, 1};
	double table[1];

	(void)state;
	assert_false(judge_transitions(JUDGE_MODULO, (struct judge_group){&huge, 1}, (struct judge_group){&one, 1}, 1,
				       table));
	assert_false(judge_transitions(JUDGE_MINIMAL, (struct judge_group){&one, 1}, (struct judge_group){NULL, 0}, 1,
				       table));
}

/* ---- Flows that were hashed ---- */

/* As fib_rebalance of the kernel sets the bounds: 31 bits, each the rounded share of the total so far. */
static uint32_t by_regions(uint64_t hash, struct judge_group g, uint64_t seed)
{
	uint64_t total = 0, sum = 0, point = hash >> 33;

	(void)seed;
	for (size_t i = 0; i < g.n; i++)
		total += g.slots[i].weight;
	for (size_t i = 0; i < g.n; i++) {
		sum += g.slots[i].weight;
		if (point <= ((sum << 31) + total / 2) / total - 1)
			return g.slots[i].member;
	}
	return g.slots[g.n - 1].member;
}

static uint32_t by_remainder(uint64_t hash, struct judge_group g, uint64_t seed)
{
	(void)seed;
	return g.slots[hash % g.n].member;
}

/* Rendezvous (Thaler and Ravishankar 1998): the member whose hash with the flow is the highest. */
static uint32_t by_rendezvous(uint64_t hash, struct judge_group g, uint64_t seed)
{
	uint64_t most = 0;
	uint32_t ret = 0;

	(void)seed;
	for (size_t i = 0; i < g.n; i++) {
		struct rng mix = {hash ^ (g.slots[i].member + 1) * UINT64_C(0xd1342543de82ef95)};
		uint64_t rank = rng_next(&mix);

		if (i == 0 || rank > most) {
			most = rank;
			ret = g.slots[i].member;
		}
	}
	return ret;
}

static uint32_t by_seed(uint64_t hash, struct judge_group g, uint64_t seed)
{
	struct rng mix = {hash ^ seed};

	return g.slots[rng_next(&mix) % g.n].member;
}

typedef uint32_t hash_fn(uint64_t hash, struct judge_group g, uint64_t seed);

static struct judge_membership play(hash_fn *fn, struct judge_group before, struct judge_group after, uint64_t seed)
{
	static uint32_t was[FLOWS], is[FLOWS];
	struct rng rng = {seed};

	for (size_t i = 0; i < FLOWS; i++) {
		uint64_t hash = rng_next(&rng);

		was[i] = fn(hash, before, 1);
		is[i] = fn(hash, after, 2);
	}
	return judge_membership(was, is, FLOWS, before, after, MEMBERS);
}

/* Every member of 2 to 8 leaves in turn, under each algorithm: the moved flows lie in the interval around the theory, and the
 * algorithm is the one that was played, as far as it can be told: remainders by n and n - 1 have nothing in common, so that modulo
 * deals anew, as rehash does; and when few are left, all do the same. */
static void test_played(void **state)
{
	static const struct {
		hash_fn *fn;
		enum judge_algorithm is, named;
		size_t fitting;
	} rows[] = {{by_regions, JUDGE_HASH_THRESHOLD, JUDGE_HASH_THRESHOLD, 1},
		    {by_remainder, JUDGE_MODULO, JUDGE_MODULO, 2},
		    {by_rendezvous, JUDGE_MINIMAL, JUDGE_MINIMAL, 1},
		    {by_seed, JUDGE_REHASH, JUDGE_MODULO, 2}};
	struct judge_slot room[MEMBERS];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t n = 2; n <= 8; n++) {
			for (size_t out = 0; out < n; out++) {
				struct judge_group before = group(all, n, MEMBERS), after = group(room, n, out);
				struct judge_membership m = play(rows[i].fn, before, after, n * 100 + out);
				struct judge_interval moved = judge_interval(m.moved, m.flows, 1e-6);
				double theory = m.scores[rows[i].is].theory.moved;

				assert_int_equal(m.flows, FLOWS);
				assert_int_equal(m.moved, m.forced + m.innocent);
				if (moved.low > theory || moved.high < theory || !m.scores[rows[i].is].fits)
					fail_msg("%s, %zu of %zu: %llu moved, theory %.4f, p %.3g",
						 judge_algorithm_name(rows[i].is), out, n, (unsigned long long)m.moved,
						 theory, m.scores[rows[i].is].p);
				if (n > 3 && (m.fitting != rows[i].fitting || m.named != rows[i].named))
					fail_msg("%s, %zu of %zu: %zu fit, %s is named",
						 judge_algorithm_name(rows[i].is), out, n, m.fitting,
						 judge_algorithm_name(m.named));
			}
		}
	}
}

/* The kernel's own: 6000 flows over three, each removed in turn. */
static void test_kernel_measured(void **state)
{
	static const struct {
		size_t out;
		double moved, innocent;
	} rows[] = {{0, 0.505, 0.250}, {1, 0.331, 0}, {2, 0.495, 0.247}};
	struct judge_slot room[MEMBERS];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct judge_moves_share s =
			expected(JUDGE_HASH_THRESHOLD, group(all, 3, MEMBERS), group(room, 3, rows[i].out));
		struct judge_interval moved = judge_interval((uint64_t)(6000 * rows[i].moved), 6000, 1e-3);
		struct judge_interval innocent = judge_interval((uint64_t)(4000 * rows[i].innocent), 4000, 1e-3);

		assert_true(moved.low < s.moved && s.moved < moved.high);
		assert_true(innocent.low <= s.innocent * 1.5 + 1e-9 && s.innocent * 1.5 < innocent.high);
	}
}

/* What is none of the known: a router that forgets a twentieth of what it should keep. */
static void test_unknown(void **state)
{
	static uint32_t was[FLOWS], is[FLOWS];
	struct judge_slot room[MEMBERS];
	struct judge_group before = group(all, 4, MEMBERS), after = group(room, 4, 3);
	struct rng rng = {9};
	struct judge_membership m;

	(void)state;
	for (size_t i = 0; i < FLOWS; i++) {
		uint64_t hash = rng_next(&rng);

		was[i] = by_rendezvous(hash, before, 0);
		is[i] = rng_below(&rng, 20) == 0 ? (uint32_t)rng_below(&rng, 3) : by_rendezvous(hash, after, 0);
	}
	m = judge_membership(was, is, FLOWS, before, after, MEMBERS);
	assert_int_equal(m.fitting, 0);
	assert_int_equal(m.named, JUDGE_ALGORITHM_COUNT);
	assert_true(m.innocent > 0);
}

static void test_lost(void **state)
{
	const uint32_t was[] = {0, 1, 2, JUDGE_NO_MEMBER, 0}, is[] = {0, JUDGE_NO_MEMBER, 0, 1, 1};
	struct judge_slot room[MEMBERS];
	struct judge_membership m = judge_membership(was, is, 5, group(all, 3, MEMBERS), group(room, 3, 2), MEMBERS);

	(void)state;
	assert_int_equal(m.flows, 3);
	assert_int_equal(m.lost, 1);
	assert_int_equal(m.moved, 2);
	assert_int_equal(m.forced, 1);
	assert_int_equal(m.innocent, 1);
	assert_int_equal(m.survivors, 2);
	assert_int_equal(judge_membership(was, is, 0, group(all, 3, MEMBERS), group(room, 3, 2), MEMBERS).fitting, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published), cmocka_unit_test(test_published_modulo),
		cmocka_unit_test(test_adding),	  cmocka_unit_test(test_weights),
		cmocka_unit_test(test_margins),	  cmocka_unit_test(test_no_theory),
		cmocka_unit_test(test_played),	  cmocka_unit_test(test_kernel_measured),
		cmocka_unit_test(test_unknown),	  cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
