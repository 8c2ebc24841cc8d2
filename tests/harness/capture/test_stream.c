/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segments in, bytes in order out. The expected texts are what RFC 9293's receiver sees where the first copy wins. */
#include "capture_int.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define START 1000U

struct segment {
	int32_t at; /* from the stream's first byte */
	const char *text;
};

struct row {
	const char *name;
	uint32_t first; /* sequence number of the first byte */
	struct segment segments[8];
	const char *want;    /* handed over; (n) where n bytes were given up */
	const char *skipped; /* and then, after giving all gaps up */
};

static const struct row rows[] = {
	{"in order", START, {{0, "abc"}, {3, "def"}}, "abcdef", ""},
	{"swapped", START, {{3, "def"}, {0, "abc"}}, "abcdef", ""},
	{"reversed", START, {{6, "gh"}, {3, "def"}, {0, "abc"}}, "abcdefgh", ""},
	{"sent twice", START, {{0, "abc"}, {0, "xyz"}, {3, "def"}}, "abcdef", ""},
	{"sent twice out of order", START, {{3, "def"}, {3, "xyz"}, {0, "abc"}}, "abcdef", ""},
	{"keepalive probe", START, {{0, "abc"}, {2, "x"}, {3, "d"}}, "abcd", ""},
	{"overlap of what was handed over", START, {{0, "abc"}, {1, "xyde"}}, "abcde", ""},
	{"overlap with a waiting chunk", START, {{3, "def"}, {0, "abcxyzg"}}, "abcdefg", ""},
	{"over two waiting chunks", START, {{2, "c"}, {4, "e"}, {0, "abxdyf"}}, "abcdef", ""},
	{"between waiting chunks", START, {{2, "c"}, {6, "g"}, {1, "bxdefyh"}, {0, "a"}}, "abcdefgh", ""},
	{"waiting chunk within another", START, {{2, "cdef"}, {3, "xy"}, {0, "ab"}}, "abcdef", ""},
	{"waiting chunk around another", START, {{3, "d"}, {2, "cxe"}, {0, "ab"}}, "abcde", ""},
	{"a gap", START, {{0, "abc"}, {5, "fg"}}, "abc", "(2)fg"},
	{"two gaps", START, {{0, "a"}, {2, "c"}, {4, "e"}}, "a", "(1)c(1)e"},
	{"wrap", UINT32_MAX - 1, {{0, "abc"}, {3, "def"}}, "abcdef", ""},
	{"wrap out of order", UINT32_MAX - 1, {{4, "ef"}, {2, "cd"}, {0, "ab"}}, "abcdef", ""},
	{"wrap between chunks", UINT32_MAX - 3, {{5, "f"}, {1, "b"}, {0, "axcdeyg"}}, "abcdefg", ""},
	{"half the numbers away", START, {{INT32_MAX, "x"}, {0, "a"}}, "a", ""},
	{"older than the start", START, {{-5, "vwxyz"}, {0, "a"}}, "a", ""},
	{"from before the start into it", START, {{-2, "yzabc"}, {3, "d"}}, "abcd", ""},
};

static void collect(void *ctx, const uint8_t *bytes, size_t n, uint32_t lost)
{
	char *text = ctx;
	size_t len = strlen(text);

	assert_true(len + n + 16 < 256);
	if (lost > 0)
		len += (size_t)snprintf(text + len, 16, "(%u)", lost);
	memcpy(text + len, bytes, n);
	text[len + n] = '\0';
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct capture_budget budget = {.max = 1 << 20};
	struct stream s = {0};
	char got[256] = "";
	struct stream_sink sink = {collect, got};

	stream_start(&s, &budget, row->first);
	for (const struct segment *g = row->segments; g->text != NULL; g++)
		stream_segment(&s, &budget, row->first + (uint32_t)g->at, (const uint8_t *)g->text, strlen(g->text),
			       &sink);
	assert_string_equal(got, row->want);
	got[0] = '\0';
	while (stream_skip(&s, &budget, &sink))
		;
	assert_string_equal(got, row->skipped);
	stream_clear(&s, &budget);
	assert_int_equal(budget.used, 0);
}

static void count(void *ctx, const uint8_t *bytes, size_t n, uint32_t lost)
{
	size_t *total = ctx;

	(void)bytes;
	(void)lost;
	*total += n;
}

/* A sender that leaves a hole makes us hold no more than the caps allow, and loses no more than its holes. */
static void test_caps(void **state)
{
	static uint8_t block[1400];
	struct capture_budget budget = {.max = (size_t)8 << 20};
	struct stream many = {0}, large = {0};
	size_t got = 0;
	struct stream_sink sink = {count, &got};

	(void)state;
	stream_start(&many, &budget, 0);
	for (uint32_t i = 0; i < 20000; i++) {
		stream_segment(&many, &budget, 1 + i * 2, block, 1, &sink);
		assert_true(many.waiting_count <= STREAM_WAITING_MAX);
	}
	assert_int_equal(got + many.waiting_count, 20000);
	stream_clear(&many, &budget);
	got = 0;
	stream_start(&large, &budget, 0);
	for (uint32_t i = 0; i < 3000; i++) {
		stream_segment(&large, &budget, 1 + i * 1400, block, 1400, &sink);
		assert_true(large.waiting_bytes <= STREAM_BYTES_MAX);
	}
	assert_int_equal(got + large.waiting_bytes, 3000 * 1400);
	stream_clear(&large, &budget);
	assert_int_equal(budget.used, 0);
}

/* When all streams together hold as much as they may, a stream with nothing waiting gives its gap up at once. */
static void test_budget(void **state)
{
	struct capture_budget budget = {.used = 1000, .max = 1000};
	struct stream s = {0};
	char got[256] = "";
	struct stream_sink sink = {collect, got};

	(void)state;
	stream_start(&s, &budget, 0);
	stream_segment(&s, &budget, 10, (const uint8_t *)"abc", 3, &sink);
	stream_segment(&s, &budget, 13, (const uint8_t *)"d", 1, &sink);
	assert_string_equal(got, "(10)abcd");
	assert_int_equal(budget.used, 1000);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 8;
}

struct replay {
	const uint8_t *want;
	size_t len;
};

static void compare(void *ctx, const uint8_t *bytes, size_t n, uint32_t lost)
{
	struct replay *r = ctx;

	assert_int_equal(lost, 0);
	assert_memory_equal(bytes, r->want + r->len, n);
	r->len += n;
}

/* Any order and any overlap of true copies gives the stream back. */
static void test_shuffled(void **state)
{
	static uint8_t text[4096];
	struct capture_budget budget = {.max = 1 << 20};

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 31 + (i >> 8));
	for (uint32_t seed = 1; seed <= 200; seed++) {
		struct stream s = {0};
		struct replay r = {.want = text};
		struct stream_sink sink = {compare, &r};
		uint32_t random = seed, first = next_random(&random) << 8;

		stream_start(&s, &budget, first);
		for (unsigned int i = 0; i < 400; i++) {
			uint32_t at = next_random(&random) % sizeof(text), n = next_random(&random) % 200;

			n = at + n > sizeof(text) ? (uint32_t)sizeof(text) - at : n;
			stream_segment(&s, &budget, first + at, text + at, n, &sink);
		}
		stream_segment(&s, &budget, first, text, sizeof(text), &sink);
		assert_int_equal(r.len, sizeof(text));
		assert_null(s.waiting);
	}
	assert_int_equal(budget.used, 0);
}

int main(void)
{
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	struct CMUnitTest tests[ROWS + 3] = {
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_shuffled),
	};

	for (size_t i = 0; i < ROWS; i++)
		tests[i + 3] = (struct CMUnitTest){
			.name = rows[i].name, .test_func = test_row, .initial_state = (void *)(uintptr_t)&rows[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
