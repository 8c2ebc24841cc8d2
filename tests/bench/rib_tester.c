/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads a router over TCP and tells how long it took: peers that send a table, changes, and withdrawals, and one peer that listens.
 *
 * When is everything in? Each peer's table ends with a prefix of its own, the marker. A router reads a session in order, so a
 * marker that the listener hears says that all before it was taken in. With --listener markers everything else carries
 * NO_EXPORT (RFC 1997), so that the router need not pass it on: the time is that of its RIB. With --listener all the
 * listener gets the whole table, and each different prefix must have come.
 *
 * Between the phases it says a word on stdout and waits for a line on stdin, so that the router can be asked too. */
#include "arena.h"
#include "rib_wire.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WATCHED_MAX 16
#define SETTLE_STEP_NS (200 * NS_PER_MS)
#define SETTLE_STEPS 50
#define QUIET_NS (10 * NS_PER_MS) /* of CPU in a step */

struct options {
	struct feed_shape shape;
	struct tester_conf conf;
	uint64_t seed;
	size_t sets;
	unsigned int churn_s;
	int64_t timeout_ns;
	pid_t watched[WATCHED_MAX];
	size_t watched_count;
};

struct usage {
	struct instant at;
	int64_t tester_ns, router_ns;
};

struct phase {
	double wall_s, tester_s, router_s;
};

struct run {
	const struct options *o;
	struct feed feed;
	struct tester t;
	struct phase up, load, churn, gone;
	size_t paths, changes, octets, messages;
	double latency_s;		   /* median over the ticks */
	size_t peak_after_load, peak, rss; /* octets */
};

/* ---- What the processes use ---- */

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Nanoseconds on a CPU of all threads; the clock ticks of stat are too coarse. */
static int64_t process_ns(pid_t pid)
{
	char path[320], line[128];
	int64_t sum = 0;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		FILE *f;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, entry->d_name);
		f = fopen(path, "re");
		if (f != NULL && fgets(line, sizeof(line), f) != NULL)
			sum += strtoll(line, NULL, 10);
		if (f != NULL)
			fclose(f);
	}
	if (dir != NULL)
		closedir(dir);
	return sum;
}

static struct usage usage_now(const struct options *o)
{
	struct usage u = {.at = tester_now(), .tester_ns = cpu_ns()};

	for (size_t i = 0; i < o->watched_count; i++)
		u.router_ns += process_ns(o->watched[i]);
	return u;
}

static struct phase between(const struct usage *a, const struct usage *b)
{
	return (struct phase){.wall_s = (double)instant_since(b->at, a->at) / 1e9,
			      .tester_s = (double)(b->tester_ns - a->tester_ns) / 1e9,
			      .router_s = (double)(b->router_ns - a->router_ns) / 1e9};
}

/* VmHWM or VmRSS of all the router's processes. */
static size_t memory_of(const struct options *o, const char *key)
{
	char path[64], line[256];
	size_t kib = 0;

	for (size_t i = 0; i < o->watched_count; i++) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/status", (int)o->watched[i]);
		f = fopen(path, "re");
		while (f != NULL && fgets(line, sizeof(line), f) != NULL)
			if (strncmp(line, key, strlen(key)) == 0)
				kib += strtoul(line + strlen(key) + 1, NULL, 10);
		if (f != NULL)
			fclose(f);
	}
	return kib * 1024;
}

/* ---- Streams ---- */

static void streams_clear(struct run *r)
{
	for (unsigned int i = 0; i < r->t.conf.peers; i++) {
		struct link *l = &r->t.links[i];

		l->stream.len = l->stream.messages = l->stream.changes = 0;
		l->at = l->limit = 0;
	}
}

static void load_make(struct run *r)
{
	for (unsigned int i = 0; i < r->t.conf.peers; i++) {
		struct link *l = &r->t.links[i];

		feed_announce(&r->feed, &l->feed, &l->stream);
		r->paths += l->stream.changes;
		r->octets += l->stream.len;
		r->messages += l->stream.messages;
		l->limit = l->stream.len;
	}
}

static void withdrawal_make(struct run *r)
{
	streams_clear(r);
	for (unsigned int i = 0; i < r->t.conf.peers; i++) {
		struct link *l = &r->t.links[i];

		feed_withdraw(&r->feed, &l->feed, &l->stream);
		l->limit = l->stream.len;
	}
}

/* One stream a peer for all of the churn; ends[tick * peers + peer] is where a tick ends in it. */
static void churn_make(struct run *r, unsigned int ticks, size_t *ends)
{
	unsigned int peers = r->t.conf.peers;

	streams_clear(r);
	for (unsigned int i = 0; i < peers; i++) {
		struct link *l = &r->t.links[i];

		for (unsigned int tick = 0; tick < ticks; tick++) {
			feed_churn(&r->feed, &l->feed, tick, (size_t)100 * FEED_CHURN_TICKS, &l->stream);
			ends[tick * peers + i] = l->stream.len;
		}
		r->changes += l->stream.changes;
	}
}

/* ---- When a phase is over ---- */

static bool all_in(const struct tester *t, const void *ctx)
{
	const struct run *r = ctx;

	return t->markers == t->conf.peers && (t->conf.listen != LISTEN_ALL || t->heard.present == r->feed.count) &&
	       (t->conf.fib == 0 || t->installed.present == r->feed.count);
}

static bool all_gone(const struct tester *t, const void *ctx)
{
	(void)ctx;
	return t->markers == 0 && t->heard.present == 0 && t->installed.present == 0;
}

static bool never(const struct tester *t, const void *ctx)
{
	(void)t;
	(void)ctx;
	return false;
}

static bool last_tick(const struct tester *t, const void *ctx)
{
	(void)ctx;
	return t->tick_heard[t->ticks - 1] == t->conf.peers;
}

/* Waits until the router has stopped working: what it does behind the answer is its cost too, and must not be the next
 * phase's. */
static void settle(struct run *r)
{
	struct usage before = usage_now(r->o), after;

	for (int i = 0; i < SETTLE_STEPS && !r->t.failed; i++) {
		tester_run(&r->t, never, NULL, instant_add(tester_now(), SETTLE_STEP_NS));
		after = usage_now(r->o);
		if (after.router_ns - before.router_ns < QUIET_NS)
			return;
		before = after;
	}
}

/* ---- The phases ---- */

static bool phase_run(struct run *r, bool (*done)(const struct tester *, const void *), struct phase *ret,
		      const char *word)
{
	struct usage before = usage_now(r->o), after;

	tester_push(&r->t);
	if (!tester_run(&r->t, done, r, instant_add(tester_now(), r->o->timeout_ns))) {
		if (!r->t.failed)
			errmsg_say(&r->t.err, -ETIMEDOUT,
				   "%s: after %.0f s %u of %u markers, %zu of %zu prefixes, %zu in the kernel", word,
				   (double)r->o->timeout_ns / 1e9, r->t.markers, r->t.conf.peers, r->t.heard.present,
				   r->feed.count, r->t.installed.present);
		return false;
	}
	after = usage_now(r->o);
	*ret = between(&before, &after);
	return true;
}

/* The router may be asked now. */
static void pause_for_questions(const char *word)
{
	char line[64];

	printf("%s\n", word);
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		exit(5);
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median_latency(const struct tester *t, const struct instant *sent)
{
	double *all = memory_grow(NULL, t->ticks, sizeof(*all)), median;

	for (unsigned int i = 1; i < t->ticks; i++)
		all[i - 1] = (double)instant_since(t->tick_at[i], sent[i]) / 1e9;
	qsort(all, t->ticks - 1, sizeof(*all), by_value);
	median = all[(t->ticks - 1) / 2];
	free(all);
	return median;
}

/* Open loop: a tick goes out when it is due, whether the one before was answered or not. The load's markers were tick 0. */
static bool churn(struct run *r)
{
	unsigned int ticks = r->t.ticks - 1, peers = r->t.conf.peers;
	size_t *ends = memory_grow(NULL, (size_t)ticks * peers, sizeof(*ends));
	struct instant *sent = memory_new(r->t.ticks * sizeof(*sent)), due;
	struct usage before, after;
	bool good;

	churn_make(r, ticks, ends);
	before = usage_now(r->o);
	due = tester_now();
	for (unsigned int tick = 0; tick < ticks && !r->t.failed; tick++) {
		for (unsigned int i = 0; i < peers; i++)
			r->t.links[i].limit = ends[tick * peers + i];
		sent[tick + 1] = tester_now();
		tester_push(&r->t);
		due = instant_add(due, NS_PER_S / FEED_CHURN_TICKS);
		tester_run(&r->t, never, NULL, due);
	}
	good = tester_run(&r->t, last_tick, NULL, instant_add(tester_now(), r->o->timeout_ns));
	after = usage_now(r->o);
	r->churn = between(&before, &after);
	if (good)
		r->latency_s = median_latency(&r->t, sent);
	else if (!r->t.failed)
		errmsg_say(&r->t.err, -ETIMEDOUT, "churn: the last changes were not told");
	free(ends);
	free(sent);
	return good;
}

static bool play(struct run *r)
{
	if (!phase_run(r, tester_all_up, &r->up, "sessions"))
		return false;
	settle(r);
	load_make(r);
	if (!phase_run(r, all_in, &r->load, "load"))
		return false;
	r->peak_after_load = memory_of(r->o, "VmHWM");
	settle(r);
	r->rss = memory_of(r->o, "VmRSS");
	pause_for_questions("loaded");
	settle(r);
	if (r->t.ticks > 1 && !churn(r))
		return false;
	withdrawal_make(r);
	settle(r);
	if (!phase_run(r, all_gone, &r->gone, "withdrawal"))
		return false;
	r->peak = memory_of(r->o, "VmHWM");
	settle(r);
	pause_for_questions("withdrawn");
	return true;
}

static void say_phase(const char *name, const struct phase *p)
{
	printf("\"%s\":{\"wall_s\":%.6f,\"tester_s\":%.6f,\"router_s\":%.6f},", name, p->wall_s, p->tester_s,
	       p->router_s);
}

static void say(const struct run *r)
{
	size_t echoed = 0;

	for (unsigned int i = 0; i < r->t.conf.peers; i++)
		echoed += r->t.links[i].echoed;
	printf("{");
	say_phase("up", &r->up);
	say_phase("load", &r->load);
	say_phase("churn", &r->churn);
	say_phase("gone", &r->gone);
	printf("\"paths\":%zu,\"prefixes\":%zu,\"messages\":%zu,\"octets\":%zu,\"changes\":%zu,\"latency_s\":%.6f,"
	       "\"peak\":%zu,\"peak_after_load\":%zu,\"rss\":%zu,\"told\":%zu,\"strange\":%zu,\"echoed\":%zu}\n",
	       r->paths, r->feed.count + r->t.conf.peers, r->messages, r->octets, r->changes, r->latency_s, r->peak,
	       r->peak_after_load, r->rss, r->t.told, r->t.heard.strange, echoed);
}

/* ---- Options ---- */

static void usage(void)
{
	fprintf(stderr,
		"rib_tester --router ADDRESS --first ADDRESS --listener-address ADDRESS [--listener markers|all]\n"
		"           [--churn SECONDS] [--seed N] [--sets PER-MILLION] [--timeout SECONDS] [--watch PID]... "
		"SHAPE\n");
}

static int option_read(int c, struct options *o)
{
	if (c == 'r')
		return addr_parse(optarg, &o->conf.router);
	if (c == 'f')
		return addr_parse(optarg, &o->conf.first);
	if (c == 'L')
		return addr_parse(optarg, &o->conf.listener);
	if (c == 'l')
		o->conf.listen = strcmp(optarg, "all") == 0 ? LISTEN_ALL : LISTEN_MARKERS;
	else if (c == 'c')
		o->churn_s = (unsigned int)strtoul(optarg, NULL, 10);
	else if (c == 's')
		o->seed = strtoull(optarg, NULL, 0);
	else if (c == 'a')
		o->sets = strtoul(optarg, NULL, 10);
	else if (c == 't')
		o->timeout_ns = strtoll(optarg, NULL, 10) * NS_PER_S;
	else if (c == 'k')
		o->conf.fib = (pid_t)strtol(optarg, NULL, 10);
	else if (c == 'w' && o->watched_count < WATCHED_MAX)
		o->watched[o->watched_count++] = (pid_t)strtol(optarg, NULL, 10);
	else
		return -EINVAL;
	return 0;
}

static int options_read(int argc, char **argv, struct options *o)
{
	static const struct option words[] = {
		{"router", required_argument, NULL, 'r'},
		{"first", required_argument, NULL, 'f'},
		{"listener", required_argument, NULL, 'l'},
		{"listener-address", required_argument, NULL, 'L'},
		{"churn", required_argument, NULL, 'c'},
		{"seed", required_argument, NULL, 's'},
		{"sets", required_argument, NULL, 'a'},
		{"timeout", required_argument, NULL, 't'},
		{"watch", required_argument, NULL, 'w'},
		{"fib", required_argument, NULL, 'k'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", words, NULL)) >= 0)
		if (option_read(c, o) < 0)
			return -EINVAL;
	if (optind != argc - 1 || o->conf.router.family != ADDR_V4 || o->conf.first.family != ADDR_V4 ||
	    o->conf.listener.family != ADDR_V4 || o->sets < 1 || o->timeout_ns < NS_PER_S || o->churn_s > 600)
		return -EINVAL;
	return feed_shape_parse(argv[optind], &o->shape);
}

int main(int argc, char **argv)
{
	struct options o = {.seed = 1,
			    .sets = FEED_SETS_PER_MILLION,
			    .timeout_ns = 300 * NS_PER_S,
			    .conf = {.listen = LISTEN_MARKERS, .listener_as = 64999}};
	struct run r = {.o = &o};
	bool good;

	if (options_read(argc, argv, &o) < 0) {
		usage();
		return 2;
	}
	o.conf.peers = o.shape.peers;
	o.conf.fib_hops = o.shape.same ? o.shape.peers : 1;
	feed_init(&r.feed, o.seed, feed_shape_prefixes(&o.shape), o.sets);
	if (tester_init(&r.t, &o.conf, &r.feed, 1 + o.churn_s * FEED_CHURN_TICKS) < 0) {
		fprintf(stderr, "rib_tester: %s\n", r.t.err.text);
		return 5;
	}
	for (unsigned int i = 0; i < o.conf.peers; i++) {
		r.t.links[i].feed = feed_peer_of(&o.shape, i, r.t.links[i].local);
		r.t.links[i].feed.no_export = o.conf.listen == LISTEN_MARKERS;
	}
	r.t.links[o.conf.peers].feed.as = o.conf.listener_as;
	tester_dial(&r.t);
	good = play(&r);
	if (good)
		say(&r);
	else
		fprintf(stderr, "rib_tester: %s\n", r.t.err.text);
	tester_fini(&r.t);
	feed_fini(&r.feed);
	return good ? 0 : 1;
}
