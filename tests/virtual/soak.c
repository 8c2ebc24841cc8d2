/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random runs of whole networks under a virtual clock; what fails is made small and printed as a file for regressions/. */
#include "bench.h"
#include "shrink.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAILURES_MAX 20 /* then it is enough */
#define SHRUNK_MAX 3	/* or where each is made small */
#define SEED_MAX_S 60
#define TWICE_EVERY 16 /* a run is played again: same seed, same bytes */

static const char usage[] =
	"usage: soak [--seeds N] [--first S] [--seconds N]     play seeds S to S+N-1, or as many as the time allows\n"
	"       soak --seed X [--print] [--trace] [--shrink] [--captures PREFIX]   one of them\n"
	"       soak [--trace] [--shrink] FILE...              runs written down\n"
	"       soak --bench quiet|star N                     N quiet sessions: session-seconds/s, bytes per "
	"session\n";

struct options {
	uint64_t first, seeds;
	int64_t seconds;
	bool one, print, trace, shrink;
	const char *bench, *captures;
};

static double clock_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Plays it twice when asked to. */
static void play_checked(const struct plan *p, bool twice, struct verdict *ret)
{
	struct verdict again;

	play(p, NULL, ret);
	if (!twice || !ret->ok)
		return;
	play(p, NULL, &again);
	if (again.hash == ret->hash)
		return;
	ret->ok = false;
	snprintf(ret->why, sizeof(ret->why), "the same seed gave another run");
}

static void report(const struct options *o, struct plan *p, const struct verdict *v, const char *name)
{
	printf("%s: %s\n", name, v->why);
	if (o->shrink) {
		unsigned int tries = shrink(p);
		struct verdict small;

		play_apart(p, &small);
		printf("# %s\n# (made small in %u runs)\n", small.ok ? v->why : small.why, tries);
		plan_print(p, stdout);
	}
	fflush(stdout);
}

static int play_one(const struct options *o, struct plan *p, const char *name)
{
	struct verdict v;
	bool ok;

	if (o->print)
		plan_print(p, stdout);
	p->captures = o->captures;
	if (o->trace)
		play(p, stdout, &v);
	else
		play_apart(p, &v);
	ok = v.ok;
	if (ok)
		printf("%s: holds; hash %016" PRIx64 ", sessions up after %" PRId64 " s, %" PRIu64 " events\n", name,
		       v.hash, v.converged_s, v.stats.events);
	else
		report(o, p, &v, name);
	plan_free(p);
	return ok ? 0 : 1;
}

static int play_file(const struct options *o, const char *path)
{
	struct plan p;

	if (!plan_read(&p, path)) {
		plan_free(&p);
		return 2;
	}
	return play_one(o, &p, path);
}

/* ---- Many seeds, in a process of their own that is replaced when one kills it ---- */

struct progress {
	uint64_t at; /* the seed being played */
	uint64_t done, failed;
	int64_t slowest_s;
	uint64_t slowest;
	uint64_t events;
	bool finished;
};

static void play_seed(const struct options *o, struct progress *at)
{
	struct plan p;
	struct verdict v;
	char name[40];

	plan_generate(&p, at->at);
	alarm(SEED_MAX_S);
	play_checked(&p, at->at % TWICE_EVERY == 0, &v);
	alarm(0);
	at->done++;
	at->events += v.stats.events;
	if (v.converged_s > at->slowest_s) {
		at->slowest_s = v.converged_s;
		at->slowest = at->at;
	}
	if (!v.ok) {
		at->failed++;
		snprintf(name, sizeof(name), "seed %" PRIu64, at->at);
		report(o, &p, &v, name);
	}
	plan_free(&p);
	at->at++;
}

static void play_until(const struct options *o, struct progress *at, double end)
{
	uint64_t enough = o->shrink ? SHRUNK_MAX : FAILURES_MAX;

	while (at->at < o->first + o->seeds && at->failed < enough && clock_s() < end)
		play_seed(o, at);
	at->finished = true;
}

/* The child died of the seed at hand. */
static void died(const struct options *o, struct progress *at)
{
	struct plan p;
	struct verdict v;
	char name[40];

	plan_generate(&p, at->at);
	play_apart(&p, &v);
	snprintf(name, sizeof(name), "seed %" PRIu64, at->at);
	if (v.ok)
		snprintf(v.why, sizeof(v.why), "the process died, but not when it was played again");
	report(o, &p, &v, name);
	plan_free(&p);
	at->done++;
	at->failed++;
	at->at++;
}

static int play_seeds(const struct options *o)
{
	struct progress *at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double start = clock_s(), end = o->seconds > 0 ? start + (double)o->seconds : 1e18;
	int status;

	if (at == MAP_FAILED)
		memory_exhausted();
	at->at = o->first;
	while (!at->finished) {
		pid_t child;

		fflush(NULL);
		child = fork();
		if (child == 0) {
			play_until(o, at, end);
			exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child)
			memory_exhausted();
		if (status != 0 && at->finished)
			return 1; /* a leak, say */
		if (status != 0)
			died(o, at);
	}
	printf("%" PRIu64 " seeds from %" PRIu64 " on, %" PRIu64 " failed; %" PRIu64
	       " events in %.1f s; sessions up after %" PRId64 " s at most (seed %" PRIu64 ")\n",
	       at->done, o->first, at->failed, at->events, clock_s() - start, at->slowest_s, at->slowest);
	return at->failed > 0 ? 1 : 0;
}

/* ---- Options ---- */

static const struct option options[] = {
	{"seeds", required_argument, NULL, 'n'},    {"first", required_argument, NULL, 'f'},
	{"seconds", required_argument, NULL, 's'},  {"seed", required_argument, NULL, 'x'},
	{"print", no_argument, NULL, 'p'},	    {"trace", no_argument, NULL, 't'},
	{"shrink", no_argument, NULL, 'k'},	    {"bench", required_argument, NULL, 'b'},
	{"captures", required_argument, NULL, 'c'}, {0},
};

static bool read_options(int argc, char **argv, struct options *o)
{
	int c;

	*o = (struct options){.first = 1, .seeds = 1000};
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'n':
			o->seeds = strtoull(optarg, NULL, 0);
			break;
		case 's':
			o->seconds = strtoll(optarg, NULL, 0);
			o->seeds = UINT64_MAX / 2;
			break;
		case 'x':
			o->one = true;
			o->first = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			o->first = strtoull(optarg, NULL, 0);
			break;
		case 'p':
			o->print = true;
			break;
		case 't':
			o->trace = true;
			break;
		case 'k':
			o->shrink = true;
			break;
		case 'b':
			o->bench = optarg;
			break;
		case 'c':
			o->captures = optarg;
			break;
		default:
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options o;
	struct plan p;
	char name[40];
	int worst = 0;

	if (!read_options(argc, argv, &o) ||
	    (o.bench != NULL && strcmp(o.bench, "quiet") != 0 && strcmp(o.bench, "star") != 0)) {
		fputs(usage, stderr);
		return 2;
	}
	if (o.bench != NULL)
		return bench(o.bench, optind < argc ? strtoul(argv[optind], NULL, 0) : 1000);
	for (int i = optind; i < argc; i++) {
		int r = play_file(&o, argv[i]);

		worst = r > worst ? r : worst;
	}
	if (optind < argc)
		return worst;
	if (!o.one)
		return play_seeds(&o);
	plan_generate(&p, o.first);
	snprintf(name, sizeof(name), "seed %" PRIu64, o.first);
	return play_one(&o, &p, name);
}
