/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conversations of a capture: rows made by hand; test_tuples.py compares whole captures with tshark. */
#include "capture.h"
#include "frames.h"
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct file {
	char path[64];
	FILE *f;
};

static struct file file_new(void)
{
	static const uint32_t head[] = {0xa1b2c3d4, 4U << 16 | 2U, 0, 0, 65535, 1};
	struct file ret = {.path = "/tmp/ecmplab-tuples-XXXXXX"};
	int fd = mkstemp(ret.path);

	assert_true(fd >= 0);
	ret.f = fdopen(fd, "we");
	assert_int_equal(fwrite(head, sizeof(head), 1, ret.f), 1);
	return ret;
}

static void put(struct file *file, const struct frame_spec *spec)
{
	static uint8_t bytes[FRAME_MAX];
	uint32_t n = (uint32_t)frame_ethernet(spec, bytes), record[] = {1, 0, n, n};

	assert_int_equal(fwrite(record, sizeof(record), 1, file->f), 1);
	assert_int_equal(fwrite(bytes, n, 1, file->f), 1);
}

static size_t read_back(struct file *file, size_t max, struct capture_tuple **ret)
{
	struct errmsg err = {0};
	size_t n;
	int result;

	fclose(file->f);
	result = capture_tuples_read(file->path, max, ret, &n, &err);
	unlink(file->path);
	assert_int_equal(result, 0);
	return n;
}

static void each_conversation_is_one(void **state)
{
	struct frame_spec there = {.src = "10.0.0.1",
				   .dst = "10.0.0.2",
				   .src_port = 5000,
				   .dst_port = 80,
				   .protocol = 6,
				   .flags = TCP_SYN};
	struct frame_spec back = {.src = "10.0.0.2",
				  .dst = "10.0.0.1",
				  .src_port = 80,
				  .dst_port = 5000,
				  .protocol = 6,
				  .flags = TCP_ACK};
	struct frame_spec other = there, datagram = there;
	struct file file = file_new();
	struct capture_tuple *tuples;

	(void)state;
	other.src_port = 5001;
	datagram.protocol = 17;
	put(&file, &there);
	put(&file, &back);
	put(&file, &there);
	put(&file, &datagram);
	put(&file, &other);
	assert_int_equal(read_back(&file, 3, &tuples), 3);
	assert_int_equal(tuples[0].src_port, 5000);
	assert_int_equal(tuples[0].dst_port, 80);
	assert_int_equal(tuples[0].protocol, 6);
	assert_int_equal(tuples[1].protocol, 17);
	assert_int_equal(tuples[2].src_port, 5001);
	free(tuples);
}

static void later_fragments_are_none(void **state)
{
	struct frame_spec f = {.src = "10.0.0.1", .dst = "10.0.0.2", .protocol = 17, .fragment = 5};
	struct file file = file_new();
	struct capture_tuple *tuples;

	(void)state;
	put(&file, &f);
	assert_int_equal(read_back(&file, 3, &tuples), 0);
	free(tuples);
}

/* More than the table begins with, and one too many. */
static void many_are_found_again(void **state)
{
	struct frame_spec f = {.src = "10.0.0.1", .dst = "10.0.0.2", .dst_port = 80, .protocol = 17};
	struct file file = file_new();
	struct capture_tuple *tuples;
	struct errmsg err = {0};
	size_t n;

	(void)state;
	for (uint32_t i = 0; i < 6000; i++) {
		f.src_port = (uint16_t)(1 + i % 3000);
		put(&file, &f);
	}
	assert_int_equal(fflush(file.f), 0);
	assert_int_equal(capture_tuples_read(file.path, 2999, &tuples, &n, &err), -ERANGE);
	assert_null(tuples);
	assert_int_equal(read_back(&file, 3000, &tuples), 3000);
	for (uint32_t i = 0; i < 3000; i++)
		assert_int_equal(tuples[i].src_port, 1 + i);
	free(tuples);
}

static void what_is_no_capture_is_refused(void **state)
{
	struct capture_tuple *tuples;
	struct errmsg err = {0};
	size_t n;

	(void)state;
	assert_int_equal(capture_tuples_read("/dev/null", 3, &tuples, &n, &err), -EBADMSG);
	assert_null(tuples);
	assert_int_equal(capture_tuples_read("/nonexistent", 3, &tuples, &n, &err), -EBADMSG);
}

/* With a file: prints its conversations, one a line, for test_tuples.py. */
static int print_tuples(const char *path)
{
	struct capture_tuple *tuples;
	struct errmsg err = {0};
	size_t n;

	if (capture_tuples_read(path, 1000000, &tuples, &n, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < n; i++)
		printf("%s %s %u %u %u\n", addr_text(&tuples[i].src).s, addr_text(&tuples[i].dst).s, tuples[i].protocol,
		       tuples[i].src_port, tuples[i].dst_port);
	free(tuples);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_conversation_is_one),
		cmocka_unit_test(later_fragments_are_none),
		cmocka_unit_test(many_are_found_again),
		cmocka_unit_test(what_is_no_capture_is_refused),
	};

	if (argc == 2)
		return print_tuples(argv[1]);
	return cmocka_run_group_tests_name("capture: tuples", tests, NULL, NULL);
}
