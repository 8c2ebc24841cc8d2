/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The router kernel's next hops by prefix and instant. */
#include "judge_int.h"

#define ENTRIES_MAX 2000000U

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

static int by_gateway(const void *a, const void *b)
{
	const struct fib_hop *x = a, *y = b;

	return addr_compare(&x->gateway, &y->gateway);
}

/* Sorted, each once; a gateway that is listed twice weighs twice. */
static void hops_keep(struct fib_view *v, struct fib_hop *hops, size_t n, struct fib_entry *entry)
{
	struct addr *gateways = arena_array(&v->arena, n, sizeof(*gateways));
	unsigned int *weights = arena_array(&v->arena, n, sizeof(*weights));

	entry->listed = arena_memdup(&v->arena, hops, n * sizeof(*hops));
	entry->listed_n = n;
	qsort(hops, n, sizeof(*hops), by_gateway);
	for (size_t i = 0; i < n; i++) {
		bool known = entry->n > 0 && addr_equal(&hops[i].gateway, &gateways[entry->n - 1]);

		if (!known)
			gateways[entry->n++] = hops[i].gateway;
		weights[entry->n - 1] += hops[i].weight;
	}
	entry->gateways = gateways;
	entry->weights = weights;
}

void fib_view_add(struct fib_view *v, struct instant time, const struct prefix *prefix, struct fib_hop *hops, size_t n)
{
	uint32_t item = prefix_find(v, prefix), *place;
	struct fib_entry entry = {.time = time};

	if (v->entries.len >= ENTRIES_MAX || n > FIB_HOPS_MAX) {
		v->full = true;
		return;
	}
	if (item == SLOTS_NONE) {
		item = (uint32_t)v->prefixes.len;
		VEC_PUSH(&v->prefixes, (struct fib_prefix){*prefix, FIB_NO_ENTRY});
		slots_put(&v->slots, prefix_hash(v, prefix), item);
	}
	if (n > 0)
		hops_keep(v, hops, n, &entry);
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

bool fib_entry_has(const struct fib_entry *e, const struct addr *gateway)
{
	for (size_t i = 0; e != NULL && i < e->n; i++) {
		if (addr_equal(&e->gateways[i], gateway))
			return true;
	}
	return false;
}

struct prefix fib_view_covering(const struct fib_view *v, const struct addr *a, struct instant t)
{
	for (unsigned int len = (unsigned int)addr_len(a->family) * 8 + 1; len-- > 0;) {
		struct prefix p = prefix_make(a, len);
		const struct fib_entry *e = fib_view_at(v, &p, t);

		if (e != NULL && e->n > 0)
			return p;
	}
	return prefix_host(a);
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
