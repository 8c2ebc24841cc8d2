/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A seeded random stream (SplitMix64, Steele, Lea and Flood 2014): the same seed gives the same run. Not for secrets. */
#ifndef ECMPLAB_RNG_H
#define ECMPLAB_RNG_H

#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Uniform in [0, n) for n > 0: draws that would make some values likelier are thrown away. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	uint64_t first_fair = -n % n;
	uint64_t draw = rng_next(r);

	while (draw < first_fair)
		draw = rng_next(r);
	return draw % n;
}

/* Uniform in [0, 1). */
static inline double rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1.0p-53;
}

#endif
