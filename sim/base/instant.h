/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instants are wrapped so that a duration can't be passed for one; durations are int64_t nanoseconds named *_ns. */
#ifndef ECMPLAB_INSTANT_H
#define ECMPLAB_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* Nanoseconds on the clock of whoever made it: the driver's monotonic or virtual clock for the engine, the
 * wall clock of packet stamps for captures and verdicts. The two never meet in one comparison. */
struct instant {
	int64_t ns;
};

#define INSTANT_NEVER ((struct instant){INT64_MAX})

/* Ends at INSTANT_NEVER, or at the beginning of time, rather than beyond. */
static inline struct instant instant_add(struct instant t, int64_t ns)
{
	struct instant sum;

	if (__builtin_add_overflow(t.ns, ns, &sum.ns))
		sum.ns = ns < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

static inline int64_t instant_since(struct instant later, struct instant earlier)
{
	return later.ns - earlier.ns;
}

static inline bool instant_before(struct instant a, struct instant b)
{
	return a.ns < b.ns;
}

static inline struct instant instant_min(struct instant a, struct instant b)
{
	return a.ns < b.ns ? a : b;
}

struct duration_text {
	char s[32];
};

/* Parses Go's duration syntax ("3s", "200ms", "1m30s"; units h m s ms us ns). Returns 0, -EINVAL for another
 * text (a bare number other than 0 included), -ERANGE above 24 hours. */
int duration_parse(const char *text, int64_t *ret_ns);
/* Text a person reads, two or three digits: "3 s", "12.4 ms", "850 us". */
struct duration_text duration_text(int64_t ns);

#endif
