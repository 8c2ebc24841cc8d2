/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to flows when the members of a group change: by theory for each algorithm that is in use, and by the flows
 * themselves. Members are named by number; a list is in the router's own order, which decides under some algorithms. */
#ifndef ECMPLAB_MEMBERSHIP_H
#define ECMPLAB_MEMBERSHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JUDGE_NO_MEMBER UINT32_MAX

struct judge_slot {
	uint32_t member;
	uint32_t weight; /* 1 and up */
};

struct judge_group {
	const struct judge_slot *slots;
	size_t n;
};

enum judge_algorithm {
	JUDGE_HASH_THRESHOLD, /* RFC 2992: regions of the hash space side by side in list order (Linux's plain groups) */
	JUDGE_MODULO,	      /* the hash modulo the number of slots */
	JUDGE_MINIMAL, /* only as many flows move as have to (resilient groups, rendezvous, consistent hashing) */
	JUDGE_REHASH,  /* all flows are dealt again, as after a change of the seed */
	JUDGE_ALGORITHM_COUNT,
};

/* "hash-threshold", "modulo", "minimal", "rehash" */
const char *judge_algorithm_name(enum judge_algorithm a);

/* Shares of all flows. */
struct judge_moves_share {
	double moved;	 /* another worker than before */
	double forced;	 /* of these: the worker before is no longer a member */
	double innocent; /* of these: it still is */
};

/* Share of the flows that go from one member to another. members: numbers are below it. table: members * members, row by row
 * from the member before. False when the groups are too large for the algorithm's sum, or empty. */
bool judge_transitions(enum judge_algorithm a, struct judge_group before, struct judge_group after, size_t members,
		       double *table);
struct judge_moves_share judge_moves_expected(const double *table, struct judge_group after, size_t members);

/* ---- What was seen ---- */

struct judge_score {
	bool known;			 /* there is a theory for these groups */
	struct judge_moves_share theory; /* shares */
	double p;			 /* chance of such transitions, or worse, under it; 0: some can't be */
	bool fits;			 /* p is not below alpha */
};

struct judge_membership {
	uint64_t flows; /* seen before and after */
	uint64_t moved, forced, innocent;
	uint64_t lost;	    /* seen before, nowhere after */
	uint64_t survivors; /* flows whose worker is still a member */
	struct judge_score scores[JUDGE_ALGORITHM_COUNT];
	size_t fitting;		    /* how many algorithms fit */
	enum judge_algorithm named; /* the only one that fits, or the least disruptive of several */
};

/* before, after: the member that each of n flows was seen at, or JUDGE_NO_MEMBER. */
struct judge_membership judge_membership(const uint32_t *before, const uint32_t *after, size_t n,
					 struct judge_group was, struct judge_group is, size_t members);

#endif
