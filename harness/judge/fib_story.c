/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the router's FIB followed what the workers announced: both from the wire and the kernel, laid side by side in time. */
#include "judge_int.h"

#include <stdlib.h>

/* Above these a run is a load test, and its story would take longer than itself. */
#define EDGES_MAX 2000000U

/* A worker's announcement begins or ends. */
struct edge {
	struct instant time;
	uint32_t worker;
	bool on;
	bool followed;
	struct addr next_hop;
	const char *as_path; /* the view's */
};

struct telling {
	struct judge *j;
	struct instant until;
	struct judge_fib_story story;
	struct arena scratch;
	VEC(struct edge) edges; /* of the prefix at hand */
	VEC(const struct fib_entry *) entries;
	VEC(int64_t) delays;
	bool ascending, descending;
};

/* ---- What the workers announced ---- */

static int by_instant(const void *a, const void *b)
{
	const struct instant *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

static int by_time(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->time.ns != y->time.ns)
		return x->time.ns < y->time.ns ? -1 : 1;
	return (x->worker > y->worker) - (x->worker < y->worker);
}

static void gather_worker(struct telling *t, uint32_t worker, const struct prefix *prefix)
{
	const struct bgp_view *v = &t->j->bgp;
	const struct instant begin = {INT64_MIN}, end = t->until;
	struct bgp_chain chain = bgp_view_chain(v, worker, prefix, begin, end, &t->scratch);
	instants times = {0};
	uint32_t held = BGP_NO_ROUTE;

	if (chain.n == 0)
		return;
	bgp_view_session_times(v, worker, begin, end, &times);
	for (size_t i = 0; i < chain.n; i++)
		VEC_PUSH(&times, v->events.at[chain.events[i]].time);
	qsort(times.at, times.len, sizeof(*times.at), by_instant);
	for (size_t i = 0; i < times.len; i++) {
		uint32_t now = bgp_chain_held(v, worker, &chain, times.at[i]);
		uint32_t of = now != BGP_NO_ROUTE ? now : held;

		if ((now == BGP_NO_ROUTE) != (held == BGP_NO_ROUTE))
			VEC_PUSH(&t->edges, (struct edge){.time = times.at[i],
							  .worker = worker,
							  .on = now != BGP_NO_ROUTE,
							  .next_hop = v->events.at[of].next_hop,
							  .as_path = v->events.at[of].as_path});
		held = now;
	}
	VEC_FREE(&times);
}

static void gather(struct telling *t, const struct fib_prefix *p)
{
	const struct fib_view *v = &t->j->fib;

	VEC_CLEAR(&t->edges);
	VEC_CLEAR(&t->entries);
	for (uint32_t i = 0; i < t->j->lab.worker_count; i++)
		gather_worker(t, i, &p->prefix);
	if (t->edges.len > 1)
		qsort(t->edges.at, t->edges.len, sizeof(*t->edges.at), by_time);
	for (uint32_t i = p->newest; i != FIB_NO_ENTRY; i = v->entries.at[i].before)
		VEC_PUSH(&t->entries, &v->entries.at[i]);
	for (size_t i = 0; i < t->entries.len / 2; i++) {
		const struct fib_entry *last = t->entries.at[t->entries.len - 1 - i];

		t->entries.at[t->entries.len - 1 - i] = t->entries.at[i];
		t->entries.at[i] = last;
	}
}

/* ---- What became of it ---- */

static bool has(const struct fib_entry *e, const struct addr *gateway)
{
	size_t low = 0, high = e->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = addr_compare(&e->gateways[middle], gateway);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* When the FIB has, or has no more, the edge's next hop: at its time already, or by a later change before the worker
 * thinks otherwise; INSTANT_NEVER. */
static struct instant followed_at(const struct telling *t, const struct edge *e, struct instant until)
{
	bool is = false;

	for (size_t i = 0; i < t->entries.len && !instant_before(until, t->entries.at[i]->time); i++) {
		const struct fib_entry *entry = t->entries.at[i];

		is = has(entry, &e->next_hop);
		if (is == e->on && instant_before(e->time, entry->time))
			return entry->time;
		/* What came before decides only when nothing in between changed it. */
		if (is == e->on && (i + 1 == t->entries.len || instant_before(e->time, t->entries.at[i + 1]->time)))
			return e->time;
	}
	return INSTANT_NEVER;
}

static struct instant next_of_worker(const struct telling *t, size_t at)
{
	for (size_t i = at + 1; i < t->edges.len; i++)
		if (t->edges.at[i].worker == t->edges.at[at].worker)
			return t->edges.at[i].time;
	return INSTANT_NEVER;
}

static void follow(struct telling *t)
{
	for (size_t i = 0; i < t->edges.len; i++) {
		const struct edge *e = &t->edges.at[i];
		struct instant at = followed_at(t, e, next_of_worker(t, i));

		if (at.ns == INSTANT_NEVER.ns) {
			t->story.unfollowed++;
			continue;
		}
		t->story.followed++;
		if (instant_before(e->time, at)) /* else there was nothing to change */
			VEC_PUSH(&t->delays, instant_since(at, e->time));
	}
}

/* In which order the kernel lists the next hops. */
static void note_order(struct telling *t, const struct fib_entry *e)
{
	for (size_t i = 1; i < e->listed_n; i++) {
		int order = addr_compare(&e->listed[i - 1].gateway, &e->listed[i].gateway);

		t->ascending &= order <= 0;
		t->descending &= order >= 0;
	}
	t->story.ordered |= e->n > 1;
}

static void count_changes(struct telling *t)
{
	size_t before = 0;

	for (size_t i = 0; i < t->entries.len; i++) {
		const struct fib_entry *e = t->entries.at[i];

		t->story.added += before == 0 && e->n > 0;
		t->story.replaced += before > 0 && e->n > 0;
		t->story.removed += before > 0 && e->n == 0;
		if (e->n > t->story.installed_most)
			t->story.installed_most = e->n;
		note_order(t, e);
		before = e->n;
	}
}

/* How many announce at an instant; the edges ascend, so the walk goes on from where it was. */
static size_t announced_until(const struct telling *t, struct instant until, size_t *at, size_t announced)
{
	for (; *at < t->edges.len && !instant_before(until, t->edges.at[*at].time); (*at)++)
		announced += t->edges.at[*at].on ? 1 : SIZE_MAX;
	return announced;
}

static void add_hole(struct telling *t, const struct prefix *prefix, struct instant since, struct instant until)
{
	int64_t ns = instant_since(until, since);

	t->story.holes++;
	t->story.hole_ns += ns;
	if (t->story.holes > 1 && ns <= t->story.hole_longest_ns)
		return;
	t->story.hole_longest_ns = ns;
	t->story.hole_prefix = *prefix;
	t->story.hole_since = since;
}

/* A route that goes while somebody announces it, until it is back or nobody does; one that nobody brings back has no end
 * that could be told. */
static void find_holes(struct telling *t, const struct prefix *prefix)
{
	size_t at = 0, announced = 0;

	for (size_t i = 0; i < t->entries.len; i++) {
		const struct fib_entry *e = t->entries.at[i];
		struct instant until = i + 1 < t->entries.len ? t->entries.at[i + 1]->time : INSTANT_NEVER;

		announced = announced_until(t, e->time, &at, announced);
		if (e->n > 0 || i == 0 || t->entries.at[i - 1]->n == 0 || announced == 0)
			continue;
		for (size_t k = at, left = announced; k < t->edges.len && instant_before(t->edges.at[k].time, until);
		     k++) {
			left += t->edges.at[k].on ? 1 : SIZE_MAX;
			if (left == 0)
				until = t->edges.at[k].time;
		}
		if (until.ns != INSTANT_NEVER.ns)
			add_hole(t, prefix, e->time, until);
		else
			t->story.lost++;
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How many of those that announce after the edge have one AS path. */
static size_t alike_at(struct telling *t, size_t edge)
{
	const char **paths = arena_array(&t->scratch, t->j->lab.worker_count, sizeof(*paths));
	size_t n = 0, run = 0, most = 0;

	for (size_t i = 0; i <= edge; i++)
		paths[t->edges.at[i].worker] = t->edges.at[i].on ? t->edges.at[i].as_path : NULL;
	for (size_t w = 0; w < t->j->lab.worker_count; w++) {
		if (paths[w] != NULL)
			paths[n++] = paths[w];
	}
	if (n > 1)
		qsort(paths, n, sizeof(*paths), by_text);
	for (size_t i = 0; i < n; i++) {
		run = i > 0 && strcmp(paths[i], paths[i - 1]) == 0 ? run + 1 : 1;
		most = run > most ? run : most;
	}
	return most;
}

static void most_announced(struct telling *t)
{
	size_t announced = 0, at = SIZE_MAX;

	for (size_t i = 0; i < t->edges.len; i++) {
		announced += t->edges.at[i].on ? 1 : SIZE_MAX;
		if (announced <= t->story.announced_most)
			continue;
		t->story.announced_most = announced;
		at = i;
	}
	if (at != SIZE_MAX)
		t->story.alike_most = alike_at(t, at);
}

static int by_delay(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

struct judge_fib_story judge_fib_story(struct judge *j, struct instant until)
{
	struct telling t = {.j = j, .until = until, .ascending = true, .descending = true};

	for (size_t i = 0; i < j->fib.prefixes.len && j->bgp.events.len < EDGES_MAX; i++) {
		arena_clear(&t.scratch);
		gather(&t, &j->fib.prefixes.at[i]);
		if (t.edges.len == 0) /* not the workers' */
			continue;
		t.story.prefixes++;
		count_changes(&t);
		most_announced(&t);
		find_holes(&t, &j->fib.prefixes.at[i].prefix);
		follow(&t);
	}
	if (t.delays.len > 0) {
		qsort(t.delays.at, t.delays.len, sizeof(*t.delays.at), by_delay);
		t.story.delay_median_ns = t.delays.at[t.delays.len / 2];
		t.story.delay_longest_ns = t.delays.at[t.delays.len - 1];
	}
	t.story.order = !t.story.ordered ? "" : t.ascending ? "ascending" : t.descending ? "descending" : "mixed";
	arena_clear(&t.scratch);
	VEC_FREE(&t.edges);
	VEC_FREE(&t.entries);
	VEC_FREE(&t.delays);
	return t.story;
}
