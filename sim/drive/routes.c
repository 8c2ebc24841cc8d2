/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a speaker's loc-rib said and was not passed on yet: each prefix's last word. Whoever writes it to a kernel takes longer than the
 * engine does, and of a prefix that several peers announce at once only the end matters. */
#include "drive_int.h"

#include <stdlib.h>
#include <string.h>

#define ROUTES_WITHIN_NS (50 * NS_PER_MS)
#define ROUTES_MAX 16384U /* prefixes that are kept to be told together */

/* Next hops that many prefixes have alike. */
struct hops {
	struct chain chain; /* first */
	size_t count;
	const uint16_t *weights; /* NULL: all equal */
	struct addr at[];
};

struct told {
	struct chain chain; /* first */
	struct prefix prefix;
	const struct hops *hops; /* NULL: it is gone */
};

static uint64_t hash_of(const struct routes *t, const struct prefix *p)
{
	return addr_hash((uint64_t)p->len << 8 ^ (uintptr_t)t, &p->addr);
}

static struct told *find(struct routes *t, uint64_t hash, const struct prefix *prefix)
{
	struct chain *c = chains_find(&t->by_prefix, hash);

	while (c != NULL && !prefix_equal(&((struct told *)(void *)c)->prefix, prefix))
		c = chain_next(c);
	return (struct told *)(void *)c;
}

static bool has_hops(const struct hops *h, const struct bgp_output *route)
{
	size_t n = route->next_hop_count;

	return h->count == n && (h->weights == NULL) == (route->weights == NULL) &&
	       memcmp(h->at, route->next_hops, n * sizeof(*h->at)) == 0 &&
	       (h->weights == NULL || memcmp(h->weights, route->weights, n * sizeof(*h->weights)) == 0);
}

static const struct hops *hops_of(struct routes *t, const struct bgp_output *route)
{
	size_t n = route->next_hop_count;
	uint64_t hash = (uintptr_t)t;
	struct hops *h;

	if (n == 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		hash = addr_hash(hash ^ (uint64_t)(route->weights != NULL ? route->weights[i] : 0) << 16,
				 &route->next_hops[i]);
	for (struct chain *c = chains_find(&t->by_hops, hash); c != NULL; c = chain_next(c)) {
		if (has_hops((struct hops *)(void *)c, route))
			return (struct hops *)(void *)c;
	}
	h = arena_alloc(&t->memory, sizeof(*h) + n * sizeof(*h->at));
	h->count = n;
	memcpy(h->at, route->next_hops, n * sizeof(*h->at));
	if (route->weights != NULL)
		h->weights = arena_memdup(&t->memory, route->weights, n * sizeof(*route->weights));
	chains_add(&t->by_hops, &h->chain, hash);
	return h;
}

void routes_put(struct routes *t, const struct bgp_output *route)
{
	uint64_t hash = hash_of(t, &route->prefix);
	struct told *told = find(t, hash, &route->prefix);

	if (t->ops->route == NULL)
		return;
	if (t->order.len == 0)
		t->since = drive_now(t->drive);
	if (told == NULL) {
		told = arena_alloc(&t->memory, sizeof(*told));
		told->prefix = route->prefix;
		chains_add(&t->by_prefix, &told->chain, hash);
		VEC_PUSH(&t->order, told);
	}
	told->hops = hops_of(t, route);
}

static void clear(struct routes *t)
{
	chains_free(&t->by_prefix);
	chains_free(&t->by_hops);
	VEC_FREE(&t->order);
	arena_clear(&t->memory);
}

void routes_tell(struct routes *t)
{
	if (t->order.len == 0)
		return;
	for (size_t i = 0; i < t->order.len; i++) {
		const struct hops *hops = t->order.at[i]->hops;
		struct bgp_output route = {.kind = BGP_OUT_ROUTE, .prefix = t->order.at[i]->prefix};

		if (hops != NULL) {
			route.next_hops = hops->at;
			route.next_hop_count = hops->count;
			route.weights = hops->weights;
		}
		t->ops->route(t->ctx, &route);
	}
	clear(t);
	if (t->ops->routes_told != NULL)
		t->ops->routes_told(t->ctx);
}

static void on_idle(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	routes_tell(ctx);
}

/* While there is more to read, what was read may change again; but not for long. */
void routes_soon(struct routes *t)
{
	if (t->order.len == 0)
		return;
	if (t->order.len > ROUTES_MAX || instant_since(drive_now(t->drive), t->since) > ROUTES_WITHIN_NS)
		routes_tell(t);
	else
		event_active(t->idle, EV_READ, 0);
}

void routes_init(struct routes *t, struct drive *d, const struct drive_speaker_ops *ops, void *ctx)
{
	*t = (struct routes){.drive = d, .ops = ops, .ctx = ctx};
	t->idle = event_new(d->base, -1, 0, on_idle, t);
	if (t->idle == NULL || event_priority_set(t->idle, DRIVE_IDLE) < 0)
		memory_exhausted();
}

void routes_fini(struct routes *t)
{
	event_free(t->idle);
	clear(t);
}
