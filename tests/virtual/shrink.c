/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shrink.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLAY_MAX_S 30
#define TRIES_MAX 3000U

static void describe_end(int status, struct verdict *ret)
{
	ret->ok = false;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(ret->why, sizeof(ret->why), "hangs");
	else if (WIFSIGNALED(status))
		snprintf(ret->why, sizeof(ret->why), "crashes: %s", strsignal(WTERMSIG(status)));
	else
		snprintf(ret->why, sizeof(ret->why), "ends with status %d", WEXITSTATUS(status));
}

void play_apart(const struct plan *p, struct verdict *ret)
{
	struct verdict *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	pid_t child;

	if (shared == MAP_FAILED)
		memory_exhausted();
	fflush(NULL);
	child = fork();
	if (child == 0) {
		alarm(PLAY_MAX_S);
		play(p, NULL, shared);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		memory_exhausted();
	*ret = *shared;
	if (status != 0)
		describe_end(status, ret);
	munmap(shared, sizeof(*shared));
}

struct shrinker {
	struct plan *plan; /* the smallest that fails */
	unsigned int tries;
};

/* Takes the candidate over when it fails as well. Frees what is not kept. */
static bool try_plan(struct shrinker *s, struct plan *candidate)
{
	struct verdict v;

	if (s->tries >= TRIES_MAX) {
		plan_free(candidate);
		return false;
	}
	s->tries++;
	play_apart(candidate, &v);
	if (v.ok) {
		plan_free(candidate);
		return false;
	}
	plan_free(s->plan);
	*s->plan = *candidate;
	return true;
}

static bool without_events(struct shrinker *s, size_t from, size_t n)
{
	struct plan c;

	plan_copy(&c, s->plan);
	memmove(c.events.at + from, c.events.at + from + n, (c.events.len - from - n) * sizeof(*c.events.at));
	c.events.len -= n;
	return try_plan(s, &c);
}

static bool fewer_events(struct shrinker *s)
{
	bool any = false;

	for (size_t n = s->plan->events.len / 2 + 1; n > 0; n = n > 1 ? (n + 1) / 2 : 0) {
		for (size_t from = 0; from < s->plan->events.len;) {
			size_t cut = from + n <= s->plan->events.len ? n : s->plan->events.len - from;

			if (without_events(s, from, cut))
				any = true;
			else
				from += cut;
		}
	}
	return any;
}

static bool without_session(struct shrinker *s, size_t i)
{
	struct plan c;

	if (s->plan->sessions.len == 1)
		return false;
	plan_copy(&c, s->plan);
	memmove(c.sessions.at + i, c.sessions.at + i + 1, (c.sessions.len - i - 1) * sizeof(*c.sessions.at));
	c.sessions.len--;
	return try_plan(s, &c);
}

/* The last node goes when nothing names it any more. */
static bool without_last_node(struct shrinker *s)
{
	unsigned int last = (unsigned int)s->plan->node_count - 1;
	struct plan c;

	for (size_t i = 0; i < s->plan->sessions.len; i++)
		if (s->plan->sessions.at[i].a == last || s->plan->sessions.at[i].b == last)
			return false;
	for (size_t i = 0; i < s->plan->events.len; i++)
		if (s->plan->events.at[i].a == last ||
		    (!plan_event_is_table(s->plan->events.at[i].kind) && s->plan->events.at[i].b == last))
			return false;
	plan_copy(&c, s->plan);
	c.node_count--;
	return try_plan(s, &c);
}

static bool simpler_network(struct shrinker *s)
{
	struct virtual_network *at;
	struct plan c;

	plan_copy(&c, s->plan);
	at = &c.network;
	if (at->cut_percent + at->late_percent + at->refuse_percent == 0 && at->jitter_ns == 0 && at->spread_ns == 0) {
		plan_free(&c);
		return false;
	}
	at->cut_percent = at->late_percent = at->refuse_percent = 0;
	at->jitter_ns = at->spread_ns = 0;
	return try_plan(s, &c);
}

static bool plainer_session(struct shrinker *s, size_t i, unsigned int what)
{
	struct plan c;
	struct plan_session *at, before = s->plan->sessions.at[i];

	plan_copy(&c, s->plan);
	at = &c.sessions.at[i];
	if (what == 0)
		at->role[0] = at->role[1] = 0;
	else if (what == 1)
		at->policy[0] = at->policy[1] = 0;
	else if (what == 2)
		at->add_path[0] = at->add_path[1] = 0;
	else if (what == 3)
		at->max[0] = at->max[1] = 0;
	else if (what == 4)
		at->options = 0;
	else
		at->mrai_s = at->delay_open_s = 0;
	if (memcmp(at, &before, sizeof(before)) != 0)
		return try_plan(s, &c);
	plan_free(&c);
	return false;
}

unsigned int shrink(struct plan *p)
{
	struct shrinker s = {.plan = p};
	bool any = true;

	while (any && s.tries < TRIES_MAX) {
		any = fewer_events(&s);
		for (size_t i = p->sessions.len; i > 0; i--)
			any |= without_session(&s, i - 1);
		while (p->node_count > 2 && without_last_node(&s))
			any = true;
		any |= simpler_network(&s);
		for (size_t i = 0; i < p->sessions.len * 6; i++)
			any |= plainer_session(&s, i / 6, (unsigned int)(i % 6));
	}
	return s.tries;
}
