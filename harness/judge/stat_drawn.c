/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tails of the multinomial distribution that are too long to sum: drawn from a distribution that leans towards large
 * statistics, and weighted back (importance sampling). Members are independent Poisson counts given their sum; each is tilted
 * by exp(t * its part of the statistic + u * count), with t such that the statistic is near the one asked for. One member far
 * off would be favoured over many a little off, or the other way round, so that its chance is held between an envelope and
 * a floor. Draws given the sum are exact: partial sums are tabled, then drawn from the last member to the first. */
#include "judge_int.h"
#include "rng.h"

#include <math.h>

#define MATHLIB_STANDALONE 1
#include <Rmath.h>

#define SAMPLES_MAX 50000U
#define SAMPLES_MIN 2000U
#define DRAW_STEPS_MAX 2e7
#define TABLE_MAX 4e6
#define MEMBERS_MAX 8192U
/* Partial sums are tabled as far as this many standard deviations. */
#define BAND 9.0
#define TILT_MAX 0.45
#define HELD 3.0
#define LONERS 0.3
#define SEED UINT64_C(0x65636d706c6162)

/* Members that expect the same. Arrays are by count, up to the cap. */
struct kind {
	double expected;
	size_t members, cap;
	double *log_plain; /* the Poisson chance */
	double *part;	   /* of the statistic */
	double *chance;	   /* tilted */
	double *log_back;  /* the plain chance over the tilted one */
	double mean, variance, statistic;
};

/* Chances of the partial sums of the first members: `first` has the first one tabled. */
struct row {
	double *chance;
	size_t first, len;
};

struct tilt {
	struct arena arena;
	struct kind *kinds;
	size_t kind_count;
	size_t *kind_of; /* by member */
	size_t members, flows;
	double t, u;
	struct row *rows; /* 0 .. members */
};

/* ---- Kinds ---- */

/* Counts above the cap are so rare that their chance is added as a bound. */
static size_t cap_of(double expected, size_t flows, size_t members)
{
	double share = fmin(expected / (double)flows, 1);
	double cap = qbinom(STAT_P_FLOOR / (double)members, (double)flows, share, 0, 0);

	return (size_t)fmin(cap, (double)flows);
}

static void kind_init(struct tilt *d, struct kind *k, double expected)
{
	*k = (struct kind){.expected = expected, .cap = cap_of(expected, d->flows, d->members)};
	k->log_plain = arena_array(&d->arena, k->cap + 1, sizeof(double));
	k->part = arena_array(&d->arena, k->cap + 1, sizeof(double));
	k->chance = arena_array(&d->arena, k->cap + 1, sizeof(double));
	k->log_back = arena_array(&d->arena, k->cap + 1, sizeof(double));
	for (size_t c = 0; c <= k->cap; c++) {
		double off = (double)c - expected;

		k->log_plain[c] = dpois((double)c, expected, 1);
		k->part[c] = off * off / expected;
	}
}

static size_t kind_find(struct tilt *d, double expected)
{
	for (size_t i = 0; i < d->kind_count; i++) {
		if (fabs(d->kinds[i].expected - expected) <= STAT_TIE * expected)
			return i;
	}
	kind_init(d, &d->kinds[d->kind_count], expected);
	return d->kind_count++;
}

/* From `HELD` tilted standard deviations on the chance falls as fast as it does there, so that it has one peak; but
 * no further than to a floor, which gives each outcome LONERS members far off. */
static void kind_hold(struct kind *k, double t, double mass, size_t members)
{
	double deviation = sqrt(k->expected / (1 - 2 * t)), from = k->expected + HELD * deviation;
	double fall = exp(-HELD / deviation), above = (double)k->cap - from;
	double floor_chance = above > 0 ? mass * LONERS / ((double)members * (above + 1)) : 0;

	for (size_t c = 1; c <= k->cap; c++) {
		if ((double)c > from)
			k->chance[c] = fmax(fmin(k->chance[c], k->chance[c - 1] * fall), floor_chance);
	}
}

static void kind_moments(struct kind *k)
{
	double mass = 0;

	k->mean = k->variance = k->statistic = 0;
	for (size_t c = 0; c <= k->cap; c++)
		mass += k->chance[c];
	for (size_t c = 0; c <= k->cap; c++) {
		k->chance[c] /= mass;
		k->log_back[c] = k->log_plain[c] - log(k->chance[c]);
		k->mean += k->chance[c] * (double)c;
		k->variance += k->chance[c] * (double)c * (double)c;
		k->statistic += k->chance[c] * k->part[c];
	}
	k->variance -= k->mean * k->mean;
}

static void kind_tilt(struct kind *k, double t, double u, size_t members)
{
	double most = -INFINITY, mass = 0, held = k->expected + HELD * sqrt(k->expected / (1 - 2 * t));

	for (size_t c = 0; c <= k->cap; c++) {
		k->chance[c] = k->log_plain[c] + t * k->part[c] + u * (double)c;
		most = (double)c <= held ? fmax(most, k->chance[c]) : most;
	}
	for (size_t c = 0; c <= k->cap; c++) {
		k->chance[c] = exp(fmin(k->chance[c] - most, 0));
		mass += (double)c <= held ? k->chance[c] : 0;
	}
	kind_hold(k, t, mass, members);
	kind_moments(k);
}

/* ---- The lean ---- */

/* Finds u for t, so that the members' means sum up to the flows. Returns the mean statistic. */
static double tilt_to(struct tilt *d, double t)
{
	double statistic = 0;

	d->t = t;
	for (int round = 0; round < 50; round++) {
		double mean = 0, variance = 0, step;

		statistic = 0;
		for (size_t i = 0; i < d->kind_count; i++) {
			struct kind *k = &d->kinds[i];

			kind_tilt(k, t, d->u, d->members);
			mean += (double)k->members * k->mean;
			variance += (double)k->members * k->variance;
			statistic += (double)k->members * k->statistic;
		}
		step = variance > 0 ? ((double)d->flows - mean) / variance : 0;
		if (fabs(step) < 1e-6)
			break;
		d->u += fmax(-0.5, fmin(step, 0.5));
	}
	return statistic;
}

static void tilt_find(struct tilt *d, double wanted)
{
	double low = 0, high = TILT_MAX;

	if (tilt_to(d, 0) >= wanted || tilt_to(d, high) < wanted)
		return;
	for (int i = 0; i < 12; i++) {
		double middle = (low + high) / 2;

		if (tilt_to(d, middle) < wanted)
			low = middle;
		else
			high = middle;
	}
	(void)tilt_to(d, high);
}

/* ---- Partial sums ---- */

/* Where the sum of the first members can be at all, and is but for once in 1e18 times. */
static struct row row_make(struct tilt *d, double mean, double variance, size_t most, size_t cap)
{
	double reach = BAND * sqrt(variance) + (double)cap + 1;
	struct row r = {.first = (size_t)fmax(0, floor(mean - reach))};
	size_t last = (size_t)fmin(fmin((double)most, (double)d->flows), ceil(mean + reach));

	r.len = last >= r.first ? last - r.first + 1 : 0;
	r.chance = arena_array(&d->arena, r.len, sizeof(double));
	return r;
}

static void row_fill(struct row *to, const struct row *from, const struct kind *k)
{
	for (size_t m = from->first; m < from->first + from->len; m++) {
		double chance = from->chance[m - from->first];

		for (size_t c = 0; c <= k->cap && chance > 0; c++) {
			size_t sum = m + c;

			if (sum >= to->first && sum < to->first + to->len)
				to->chance[sum - to->first] += chance * k->chance[c];
		}
	}
}

static void rows_fill(struct tilt *d)
{
	double mean = 0, variance = 0;
	size_t most = 0;

	d->rows = arena_array(&d->arena, d->members + 1, sizeof(*d->rows));
	d->rows[0] = row_make(d, 0, 0, 0, 0);
	d->rows[0].chance[0] = 1;
	for (size_t i = 0; i < d->members; i++) {
		const struct kind *k = &d->kinds[d->kind_of[i]];

		mean += k->mean;
		variance += k->variance;
		most += k->cap;
		d->rows[i + 1] = row_make(d, mean, variance, most, k->cap);
		row_fill(&d->rows[i + 1], &d->rows[i], k);
	}
}

static double row_at(const struct row *r, size_t sum)
{
	return sum >= r->first && sum < r->first + r->len ? r->chance[sum - r->first] : 0;
}

/* ---- Draws ---- */

struct drawn {
	double statistic;
	double log_weight;
};

/* One outcome, from the last member to the first. */
static struct drawn draw(const struct tilt *d, struct rng *rng)
{
	size_t left = d->flows;
	struct drawn ret = {0};

	for (size_t i = d->members; i > 0; i--) {
		const struct kind *k = &d->kinds[d->kind_of[i - 1]];
		const struct row *before = &d->rows[i - 1];
		double rest = rng_unit(rng) * row_at(&d->rows[i], left);
		/* Whatever is left is taken by fewer: their sum has an upper end, so this one has a lower. */
		size_t end = before->first + before->len - 1, c = left > end ? left - end : 0, last = c;

		for (; c <= k->cap && c <= left && rest >= 0; c++) {
			double chance = row_at(before, left - c) * k->chance[c];

			last = chance > 0 ? c : last;
			rest -= chance;
		}
		ret.statistic += k->part[last];
		ret.log_weight += k->log_back[last];
		left -= last;
	}
	return ret;
}

static struct drawn_p weighted(const struct tilt *d, double statistic)
{
	struct rng rng = {SEED};
	double sum = 0, squares = 0, mean, variance;
	/* the chance of the sum, tilted and plain */
	double log_scale = log(row_at(&d->rows[d->members], d->flows)) - dpois((double)d->flows, (double)d->flows, 1);
	double steps = (double)d->members + (double)d->flows;
	size_t samples = (size_t)fmax(SAMPLES_MIN, fmin(SAMPLES_MAX, DRAW_STEPS_MAX / steps));

	for (size_t i = 0; i < samples; i++) {
		struct drawn got = draw(d, &rng);
		double weight = got.statistic >= statistic * (1 - STAT_TIE) ? exp(got.log_weight + log_scale) : 0;

		sum += weight;
		squares += weight * weight;
	}
	mean = sum / (double)samples;
	variance = fmax(squares / (double)samples - mean * mean, 0) / (double)samples;
	return (struct drawn_p){mean, mean > 0 ? sqrt(variance) / mean : 1};
}

/* That any member gets more than its cap, whatever the statistic is then. */
static double beyond_caps(const struct tilt *d)
{
	double sum = 0;

	for (size_t i = 0; i < d->kind_count; i++) {
		const struct kind *k = &d->kinds[i];

		sum += (double)k->members *
		       pbinom((double)k->cap, (double)d->flows, fmin(k->expected / (double)d->flows, 1), 0, 0);
	}
	return sum;
}

/* False when the tables would be too large. */
static bool tilt_init(struct tilt *d, const double *expected, size_t members, uint64_t flows)
{
	double widest = 0;

	*d = (struct tilt){.members = members, .flows = flows};
	if (members > MEMBERS_MAX || (double)flows > TABLE_MAX)
		return false;
	d->kinds = arena_array(&d->arena, members, sizeof(*d->kinds));
	d->kind_of = arena_array(&d->arena, members, sizeof(*d->kind_of));
	for (size_t i = 0; i < members; i++) {
		d->kind_of[i] = kind_find(d, expected[i]);
		d->kinds[d->kind_of[i]].members++;
	}
	for (size_t i = 0; i < d->kind_count; i++)
		widest = fmax(widest, (double)d->kinds[i].cap);
	return (double)members * fmin((double)flows, 2 * BAND * sqrt((double)flows) + 2 * widest) <= TABLE_MAX;
}

struct drawn_p multinomial_drawn_tail(const double *expected, size_t members, uint64_t flows, double statistic)
{
	struct tilt d;
	struct drawn_p ret = {pchisq(statistic, (double)members - 1, 0, 0), 0};

	if (tilt_init(&d, expected, members, flows)) {
		tilt_find(&d, statistic);
		rows_fill(&d);
		ret = weighted(&d, statistic);
		ret.p = fmin(1, ret.p + beyond_caps(&d));
	}
	arena_clear(&d.arena);
	return ret;
}
