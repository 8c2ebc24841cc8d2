/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the routes cost the engine alone: one router speaker, its peers played from memory, no socket and no loop. Measured is the
 * time inside the speaker's own functions, the memory it grew by, and how often it allocated. Never a pass or a fail. */
#include "allocs.h"
#include "arena.h"
#include "bgp.h"
#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUTER_AS 65000
#define LISTENER_AS 64999
#define CHUNK 65536 /* what one recv of the live driver takes */
#define RUNS_MAX 99

/* Which routes a listening peer gets. */
enum listen { LISTEN_NONE, LISTEN_MARKERS, LISTEN_ALL, LISTEN_COUNT };

static const char *const listen_words[] = {"none", "markers", "all"};

struct options {
	uint64_t seed;
	size_t sets;
	unsigned int runs, churn_s;
	unsigned int listens; /* bits */
	bool quick, json;
};

/* One measurement, passed from the child that makes it. */
struct sample {
	double load_s, churn_s, withdraw_s; /* CPU inside the speaker */
	size_t paths, prefixes, left;	    /* loaded; in the loc-rib then; after the withdrawal */
	size_t hops;			    /* of all prefixes */
	size_t changes;			    /* of the churn */
	size_t live, peak, rss;		    /* octets above what was there before the load */
	size_t load_allocs, churn_allocs, withdraw_allocs;
	size_t told, told_octets, taken_back; /* NLRI that the listener got in the load; withdrawn in all */
	size_t outputs;			      /* entries of the output list in the load */
};

struct source {
	struct feed_peer feed;
	bgp_conn_id conn;
	struct feed_stream stream;
	size_t at;
};

struct bench {
	struct bgp_speaker *s;
	struct feed feed;
	struct source *sources;
	unsigned int count;
	bgp_conn_id listener;
	bool listens;
	double spent_s;
	struct sample *sample;
};

/* ---- Clocks and memory ---- */

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct instant now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct instant){t.tv_sec * NS_PER_S + t.tv_nsec};
}

/* VmHWM or VmRSS of this process. */
static size_t memory_of(const char *key)
{
	char line[256];
	size_t kib = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtoul(line + strlen(key) + 1, NULL, 10);
	if (f != NULL)
		fclose(f);
	return kib * 1024;
}

/* From here on VmHWM starts anew (proc(5), clear_refs). */
static void peak_reset(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "5", 1) != 1)
		fprintf(stderr, "rib_engine: the peak of memory can't be reset\n");
	if (fd >= 0)
		close(fd);
}

/* ---- The speaker and its peers ---- */

static size_t count_nlri(struct wire_nlri nlri)
{
	struct wire_route route;
	size_t n = 0;

	while (wire_nlri_next(&nlri, &route))
		n++;
	return n;
}

static void listener_reads(struct bench *b, const struct bgp_output *out)
{
	const struct wire_session session = {.as4 = true};
	struct wire_update u;

	b->sample->told_octets += out->len;
	if (out->len < WIRE_HEADER_LEN || out->bytes[18] != WIRE_UPDATE)
		return;
	if (wire_update_decode(wire_in_of(out->bytes, out->len), &session, &u).treat != WIRE_OK)
		abort(); /* the speaker's own UPDATE must be readable */
	b->sample->told += count_nlri(u.nlri);
	b->sample->taken_back += count_nlri(u.withdrawn);
}

/* What a driver does with the outputs is not the engine's time. */
static void drain(struct bench *b)
{
	size_t n;
	const struct bgp_output *outs = bgp_outputs(b->s, &n);
	double began;

	for (size_t i = 0; i < n; i++) {
		if (outs[i].kind == BGP_OUT_NOTICE && outs[i].notice == BGP_NOTICE_ERROR)
			fprintf(stderr, "rib_engine: %s\n", outs[i].text);
		if (outs[i].kind == BGP_OUT_SEND && b->listens && outs[i].conn == b->listener)
			listener_reads(b, &outs[i]);
	}
	b->sample->outputs += n;
	began = cpu_s();
	bgp_outputs_clear(b->s);
	b->spent_s += cpu_s() - began;
}

static void feed_bytes(struct bench *b, bgp_conn_id conn, const uint8_t *bytes, size_t n)
{
	double began = cpu_s();

	bgp_in_bytes(b->s, conn, bytes, n, now());
	while (!instant_before(now(), bgp_deadline(b->s)))
		bgp_in_time(b->s, now());
	b->spent_s += cpu_s() - began;
	drain(b);
}

/* A peer comes up by hand: its OPEN with the hold timer off, its KEEPALIVE. */
static bgp_conn_id establish(struct bench *b, const struct addr *remote, uint32_t as, bool gets_routes)
{
	struct addr local = addr_v4(0x0a000001);
	struct bgp_peer_conf conf = {.name = "peer",
				     .remote = *remote,
				     .remote_as = as,
				     .passive = true,
				     .requires_policy = true,
				     .import_policy = true,
				     .export_policy = gets_routes};
	uint8_t bytes[512], caps_bytes[64];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes)), caps = wire_out_to(caps_bytes, sizeof(caps_bytes));
	bgp_peer_id id;
	bgp_conn_id conn;

	wire_cap_mp(&caps, WIRE_AFI_IPV4, WIRE_SAFI_UNICAST);
	wire_cap_as4(&caps, as);
	wire_open_encode(&out, as, 0, addr_v4_value(remote), wire_in_of(caps.bytes, caps.len));
	wire_keepalive_encode(&out);
	if (bgp_peer_add(b->s, &conf, &id) < 0)
		abort();
	bgp_peer_start(b->s, id, now());
	if (!bgp_in_accepted(b->s, &local, remote, now(), &conn))
		abort();
	feed_bytes(b, conn, bytes, out.len);
	if (bgp_peer_state(b->s, id) != BGP_ESTABLISHED)
		abort();
	return conn;
}

static void bench_init(struct bench *b, const struct feed_shape *shape, enum listen listen, const struct options *o)
{
	b->s = bgp_speaker_new(&(struct bgp_speaker_conf){.as = ROUTER_AS,
							  .router_id = 0x0a000001,
							  .max_paths = 16,
							  .multipath_relax = true,
							  .readvertise = true,
							  .seed = o->seed});
	feed_init(&b->feed, o->seed, feed_shape_prefixes(shape), o->sets);
	b->sources = memory_grow(NULL, shape->peers, sizeof(*b->sources));
	b->count = shape->peers;
	for (unsigned int i = 0; i < shape->peers; i++) {
		struct addr a = addr_v4(0x0a010001 + i);

		b->sources[i] = (struct source){.feed = feed_peer_of(shape, i, a)};
		b->sources[i].feed.no_export = listen == LISTEN_MARKERS;
		b->sources[i].conn = establish(b, &a, b->sources[i].feed.as, false);
	}
	b->listens = listen != LISTEN_NONE;
	if (b->listens) {
		struct addr a = addr_v4(0x0a000002);

		b->listener = establish(b, &a, LISTENER_AS, true);
	}
}

/* ---- The phases ---- */

static bool source_step(struct bench *b, struct source *src)
{
	size_t n = src->stream.len - src->at;

	if (n == 0)
		return false;
	n = n < CHUNK ? n : CHUNK;
	feed_bytes(b, src->conn, src->stream.at + src->at, n);
	src->at += n;
	return true;
}

/* All peers at once, a chunk of each in turn, as a loop over ready sockets does. */
static double play(struct bench *b)
{
	bool more = true;

	b->spent_s = 0;
	while (more) {
		more = false;
		for (unsigned int i = 0; i < b->count; i++)
			more = source_step(b, &b->sources[i]) || more;
	}
	return b->spent_s;
}

static size_t streams_make(struct bench *b,
			   void (*make)(const struct bench *, const struct feed_peer *, struct feed_stream *,
					unsigned int),
			   unsigned int tick)
{
	size_t changes = 0;

	for (unsigned int i = 0; i < b->count; i++) {
		struct source *src = &b->sources[i];

		src->at = src->stream.len = src->stream.messages = src->stream.changes = 0;
		make(b, &src->feed, &src->stream, tick);
		changes += src->stream.changes;
	}
	return changes;
}

static void make_load(const struct bench *b, const struct feed_peer *p, struct feed_stream *out, unsigned int tick)
{
	(void)tick;
	feed_announce(&b->feed, p, out);
}

static void make_withdrawal(const struct bench *b, const struct feed_peer *p, struct feed_stream *out,
			    unsigned int tick)
{
	(void)tick;
	feed_withdraw(&b->feed, p, out);
}

static void make_churn(const struct bench *b, const struct feed_peer *p, struct feed_stream *out, unsigned int tick)
{
	feed_churn(&b->feed, p, tick, (size_t)100 * FEED_CHURN_TICKS, out);
}

static void count_route(void *ctx, const struct prefix *prefix, const struct addr *next_hops, size_t n)
{
	struct sample *s = ctx;

	(void)prefix;
	(void)next_hops;
	s->prefixes++;
	s->hops += n;
}

static void load(struct bench *b)
{
	struct sample *s = b->sample;
	size_t allocs, live, rss;

	s->paths = streams_make(b, make_load, 0);
	s->told = s->told_octets = s->outputs = 0;
	peak_reset();
	allocs = allocs_count();
	live = allocs_live();
	rss = memory_of("VmRSS");
	s->load_s = play(b);
	s->load_allocs = allocs_count() - allocs;
	s->live = allocs_live() - live;
	s->peak = memory_of("VmHWM") - rss;
	s->rss = memory_of("VmRSS") - rss;
}

static void measure(const struct feed_shape *shape, enum listen listen, const struct options *o, struct sample *s)
{
	struct bench b = {.sample = s};
	size_t told, allocs, outputs;

	bench_init(&b, shape, listen, o);
	load(&b);
	outputs = s->outputs;
	bgp_loc_rib(b.s, count_route, s);
	told = s->told;
	for (unsigned int tick = 0; tick < o->churn_s * FEED_CHURN_TICKS; tick++) {
		s->changes += streams_make(&b, make_churn, tick);
		allocs = allocs_count();
		s->churn_s += play(&b);
		s->churn_allocs += allocs_count() - allocs;
	}
	streams_make(&b, make_withdrawal, 0);
	allocs = allocs_count();
	s->withdraw_s = play(&b);
	s->withdraw_allocs = allocs_count() - allocs;
	s->told = told;
	s->outputs = outputs;
	told = s->prefixes;
	s->prefixes = 0;
	bgp_loc_rib(b.s, count_route, s);
	s->left = s->prefixes;
	s->prefixes = told;
	bgp_speaker_free(b.s);
	for (unsigned int i = 0; i < b.count; i++)
		free(b.sources[i].stream.at);
	free(b.sources);
	feed_fini(&b.feed);
}

/* A process for each measurement: neither heap nor peak is another's. */
static int measure_apart(const struct feed_shape *shape, enum listen listen, const struct options *o,
			 struct sample *ret)
{
	int ends[2], status = 0;
	struct sample s = {0};
	ssize_t n;
	pid_t pid;

	fflush(stdout);
	if (pipe(ends) < 0 || (pid = fork()) < 0)
		return -errno;
	if (pid == 0) {
		measure(shape, listen, o, &s);
		_exit(write(ends[1], &s, sizeof(s)) == (ssize_t)sizeof(s) ? 0 : 1);
	}
	close(ends[1]);
	n = read(ends[0], ret, sizeof(*ret));
	close(ends[0]);
	return waitpid(pid, &status, 0) == pid && status == 0 && n == (ssize_t)sizeof(*ret) ? 0 : -EIO;
}

/* ---- Words ---- */

static int by_load(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return x->load_s < y->load_s ? -1 : x->load_s > y->load_s;
}

static void say_head(void)
{
	printf("%-10s %-8s %8s %8s | %7s %7s %6s %6s %7s | %8s | %8s %8s | %7s %8s\n", "shape", "listener", "prefixes",
	       "paths", "load s", "k/s", "MB", "B/path", "alloc/p", "told", "gone s", "alloc/p", "churn us",
	       "alloc/ch");
}

static void say_row(const struct feed_shape *shape, enum listen listen, const struct sample *s)
{
	double paths = (double)s->paths, changes = s->changes > 0 ? (double)s->changes : 1;

	printf("%-10s %-8s %8zu %8zu | %7.3f %7.0f %6.0f %6.0f %7.3f | %8zu | %8.3f %8.3f | %7.3f %8.3f%s\n",
	       shape->name, listen_words[listen], s->prefixes, s->hops, s->load_s, paths / s->load_s / 1e3,
	       (double)s->peak / 1e6, (double)s->live / paths, (double)s->load_allocs / paths, s->told, s->withdraw_s,
	       (double)s->withdraw_allocs / paths, s->churn_s / changes * 1e6, (double)s->churn_allocs / changes,
	       s->left > 0 ? "  ROUTES ARE LEFT" : "");
}

static void say_json(const struct feed_shape *shape, enum listen listen, const struct sample *s)
{
	printf("{\"shape\":\"%s\",\"listener\":\"%s\",\"paths\":%zu,\"prefixes\":%zu,\"hops\":%zu,\"load_s\":%.6f,"
	       "\"withdraw_s\":%.6f,\"churn_s\":%.6f,\"changes\":%zu,\"live\":%zu,\"peak\":%zu,\"rss\":%zu,"
	       "\"load_allocs\":%zu,\"withdraw_allocs\":%zu,\"churn_allocs\":%zu,\"told\":%zu,\"told_octets\":%zu,"
	       "\"taken_back\":%zu,\"outputs\":%zu,\"left\":%zu}\n",
	       shape->name, listen_words[listen], s->paths, s->prefixes, s->hops, s->load_s, s->withdraw_s, s->churn_s,
	       s->changes, s->live, s->peak, s->rss, s->load_allocs, s->withdraw_allocs, s->churn_allocs, s->told,
	       s->told_octets, s->taken_back, s->outputs, s->left);
}

static int run_shape(const char *text, const struct options *o)
{
	struct sample samples[RUNS_MAX];
	struct feed_shape shape;

	if (feed_shape_parse(text, &shape) < 0) {
		fprintf(stderr, "rib_engine: \"%s\" is no shape; write 10x100k, or 10x1M= for the same prefixes\n",
			text);
		return 2;
	}
	if (o->quick)
		shape.each = shape.each >= 1000 ? shape.each / 10 : shape.each;
	for (enum listen l = LISTEN_NONE; l < LISTEN_COUNT; l++) {
		if ((o->listens >> l & 1) == 0)
			continue;
		for (unsigned int i = 0; i < o->runs; i++)
			if (measure_apart(&shape, l, o, &samples[i]) < 0) {
				fprintf(stderr, "rib_engine: %s was not measured\n", text);
				return 5;
			}
		qsort(samples, o->runs, sizeof(*samples), by_load);
		(o->json ? say_json : say_row)(&shape, l, &samples[o->runs / 2]);
	}
	return 0;
}

static void usage(void)
{
	fprintf(stderr, "rib_engine [--runs N] [--quick] [--json] [--seed N] [--sets PER-MILLION] [--churn SECONDS]\n"
			"           [--listener none|markers|all]... [SHAPE...]\n"
			"Shapes: 10x100k (own prefixes), 10x1M= (the same ones). A row is the run with the median load "
			"time.\n");
}

static int options_read(int argc, char **argv, struct options *o)
{
	static const struct option words[] = {
		{"runs", required_argument, NULL, 'r'},	 {"quick", no_argument, NULL, 'q'},
		{"json", no_argument, NULL, 'j'},	 {"seed", required_argument, NULL, 's'},
		{"sets", required_argument, NULL, 'a'},	 {"listener", required_argument, NULL, 'l'},
		{"churn", required_argument, NULL, 'c'}, {0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", words, NULL)) >= 0) {
		if (c == 'r')
			o->runs = (unsigned int)strtoul(optarg, NULL, 10);
		else if (c == 'c')
			o->churn_s = (unsigned int)strtoul(optarg, NULL, 10);
		else if (c == 's')
			o->seed = strtoull(optarg, NULL, 0);
		else if (c == 'a')
			o->sets = strtoul(optarg, NULL, 10);
		else if (c == 'q')
			o->quick = true;
		else if (c == 'j')
			o->json = true;
		else if (c != 'l')
			return -EINVAL;
		for (enum listen l = LISTEN_NONE; c == 'l' && l < LISTEN_COUNT; l++)
			o->listens |= strcmp(optarg, listen_words[l]) == 0 ? 1U << l : 0;
	}
	return o->runs < 1 || o->runs > RUNS_MAX || o->sets < 1 || o->sets > 500000 ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	static const char *const all[] = {"1x1M", "10x100k", "10x1M=", "100x10k", "1000x100"};
	struct options o = {.seed = 1, .sets = FEED_SETS_PER_MILLION, .runs = 3, .churn_s = 3};
	int result = 0;

	if (options_read(argc, argv, &o) < 0) {
		usage();
		return 2;
	}
	if (o.listens == 0)
		o.listens = (1U << LISTEN_NONE) | (1U << LISTEN_ALL);
	if (!o.json)
		say_head();
	for (int i = optind; i < argc && result == 0; i++)
		result = run_shape(argv[i], &o);
	for (size_t i = 0; optind == argc && i < sizeof(all) / sizeof(*all) && result == 0; i++)
		result = run_shape(all[i], &o);
	return result;
}
