/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The router kernel's next hops by prefix and instant. */
#include "judge_int.h"

#define ENTRIES_MAX 2000000U
#define GATEWAYS_MAX 65536U

void fib_view_fini(struct fib_view *v)
{
	VEC_FREE(&v->entries);
	VEC_FREE(&v->prefixes);
	slots_free(&v->slots);
	arena_clear(&v->arena);
}

struct fib_key {
	const struct fib_view *view;
	const struct prefix *prefix;
};

static bool same_prefix(const void *ctx, uint32_t item)
{
	const struct fib_key *key = ctx;

	return prefix_equal(&key->view->prefixes.at[item].prefix, key->prefix);
}

static uint64_t prefix_hash(const struct fib_view *v, const struct prefix *prefix)
{
	uint8_t more[] = {prefix->addr.family, prefix->len};

	return slots_hash(&v->slots, slots_hash(&v->slots, 0, prefix->addr.b, sizeof(prefix->addr.b)), more,
			  sizeof(more));
}

static uint32_t prefix_find(const struct fib_view *v, const struct prefix *prefix)
{
	struct fib_key key = {v, prefix};

	return slots_find(&v->slots, prefix_hash(v, prefix), same_prefix, &key);
}

static int by_address(const void *a, const void *b)
{
	return addr_compare(a, b);
}

static enum fib_order order_of(const struct addr *gateways, size_t n)
{
	size_t up = 0, down = 0;

	for (size_t i = 1; i < n; i++) {
		int order = addr_compare(&gateways[i - 1], &gateways[i]);

		up += order < 0;
		down += order > 0;
	}
	if (up > 0 && down > 0)
		return FIB_MIXED;
	return up > 0 ? FIB_ASCENDING : down > 0 ? FIB_DESCENDING : FIB_UNORDERED;
}

/* Sorted, each once. */
static const struct addr *gateways_keep(struct fib_view *v, const struct addr *gateways, size_t *n)
{
	struct addr *kept;
	size_t distinct = 0;

	if (*n == 0)
		return NULL;
	kept = arena_memdup(&v->arena, gateways, *n * sizeof(*kept));
	qsort(kept, *n, sizeof(*kept), by_address);
	for (size_t i = 0; i < *n; i++) {
		if (i == 0 || !addr_equal(&kept[i], &kept[distinct - 1]))
			kept[distinct++] = kept[i];
	}
	*n = distinct;
	return kept;
}

void fib_view_add(struct fib_view *v, struct instant time, const struct prefix *prefix, const struct addr *gateways,
		  size_t n)
{
	uint32_t item = prefix_find(v, prefix), *place;
	struct fib_entry entry = {.time = time, .n = n, .order = order_of(gateways, n)};

	if (v->entries.len >= ENTRIES_MAX || n > GATEWAYS_MAX) {
		v->full = true;
		return;
	}
	if (item == SLOTS_NONE) {
		item = (uint32_t)v->prefixes.len;
		VEC_PUSH(&v->prefixes, (struct fib_prefix){*prefix, FIB_NO_ENTRY});
		slots_put(&v->slots, prefix_hash(v, prefix), item);
	}
	entry.gateways = gateways_keep(v, gateways, &entry.n);
	/* Of two with one stamp the later call is the newer. */
	place = &v->prefixes.at[item].newest;
	while (*place != FIB_NO_ENTRY && instant_before(time, v->entries.at[*place].time))
		place = &v->entries.at[*place].before;
	entry.before = *place;
	*place = (uint32_t)v->entries.len;
	VEC_PUSH(&v->entries, entry);
}

const struct fib_entry *fib_view_at(const struct fib_view *v, const struct prefix *prefix, struct instant t)
{
	uint32_t item = prefix_find(v, prefix);
	uint32_t i = item != SLOTS_NONE ? v->prefixes.at[item].newest : FIB_NO_ENTRY;

	while (i != FIB_NO_ENTRY && instant_before(t, v->entries.at[i].time))
		i = v->entries.at[i].before;
	return i != FIB_NO_ENTRY ? &v->entries.at[i] : NULL;
}

void fib_view_times(const struct fib_view *v, const struct prefix *prefix, struct instant since, struct instant until,
		    instants *ret)
{
	uint32_t item = prefix_find(v, prefix);
	uint32_t i = item != SLOTS_NONE ? v->prefixes.at[item].newest : FIB_NO_ENTRY;

	for (; i != FIB_NO_ENTRY && instant_before(since, v->entries.at[i].time); i = v->entries.at[i].before) {
		if (!instant_before(until, v->entries.at[i].time))
			VEC_PUSH(ret, v->entries.at[i].time);
	}
}
