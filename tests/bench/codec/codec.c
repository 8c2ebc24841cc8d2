/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How fast UPDATEs are decoded and encoded, on one core: medians of several runs over a stream that was written ahead. With --check
 * it is a test: nothing may be allocated, and what is encoded has to be the stream. */
#include "allocs.h"
#include "streams.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS_MAX 99
#define QUICK_PREFIXES 20000U
#define PREFIXES 200000U
#define RUN_S 0.2 /* a run goes over the stream until it has taken this long */

enum op {
	OP_DECODE, /* frame and attributes, and the syntax of routes */
	OP_READ,   /* the same, and every route taken out */
	OP_ENCODE,
	OP_AGAIN, /* decoded and written again */
	OP_COUNT,
};

static const char *const op_words[] = {"decode", "read", "encode", "again"};

struct options {
	unsigned int runs;
	uint64_t seed;
	size_t prefixes;
	unsigned int shapes, ops; /* bits; 0: all */
	bool json, check, once;
};

/* ---- What is measured ---- */

struct play {
	const struct stream *stream;
	uint8_t *room;	   /* WIRE_MESSAGE_MAX */
	uint64_t sum;	   /* so that nothing is thought unused */
	bool compare;	   /* what is written has to be the message */
	size_t mismatches; /* of them */
};

static void decode(struct play *p, const struct message *m, struct wire_update *ret)
{
	size_t len;
	uint8_t type;
	struct wire_err e = wire_frame(m->bytes.at, wire_left(&m->bytes), false, &len, &type);

	p->sum += (uint64_t)e.treat + len;
	p->sum += (uint64_t)wire_update_decode(m->bytes, &p->stream->session, ret).treat;
}

static void routes_read(struct play *p, struct wire_nlri nlri)
{
	struct wire_route route;

	while (wire_nlri_next(&nlri, &route))
		p->sum += route.prefix.len + route.prefix.addr.b[2];
}

static void written(struct play *p, const struct message *m, const struct wire_out *out)
{
	p->sum += out->len;
	if (p->compare)
		p->mismatches +=
			out->full || out->len != wire_left(&m->bytes) || memcmp(out->bytes, m->bytes.at, out->len) != 0;
}

static void message_play(struct play *p, enum op op, const struct message *m)
{
	struct wire_out out = wire_out_to(p->room, WIRE_MESSAGE_MAX);
	struct wire_update u;

	if (op == OP_ENCODE) {
		if (m->withdrawal)
			wire_withdraw_encode(&out, &p->stream->session, WIRE_AFI_IPV4, m->routes, m->count);
		else
			wire_update_encode(&out, &p->stream->session, &m->attrs, m->routes, m->count);
		written(p, m, &out);
		return;
	}
	decode(p, m, &u);
	if (op == OP_READ) {
		routes_read(p, u.withdrawn);
		routes_read(p, u.nlri);
		routes_read(p, u.mp_nlri);
	} else if (op == OP_AGAIN) {
		wire_update_write(&out, &p->stream->session, &u);
		written(p, m, &out);
	}
}

/* Callgrind is told to look at this function alone. */
__attribute__((noinline)) void codec_measured(struct play *p, enum op op);

__attribute__((noinline)) void codec_measured(struct play *p, enum op op)
{
	for (size_t i = 0; i < p->stream->count; i++)
		message_play(p, op, &p->stream->messages[i]);
}

/* ---- Measuring ---- */

struct result {
	double ns; /* a message */
	double allocs;
	size_t mismatches;
};

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double run(struct play *p, enum op op)
{
	double began = cpu_s(), took;
	size_t messages = 0;

	do {
		codec_measured(p, op);
		messages += p->stream->count;
		took = cpu_s() - began;
	} while (took < RUN_S);
	return took / (double)messages * 1e9;
}

static struct result measure(const struct stream *stream, enum op op, const struct options *o)
{
	static uint8_t room[WIRE_MESSAGE_MAX];
	struct play p = {.stream = stream, .room = room, .compare = true};
	double runs[RUNS_MAX];
	struct result result = {0};
	size_t allocs = allocs_count();

	codec_measured(&p, op); /* everything is in the caches that will be */
	result.allocs = (double)(allocs_count() - allocs) / (double)stream->count;
	result.mismatches = p.mismatches;
	p.compare = false;
	for (unsigned int i = 0; i < o->runs && !o->once; i++)
		runs[i] = run(&p, op);
	if (o->once)
		return result;
	qsort(runs, o->runs, sizeof(*runs), by_size);
	result.ns = runs[o->runs / 2];
	return result;
}

/* ---- Words ---- */

static void say(const struct options *o, enum shape shape, const struct stream *s, enum op op, const struct result *r)
{
	double octets = (double)s->octets / (double)s->count, prefixes = (double)s->prefixes / (double)s->count;

	if (o->json) {
		printf("{\"shape\":\"%s\",\"op\":\"%s\",\"messages\":%zu,\"octets\":%zu,\"prefixes\":%zu,\"ns\":%.3f,"
		       "\"messages_s\":%.0f,\"gb_s\":%.3f,\"prefixes_s\":%.0f,\"allocs\":%.6f}\n",
		       shape_text(shape), op_words[op], s->count, s->octets, s->prefixes, r->ns, 1e9 / r->ns,
		       octets / r->ns, prefixes * 1e9 / r->ns, r->allocs);
		return;
	}
	printf("%-10s %-7s %8zu %8.0f %8.1f | %10.1f %9.3f %8.3f %9.2f | %8.4f\n", shape_text(shape), op_words[op],
	       s->count, octets, prefixes, r->ns, 1e3 / r->ns, octets / r->ns, prefixes * 1e3 / r->ns, r->allocs);
}

/* Returns how many rules were broken. */
static unsigned int check(enum shape shape, enum op op, const struct result *r)
{
	if (r->allocs > 0)
		fprintf(stderr, "codec: %s of %s allocates: %f times a message\n", op_words[op], shape_text(shape),
			r->allocs);
	if (r->mismatches > 0)
		fprintf(stderr, "codec: %s of %s: %zu messages came out different\n", op_words[op], shape_text(shape),
			r->mismatches);
	return (r->allocs > 0 ? 1U : 0U) + (r->mismatches > 0 ? 1U : 0U);
}

static unsigned int shape_run(enum shape shape, const struct options *o)
{
	struct stream stream;
	unsigned int faults = 0;

	stream_init(&stream, shape, o->seed, o->prefixes);
	for (enum op op = OP_DECODE; op < OP_COUNT; op++) {
		struct result r;

		if (o->ops != 0 && (o->ops >> op & 1) == 0)
			continue;
		r = measure(&stream, op, o);
		faults += check(shape, op, &r);
		if (!o->once)
			say(o, shape, &stream, op, &r);
		else if (!o->check)
			printf("%zu\n", stream.count);
		fflush(stdout);
	}
	stream_fini(&stream);
	return faults;
}

static void usage(void)
{
	fprintf(stderr, "codec [--runs N] [--quick] [--json] [--check] [--seed N] [--shape "
			"one|hundreds|ipv6|table|alone|withdrawn]...\n"
			"      [--op decode|read|encode|again]... [--once]\n"
			"A row is the median of the runs. --check: one pass, and a failure where something is "
			"allocated or changed.\n"
			"--once: one pass over the stream, whose messages are counted; for callgrind.\n");
}

static unsigned int word_bit(const char *word, const char *(*text)(unsigned int), unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (strcmp(word, text(i)) == 0)
			return 1U << i;
	return 0;
}

static const char *op_text(unsigned int i)
{
	return op_words[i];
}

static const char *shape_word(unsigned int i)
{
	return shape_text((enum shape)i);
}

static int options_read(int argc, char **argv, struct options *o)
{
	static const struct option words[] = {
		{"runs", required_argument, NULL, 'r'},
		{"quick", no_argument, NULL, 'q'},
		{"json", no_argument, NULL, 'j'},
		{"check", no_argument, NULL, 'c'},
		{"seed", required_argument, NULL, 's'},
		{"shape", required_argument, NULL, 'f'},
		{"op", required_argument, NULL, 'o'},
		{"once", no_argument, NULL, '1'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", words, NULL)) >= 0) {
		unsigned int bit = c == 'f'   ? word_bit(optarg, shape_word, SHAPE_COUNT)
				   : c == 'o' ? word_bit(optarg, op_text, OP_COUNT)
					      : 1;

		if (bit == 0 || c == '?')
			return -EINVAL;
		o->shapes |= c == 'f' ? bit : 0;
		o->ops |= c == 'o' ? bit : 0;
		if (c == 'r')
			o->runs = (unsigned int)strtoul(optarg, NULL, 10);
		if (c == 's')
			o->seed = strtoull(optarg, NULL, 0);
		o->json |= c == 'j';
		o->check |= c == 'c';
		o->once |= c == '1' || c == 'c';
		if (c == 'q' || c == 'c')
			o->prefixes = QUICK_PREFIXES;
	}
	return optind < argc || o->runs < 1 || o->runs > RUNS_MAX ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	struct options o = {.runs = 9, .seed = 1, .prefixes = PREFIXES};
	unsigned int faults = 0;

	if (options_read(argc, argv, &o) < 0) {
		usage();
		return 2;
	}
	if (!o.json && !o.once)
		printf("%-10s %-7s %8s %8s %8s | %10s %9s %8s %9s | %8s\n", "shape", "op", "messages", "octets",
		       "prefixes", "ns/message", "M/s", "GB/s", "Mpfx/s", "allocs");
	for (enum shape shape = 0; shape < SHAPE_COUNT; shape++)
		if (o.shapes == 0 || (o.shapes >> shape & 1) != 0)
			faults += shape_run(shape, &o);
	return faults > 0 ? 1 : 0;
}
