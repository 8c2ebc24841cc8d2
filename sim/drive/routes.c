/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a speaker's loc-rib said and was not passed on yet: each prefix's last word. Whoever writes it to a kernel takes longer than the
 * engine does, and of a prefix that several peers announce at once only the end matters. */
#include "drive_int.h"

#include <stdlib.h>
#include <string.h>

#define ROUTES_WITHIN_NS (50 * NS_PER_MS)
#define ROUTES_MAX 65536U /* prefixes that are kept to be told together */

struct told {
	struct chain chain; /* first */
	struct prefix prefix;
	size_t count, room; /* of next hops; without any it is gone */
	struct addr *next_hops;
	uint16_t *weights; /* NULL: all equal */
};

static uint64_t hash_of(const struct routes *t, const struct prefix *p)
{
	uint64_t words[2];

	memcpy(words, p->addr.b, sizeof(words));
	return hash_mix(words[0] ^ hash_mix(words[1] ^ ((uint64_t)p->len << 8 | p->addr.family) ^ (uintptr_t)t));
}

static struct told *find(struct routes *t, uint64_t hash, const struct prefix *prefix)
{
	struct chain *c = chains_find(&t->by_prefix, hash);

	while (c != NULL && !prefix_equal(&((struct told *)(void *)c)->prefix, prefix))
		c = chain_next(c);
	return (struct told *)(void *)c;
}

void routes_put(struct routes *t, const struct bgp_output *route)
{
	uint64_t hash = hash_of(t, &route->prefix);
	struct told *told = find(t, hash, &route->prefix);
	size_t n = route->next_hop_count;

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
	if (told->room < n) {
		told->next_hops = arena_array(&t->memory, n, sizeof(*told->next_hops));
		told->weights = NULL;
		told->room = n;
	}
	if (route->weights != NULL && told->weights == NULL)
		told->weights = arena_array(&t->memory, told->room, sizeof(*told->weights));
	if (route->weights == NULL)
		told->weights = NULL;
	else if (n > 0)
		memcpy(told->weights, route->weights, n * sizeof(*told->weights));
	if (n > 0)
		memcpy(told->next_hops, route->next_hops, n * sizeof(*told->next_hops));
	told->count = n;
}

static void clear(struct routes *t)
{
	chains_free(&t->by_prefix);
	VEC_FREE(&t->order);
	arena_clear(&t->memory);
}

void routes_tell(struct routes *t)
{
	if (t->order.len == 0)
		return;
	for (size_t i = 0; i < t->order.len; i++) {
		const struct told *told = t->order.at[i];

		t->ops->route(t->ctx, &(struct bgp_output){.kind = BGP_OUT_ROUTE,
							   .prefix = told->prefix,
							   .next_hops = told->next_hops,
							   .next_hop_count = told->count,
							   .weights = told->weights});
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
