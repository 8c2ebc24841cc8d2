/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict.json and timeline.jsonl, read back by jansson and by the reader of our own. */
#include "sample.h"
#include "support.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *parsed(const char *text)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (root == NULL)
		fail_msg("line %d: %s in\n%s", error.line, error.text, text);
	return root;
}

static void assert_text(const json_t *object, const char *key, const char *want)
{
	const char *got = json_string_value(json_object_get(object, key));

	if (got == NULL || strcmp(got, want) != 0)
		fail_msg("%s is \"%s\", not \"%s\"", key, got != NULL ? got : "(none)", want);
}

static void assert_integer(const json_t *object, const char *key, json_int_t want)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) != want)
		fail_msg("%s is not %" JSON_INTEGER_FORMAT, key, want);
}

static void test_json_keys(void **state)
{
	/* As promised to users; a key that goes or is renamed breaks their scripts. */
	static const char *const keys[] = {"schema", "scenario", "verdict",  "exit",	"expectations",
					   "seed",   "kernel",	 "router",   "started", "wall_s",
					   "phases", "captures", "reproduce"};
	static const char *const inner[] = {"text", "line", "verdict", "seen", "why", "frames", "elapsed_ns"};
	struct sample s;
	char *text;
	json_t *root, *failed, *frame;

	(void)state;
	sample_init(&s);
	text = sample_page(&s, REPORT_JSON, NULL);
	root = parsed(text);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_non_null(json_object_get(root, keys[i]));
	assert_integer(root, "schema", 1);
	assert_text(root, "scenario", "article-l4");
	assert_text(root, "verdict", "fail");
	assert_integer(root, "exit", 1);
	assert_integer(root, "seed", 42);
	assert_text(root, "started", "2025-11-23T01:52:13.123456789Z");
	assert_true(json_real_value(json_object_get(root, "wall_s")) == 1.094);
	assert_text(json_object_get(root, "router"), "daemon", "bird1");
	assert_text(json_object_get(root, "router"), "version", "BIRD 1.6.8");
	assert_int_equal(json_array_size(json_object_get(root, "expectations")), 6);
	failed = json_array_get(json_object_get(root, "expectations"), 5);
	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++)
		assert_non_null(json_object_get(failed, inner[i]));
	assert_integer(failed, "line", 15);
	assert_text(failed, "verdict", "fail");
	assert_integer(failed, "elapsed_ns", NS_PER_S);
	frame = json_array_get(json_object_get(failed, "frames"), 2);
	assert_text(frame, "file", "router-cluster.pcap");
	assert_integer(frame, "frame", 31);
	json_decref(root);
	free(text);
	sample_fini(&s);
}

static void test_json_spread(void **state)
{
	struct sample s;
	char *text;
	json_t *root, *spread, *share;

	(void)state;
	sample_init(&s);
	text = sample_page(&s, REPORT_JSON, NULL);
	root = parsed(text);
	spread = json_array_get(json_object_get(root, "expectations"), 4);
	assert_text(spread, "verdict", "inconclusive");
	assert_integer(spread, "flows_needed", 1480);
	share = json_array_get(json_object_get(spread, "shares"), 1);
	assert_text(share, "worker", "worker2");
	assert_integer(share, "count", 4);
	assert_true(json_is_true(json_object_get(json_object_get(spread, "chi_square"), "exact")));
	json_decref(root);
	free(text);
	sample_fini(&s);
}

/* When a link lost frames, and that it may not have ended. */
static void test_json_losses(void **state)
{
	static const struct capture_loss lost[] = {{.frames = 12, .after = 101, .before = 140},
						   {.frames = 3, .after = 150}};
	static const struct report_capture capture = {
		.file = "worker1.pcap", .frames = 150, .dropped = 15, .lost = lost, .lost_count = 2};
	struct sample s;
	char *text;
	json_t *root, *told;

	(void)state;
	sample_init(&s);
	s.result.captures = &capture;
	s.result.capture_count = 1;
	text = sample_page(&s, REPORT_JSON, NULL);
	root = parsed(text);
	told = json_object_get(json_array_get(json_object_get(root, "captures"), 0), "lost");
	assert_int_equal(json_array_size(told), 2);
	assert_integer(json_array_get(told, 0), "frames", 12);
	assert_integer(json_array_get(told, 0), "after_frame", 101);
	assert_integer(json_array_get(told, 0), "before_frame", 140);
	assert_integer(json_array_get(told, 1), "after_frame", 150);
	assert_null(json_object_get(json_array_get(told, 1), "before_frame"));
	json_decref(root);
	free(text);
	sample_fini(&s);
}

/* JSON has no word for what is no number; the page has to live with it, too. */
static void test_json_no_number(void **state)
{
	struct sample s;
	struct judge_share share = {"worker1", 3, NAN};
	struct judge_finding f = {.shares = &share, .share_count = 1, .chi = {NAN, INFINITY, 1, false}};
	char *text;
	json_t *root, *spread;

	(void)state;
	sample_init(&s);
	s.steps[0].finding = &f;
	text = sample_page(&s, REPORT_JSON, NULL);
	root = parsed(text);
	spread = json_array_get(json_object_get(root, "expectations"), 0);
	assert_true(json_is_null(json_object_get(json_object_get(spread, "chi_square"), "p")));
	json_decref(root);
	free(text);
	text = sample_page(&s, REPORT_TERMINAL, NULL);
	assert_non_null(strstr(text, "worker1"));
	free(text);
	sample_fini(&s);
}

static void test_json_seeds(void **state)
{
	struct sample s;

	(void)state;
	for (int i = 0; i < 2; i++) {
		char *text;
		json_t *root;

		sample_init(&s);
		s.lab.seed = i == 0 ? INT64_MAX : UINT64_MAX;
		text = sample_page(&s, REPORT_JSON, NULL);
		root = parsed(text);
		if (i == 0)
			assert_integer(root, "seed", INT64_MAX);
		else
			assert_text(root, "seed", "18446744073709551615");
		json_decref(root);
		free(text);
		sample_fini(&s);
	}
}

static void test_json_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLE_HOSTILE + 100; i++) {
		struct sample s;
		char *text, random[64];
		json_t *root;

		sample_init(&s);
		sample_random(random, i);
		sample_hostile(&s, i < SAMPLE_HOSTILE ? sample_texts[i] : random);
		s.result.wall_ns = INT64_MAX;
		text = sample_page(&s, REPORT_JSON, NULL);
		root = parsed(text);
		assert_true(json_is_string(json_object_get(root, "scenario")));
		json_decref(root);
		free(text);
		sample_fini(&s);
	}
}

/* Overlong forms, a surrogate and stray bytes; as many replacements as Python's decode("utf-8", "replace") gives. */
static void test_json_no_utf8(void **state)
{
	static const char *const want = "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
					"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz";
	struct sample s;
	char *text;
	json_t *root;

	(void)state;
	sample_init(&s);
	s.lab.scenario = "a\xff\xfe\xc0\x80\xed\xa0\x80\xf8\xe0z";
	text = sample_page(&s, REPORT_JSON, NULL);
	root = parsed(text);
	assert_text(root, "scenario", want);
	json_decref(root);
	free(text);
	sample_fini(&s);
}

/* What was written is read back as the same records. */
static void test_case_read(void **state)
{
	struct sample s;
	struct arena arena = {0};
	struct report_case c;
	struct errmsg err;
	char path[40], *text;
	int fd;

	(void)state;
	sample_init(&s);
	text = sample_page(&s, REPORT_JSON, NULL);
	fd = sample_file(path, text);
	assert_int_equal(report_case_read(path, &arena, &c, &err), 0);
	close(fd);
	assert_string_equal(c.lab.scenario, s.lab.scenario);
	assert_string_equal(c.lab.router.version, s.lab.router.version);
	assert_true(addr_equal(&c.lab.router.cluster, &s.lab.router.cluster));
	assert_int_equal(c.lab.started.ns, s.lab.started.ns);
	assert_int_equal(c.lab.seed, 42);
	assert_int_equal(c.lab.expectations, 6);
	assert_int_equal(c.result.verdict, REPORT_FAILED);
	assert_int_equal(c.result.wall_ns, s.result.wall_ns);
	assert_string_equal(c.result.reproduce, s.result.reproduce);
	assert_int_equal(c.result.fib->replaced, s.result.fib->replaced);
	assert_int_equal(c.result.fib->hole_longest_ns, s.result.fib->hole_longest_ns);
	assert_true(prefix_equal(&c.result.fib->hole_prefix, &s.result.fib->hole_prefix));
	assert_string_equal(c.result.fib->order, "descending");
	assert_int_equal(c.step_count, SAMPLE_STEPS);
	for (size_t i = 0; i < SAMPLE_STEPS; i++) {
		assert_string_equal(c.steps[i].text, s.steps[i].text);
		assert_int_equal(c.steps[i].line, s.steps[i].line);
		assert_int_equal(c.steps[i].verdict, s.steps[i].verdict);
		assert_int_equal(c.steps[i].elapsed_ns, s.steps[i].elapsed_ns);
		assert_int_equal(c.steps[i].finding != NULL, s.steps[i].finding != NULL);
	}
	assert_int_equal(c.steps[7].finding->frame_count, 3);
	assert_string_equal(c.steps[7].finding->frames[2].file, "router-cluster.pcap");
	assert_int_equal(c.steps[6].finding->shares[0].count, 8);
	arena_clear(&arena);
	free(text);
	sample_fini(&s);
}

static void test_case_read_bad(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{"", -EINVAL},
		{"{\"schema\": 1", -EINVAL},
		{"[]", -EINVAL},
		{"{\"schema\": 2}", -EINVAL},
		{"{\"schema\": \"1\"}", -EINVAL},
		{"{\"schema\": 1}", 0},
		{"{\"schema\": 1, \"verdict\": \"fine\", \"steps\": 7, \"expectations\": {}, \"wall_s\": -1}", 0},
		{"{\"schema\": 1, \"steps\": [3, {\"expectation\": -1}, {\"expectation\": 99, \"line\": -5}]}", 0},
		{"{\"schema\": 1, \"steps\": [{\"expectation\": 0}], \"expectations\": [{\"frames\": 1, \"shares\": "
		 "{}}]}",
		 0},
		{"{\"schema\": 1, \"started\": \"x\", \"wall_s\": 1e300, \"seed\": \"no\", \"router\": [1]}", 0},
		{"{\"schema\": 1, \"seed\": 99999999999999999999}", -EINVAL},
	};
	struct arena arena = {0};
	struct report_case c;
	struct errmsg err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[40];
		int fd = sample_file(path, rows[i].text);

		assert_int_equal(report_case_read(path, &arena, &c, &err), rows[i].want);
		if (rows[i].want == 0)
			assert_int_equal(c.result.verdict, REPORT_BROKEN); /* an unknown word never passes */
		close(fd);
	}
	assert_int_equal(report_case_read("/nonexistent/verdict.json", &arena, &c, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/verdict.json"));
	arena_clear(&arena);
}

static void test_timeline(void **state)
{
	char *text = NULL, *second;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct report_timeline *t = report_timeline_new(out, (struct instant){1000});
	json_t *line;

	(void)state;
	report_timeline_write(t, &(struct report_event){.time = {1500},
							.kind = "route",
							.node = "worker1",
							.text = "announces\n\xff",
							.file = "worker1.pcap",
							.frame = 12});
	report_timeline_write(t, &(struct report_event){.time = {900}, .kind = "step", .text = "x"});
	assert_int_equal(report_timeline_flush(t), 0);
	assert_int_equal(report_timeline_end(t), 0);
	fclose(out);
	second = strchr(text, '\n') + 1;
	assert_string_equal(second,
			    "{\"t_ns\":900,\"since_start_ns\":-100,\"kind\":\"step\",\"node\":null,\"text\":\"x\"}\n");
	second[-1] = '\0';
	line = parsed(text);
	assert_integer(line, "t_ns", 1500);
	assert_integer(line, "since_start_ns", 500);
	assert_text(line, "kind", "route");
	assert_text(line, "node", "worker1");
	assert_text(line, "text", "announces\n\xef\xbf\xbd");
	assert_text(line, "file", "worker1.pcap");
	assert_integer(line, "frame", 12);
	json_decref(line);
	free(text);
	assert_int_equal(report_timeline_end(NULL), 0);
}

static void test_timeline_full(void **state)
{
	FILE *out = fopen("/dev/full", "w");
	struct report_timeline *t;

	(void)state;
	if (out == NULL)
		skip();
	t = report_timeline_new(out, (struct instant){0});
	for (int i = 0; i < 2000; i++)
		report_timeline_write(t,
				      &(struct report_event){.kind = "note", .text = "a line that fills the buffer"});
	assert_int_equal(report_timeline_flush(t), -ENOSPC);
	assert_int_equal(report_timeline_end(t), -ENOSPC);
	fclose(out);
}

static void test_full_disk(void **state)
{
	FILE *out = fopen("/dev/full", "w");
	struct report *r = report_new();
	struct sample s;

	(void)state;
	if (out == NULL)
		skip();
	sample_init(&s);
	report_add(r, REPORT_JSON, out, NULL);
	assert_int_equal(sample_tell(&s, r), -ENOSPC);
	report_free(r);
	sample_fini(&s);
	fclose(out);
}

static void test_broken_pipe(void **state)
{
	struct sample s;
	struct report *r = report_new();
	int ends[2];
	FILE *out;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	out = fdopen(ends[1], "w");
	sample_init(&s);
	report_add(r, REPORT_JSON, out, NULL);
	assert_int_equal(sample_tell(&s, r), -EPIPE);
	report_free(r);
	sample_fini(&s);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_keys),      cmocka_unit_test(test_json_spread),
		cmocka_unit_test(test_json_seeds),     cmocka_unit_test(test_json_hostile),
		cmocka_unit_test(test_json_no_utf8),   cmocka_unit_test(test_json_losses),
		cmocka_unit_test(test_json_no_number), cmocka_unit_test(test_case_read),
		cmocka_unit_test(test_case_read_bad),  cmocka_unit_test(test_timeline),
		cmocka_unit_test(test_timeline_full),  cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_broken_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
