/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who moves when a group changes, by theory and by what was seen. */
#include "membership.h"
#include "judge_int.h"

#include <math.h>

/* Slots of a group that modulo looks at pair by pair. */
#define SLOTS_MAX 4096U

const char *judge_algorithm_name(enum judge_algorithm a)
{
	static const char *const names[] = {
		[JUDGE_HASH_THRESHOLD] = "hash-threshold",
		[JUDGE_MODULO] = "modulo",
		[JUDGE_MINIMAL] = "minimal",
		[JUDGE_REHASH] = "rehash",
		[JUDGE_ALGORITHM_COUNT] = "none",
	};

	return names[a];
}

static double weight_of(struct judge_group g)
{
	double sum = 0;

	for (size_t i = 0; i < g.n; i++)
		sum += g.slots[i].weight;
	return sum;
}

/* Each member's share of all. */
static double *shares_of(struct judge_group g, size_t members, struct arena *arena)
{
	double *ret = arena_array(arena, members, sizeof(*ret)), all = weight_of(g);

	for (size_t i = 0; i < g.n; i++)
		ret[g.slots[i].member] += g.slots[i].weight / all;
	return ret;
}

static bool is_member(struct judge_group g, uint32_t member)
{
	for (size_t i = 0; i < g.n; i++) {
		if (g.slots[i].member == member)
			return true;
	}
	return false;
}

/* ---- Theory ---- */

/* Both lists cut the hash space into regions; a flow's point is uniform. */
static void hash_threshold(struct judge_group before, struct judge_group after, size_t members, double *table)
{
	double was_all = weight_of(before), is_all = weight_of(after), at = 0, was_end, is_end;
	size_t b = 0, a = 0;

	was_end = before.slots[0].weight / was_all;
	is_end = after.slots[0].weight / is_all;
	while (b < before.n && a < after.n) {
		double end = fmin(was_end, is_end);

		table[before.slots[b].member * members + after.slots[a].member] += fmax(end - at, 0);
		at = end;
		/* Ends that are equal but for their last digits are both passed, one after the other. */
		if (was_end <= is_end)
			was_end += ++b < before.n ? before.slots[b].weight / was_all : 0;
		else
			is_end += ++a < after.n ? after.slots[a].weight / is_all : 0;
	}
}

static size_t common(size_t a, size_t b)
{
	while (b != 0) {
		size_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* A member of weight w has w slots in a row. */
static uint32_t *slots_expand(struct judge_group g, size_t n, struct arena *arena)
{
	uint32_t *ret = arena_array(arena, n, sizeof(*ret));
	size_t at = 0;

	for (size_t i = 0; i < g.n; i++) {
		for (uint32_t w = 0; w < g.slots[i].weight; w++)
			ret[at++] = g.slots[i].member;
	}
	return ret;
}

/* Remainders by n and m come together when they agree modulo what n and m have in common (Chinese remainders). */
static bool modulo(struct judge_group before, struct judge_group after, size_t members, double *table)
{
	struct arena arena = {0};
	uint32_t *was, *is;
	size_t n, m, shared;

	if (weight_of(before) > SLOTS_MAX || weight_of(after) > SLOTS_MAX)
		return false;
	n = (size_t)weight_of(before);
	m = (size_t)weight_of(after);
	shared = common(n, m);
	was = slots_expand(before, n, &arena);
	is = slots_expand(after, m, &arena);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = i % shared; k < m; k += shared)
			table[was[i] * members + is[k]] += (double)shared / ((double)n * (double)m);
	}
	arena_clear(&arena);
	return true;
}

/* Who has more than its new share gives the rest away, to those who have less, in proportion. */
static void minimal(const double *was, const double *is, size_t members, double *table)
{
	double wanting = 0;

	for (size_t i = 0; i < members; i++)
		wanting += fmax(is[i] - was[i], 0);
	for (size_t i = 0; i < members; i++) {
		double spare = fmax(was[i] - is[i], 0);

		table[i * members + i] += was[i] - spare;
		for (size_t k = 0; k < members && wanting > 0; k++)
			table[i * members + k] += spare * fmax(is[k] - was[k], 0) / wanting;
	}
}

static void rehash(const double *was, const double *is, size_t members, double *table)
{
	for (size_t i = 0; i < members; i++) {
		for (size_t k = 0; k < members; k++)
			table[i * members + k] = was[i] * is[k];
	}
}

static void by_shares(enum judge_algorithm a, struct judge_group before, struct judge_group after, size_t members,
		      double *table)
{
	struct arena arena = {0};
	const double *was = shares_of(before, members, &arena), *is = shares_of(after, members, &arena);

	if (a == JUDGE_MINIMAL)
		minimal(was, is, members, table);
	else
		rehash(was, is, members, table);
	arena_clear(&arena);
}

bool judge_transitions(enum judge_algorithm a, struct judge_group before, struct judge_group after, size_t members,
		       double *table)
{
	memset(table, 0, members * members * sizeof(*table));
	if (!(weight_of(before) > 0) || !(weight_of(after) > 0))
		return false;
	switch (a) {
	case JUDGE_HASH_THRESHOLD:
		hash_threshold(before, after, members, table);
		return true;
	case JUDGE_MODULO:
		return modulo(before, after, members, table);
	case JUDGE_MINIMAL:
	case JUDGE_REHASH:
		by_shares(a, before, after, members, table);
		return true;
	case JUDGE_ALGORITHM_COUNT:
		return false;
	}
	return false;
}

struct judge_moves_share judge_moves_expected(const double *table, struct judge_group after, size_t members)
{
	struct judge_moves_share ret = {0};

	for (size_t i = 0; i < members; i++) {
		bool stays = is_member(after, (uint32_t)i);

		for (size_t k = 0; k < members; k++) {
			double share = i != k ? table[i * members + k] : 0;

			ret.moved += share;
			ret.forced += stays ? 0 : share;
			ret.innocent += stays ? share : 0;
		}
	}
	return ret;
}

/* ---- What was seen ---- */

static void count_moves(struct judge_membership *m, const uint32_t *before, const uint32_t *after, size_t n,
			const bool *stays, uint64_t *table, size_t members)
{
	for (size_t i = 0; i < n; i++) {
		bool moved = before[i] != after[i];

		if (before[i] >= members)
			continue;
		if (after[i] >= members) {
			m->lost++;
			continue;
		}
		m->flows++;
		m->moved += moved;
		m->survivors += stays[before[i]];
		m->forced += moved && !stays[before[i]];
		m->innocent += moved && stays[before[i]];
		table[before[i] * members + after[i]]++;
	}
}

/* Shares too small to be anything but rounding are none. */
static struct judge_score score(enum judge_algorithm a, const uint64_t *seen, struct judge_group was,
				struct judge_group is, size_t members)
{
	double *table = memory_grow(NULL, members * members, sizeof(*table));
	struct judge_score ret = {.known = judge_transitions(a, was, is, members, table)};

	for (size_t i = 0; i < members * members; i++)
		table[i] = table[i] < STAT_TIE ? 0 : table[i];
	if (ret.known) {
		struct judge_chi_square chi = judge_chi_square(seen, table, members * members);

		ret.theory = judge_moves_expected(table, is, members);
		ret.p = chi.p;
		ret.fits = !judge_rejects(chi, JUDGE_ALPHA);
	}
	free(table);
	return ret;
}

static void name_algorithm(struct judge_membership *m)
{
	m->named = JUDGE_ALGORITHM_COUNT;
	for (enum judge_algorithm a = 0; a < JUDGE_ALGORITHM_COUNT; a++) {
		const struct judge_score *s = &m->scores[a];

		if (!s->known || !s->fits)
			continue;
		if (m->fitting++ == 0 || s->theory.moved < m->scores[m->named].theory.moved - STAT_TIE)
			m->named = a;
	}
}

struct judge_membership judge_membership(const uint32_t *before, const uint32_t *after, size_t n,
					 struct judge_group was, struct judge_group is, size_t members)
{
	struct judge_membership m = {.named = JUDGE_ALGORITHM_COUNT};
	struct arena arena = {0};
	uint64_t *seen = arena_array(&arena, members * members, sizeof(*seen));
	bool *stays = arena_array(&arena, members, sizeof(*stays));

	for (uint32_t i = 0; i < members; i++)
		stays[i] = is_member(is, i);
	count_moves(&m, before, after, n, stays, seen, members);
	for (enum judge_algorithm a = 0; a < JUDGE_ALGORITHM_COUNT && m.flows > 0; a++)
		m.scores[a] = score(a, seen, was, is, members);
	if (m.flows > 0)
		name_algorithm(&m);
	arena_clear(&arena);
	return m;
}
