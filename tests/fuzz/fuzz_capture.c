/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A capture file from anywhere, read, judged, and asked which conversations it has. */
#include "fuzz.h"

#include "capture.h"
#include "judge.h"

#include <stdlib.h>

static void on_event(void *ctx, const struct capture_event *event)
{
	judge_packet(ctx, event);
}

#define TUPLES_MAX 300U

static void tuples_look(const char *path)
{
	struct capture_tuple *tuples;
	struct errmsg err = {0};
	size_t n;

	if (capture_tuples_read(path, TUPLES_MAX, &tuples, &n, &err) < 0) {
		FUZZ_MUST(tuples == NULL && err.text[0] != '\0');
		return;
	}
	FUZZ_MUST(n <= TUPLES_MAX);
	for (size_t i = 0; i < n; i++)
		FUZZ_MUST(tuples[i].src.family == tuples[i].dst.family && tuples[i].flow_label <= 0xfffff);
	free(tuples);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct judge_worker worker = {
		.name = "worker1", .address = {.family = ADDR_V4, .b = {10, 0, 0, 51}}, .link = 0};
	static const char *const files[] = {"worker1.pcap"};
	struct judge_lab lab = {.router = {.family = ADDR_V4, .b = {10, 0, 0, 1}},
				.workers = &worker,
				.worker_count = 1,
				.link_files = files,
				.link_count = 1,
				.hash_sysctl = ""};
	struct judge *judge = judge_new(&lab);
	struct capture *capture = capture_new(on_event, judge);
	struct arena arena = {0};
	struct errmsg err;
	bool named = true;
	const char *path = fuzz_file_open(bytes, n);
	struct judge_expect expect = {
		.kind = JUDGE_SESSIONS, .workers = &named, .since = {0}, .deadline = {INT64_MAX / 2}};

	(void)capture_read(capture, path, 0, &err);
	for (int kind = JUDGE_SESSIONS; kind <= JUDGE_NEXT_HOPS; kind++) {
		expect.kind = (enum judge_kind)kind;
		FUZZ_MUST(judge_evaluate(judge, &expect, expect.deadline, &arena).verdict != JUDGE_PENDING);
	}
	tuples_look(path);
	fuzz_file_close();
	arena_clear(&arena);
	capture_free(capture);
	judge_free(judge);
	return 0;
}
