/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A capture file from anywhere, read, and judged. */
#include "fuzz.h"

#include "capture.h"
#include "judge.h"

static void on_event(void *ctx, const struct capture_event *event)
{
	judge_packet(ctx, event);
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
	struct judge_expect expect = {
		.kind = JUDGE_SESSIONS, .workers = &named, .since = {0}, .deadline = {INT64_MAX / 2}};

	(void)capture_read(capture, fuzz_file_open(bytes, n), 0, &err);
	for (int kind = JUDGE_SESSIONS; kind <= JUDGE_NEXT_HOPS; kind++) {
		expect.kind = (enum judge_kind)kind;
		FUZZ_MUST(judge_evaluate(judge, &expect, expect.deadline, &arena).verdict != JUDGE_PENDING);
	}
	fuzz_file_close();
	arena_clear(&arena);
	capture_free(capture);
	judge_free(judge);
	return 0;
}
