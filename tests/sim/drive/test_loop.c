/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop by itself: deadlines, descriptors, interrupts and the ends of children. */
#include "drive_int.h"
#include "sockaddr.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_NS (20 * NS_PER_S)

static int setup(void **state)
{
	struct errmsg err;
	struct drive *d;

	if (drive_new(&d, &err) < 0)
		return -1;
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	drive_free(*state);
	return 0;
}

static struct instant in_ns(struct drive *d, int64_t ns)
{
	return instant_add(drive_now(d), ns);
}

/* ---- Deadlines ---- */

static void test_deadline(void **state)
{
	struct drive *d = *state;
	struct instant until = in_ns(d, 3 * NS_PER_MS);

	assert_true(drive_wait(d, until));
	assert_false(instant_before(drive_now(d), until));
	/* One that is past is no reason to wait. */
	assert_true(drive_wait(d, until));
	assert_true(drive_wait(d, (struct instant){0}));
	assert_false(drive_interrupted(d));
}

static void test_until(void **state)
{
	struct drive *d = *state;
	struct instant now = drive_now(d);
	struct timeval tv = drive_until(d, now);

	assert_int_equal(tv.tv_sec, 0);
	assert_int_equal(tv.tv_usec, 0);
	/* Never early: what is left of a microsecond counts as one. */
	now = drive_now(d);
	tv = drive_until(d, instant_add(now, 5 * NS_PER_S));
	assert_true(tv.tv_sec <= 5 && tv.tv_usec >= 0 && tv.tv_usec < 1000000);
	assert_true(instant_since(drive_now(d), now) + tv.tv_sec * NS_PER_S + tv.tv_usec * NS_PER_US >= 5 * NS_PER_S);
	tv = drive_until(d, INSTANT_NEVER);
	assert_true(tv.tv_sec > 3600);
}

/* ---- Descriptors ---- */

struct reader {
	struct drive *drive;
	struct drive_watch *watch;
	int fd;
	unsigned int calls;
	bool once; /* it takes its own watch away */
};

static void on_pipe(void *ctx, int fd)
{
	struct reader *r = ctx;
	char byte;

	assert_int_equal(fd, r->fd);
	assert_int_equal(read(fd, &byte, 1), 1);
	r->calls++;
	if (r->once) {
		drive_unwatch(r->watch);
		r->watch = NULL;
	}
}

static void test_watch(void **state)
{
	struct drive *d = *state;
	struct reader a = {.drive = d}, b = {.drive = d, .once = true};
	int pipe_a[2], pipe_b[2];

	assert_int_equal(pipe(pipe_a), 0);
	assert_int_equal(pipe(pipe_b), 0);
	a.fd = pipe_a[0];
	b.fd = pipe_b[0];
	a.watch = drive_watch(d, a.fd, on_pipe, &a);
	b.watch = drive_watch(d, b.fd, on_pipe, &b);
	assert_int_equal(write(pipe_a[1], "12", 2), 2);
	assert_int_equal(write(pipe_b[1], "12", 2), 2);
	while ((a.calls < 2 || b.calls < 1) && drive_wait(d, in_ns(d, DEADLINE_NS)))
		;
	/* b's second byte is still there, but nobody watches. */
	assert_true(drive_wait(d, in_ns(d, NS_PER_MS)));
	assert_int_equal(a.calls, 2);
	assert_int_equal(b.calls, 1);
	assert_null(b.watch);
	drive_unwatch(a.watch);
	drive_unwatch(NULL);
	for (int i = 0; i < 2; i++) {
		close(pipe_a[i]);
		close(pipe_b[i]);
	}
}

/* ---- Interrupts ---- */

static void test_interrupt(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct errmsg err;
		struct drive *d;

		assert_int_equal(drive_new(&d, &err), 0);
		assert_int_equal(raise(signals[i]), 0);
		assert_false(drive_wait(d, in_ns(d, DEADLINE_NS)));
		assert_true(drive_interrupted(d));
		/* From here on nothing waits any more. */
		assert_false(drive_wait(d, INSTANT_NEVER));
		drive_free(d);
	}
}

/* ---- Children ---- */

struct ends {
	unsigned int count;
	pid_t pid;
	int status;
	struct drive *drive;
	pid_t also_forget;
};

static void on_end(void *ctx, pid_t pid, int status)
{
	struct ends *e = ctx;

	e->count++;
	e->pid = pid;
	e->status = status;
	if (e->also_forget > 0)
		drive_child_forget(e->drive, e->also_forget);
}

/* A child that ends when child_release says so; by a signal if asked. */
static pid_t child(int *ret_hold, int status, int by_signal)
{
	int hold[2];
	pid_t pid;

	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		char byte;

		close(hold[1]);
		(void)!read(hold[0], &byte, 1);
		if (by_signal != 0) {
			signal(by_signal, SIG_DFL);
			kill(getpid(), by_signal);
		}
		_exit(status);
	}
	assert_true(pid > 0);
	close(hold[0]);
	*ret_hold = hold[1];
	return pid;
}

/* By a byte, since closing would not do: children made later have the descriptor too. */
static void child_release(int hold)
{
	assert_int_equal(write(hold, "x", 1), 1);
	close(hold);
}

static void await(struct drive *d, const struct ends *e, unsigned int count)
{
	struct instant deadline = in_ns(d, DEADLINE_NS);

	while (e->count < count && instant_before(drive_now(d), deadline) && drive_wait(d, deadline))
		;
	assert_int_equal(e->count, count);
}

static void test_child(void **state)
{
	struct drive *d = *state;
	struct ends e = {0};
	int hold;
	pid_t pid = child(&hold, 7, 0);

	drive_child(d, pid, on_end, &e);
	child_release(hold);
	await(d, &e, 1);
	assert_int_equal(e.pid, pid);
	assert_true(WIFEXITED(e.status));
	assert_int_equal(WEXITSTATUS(e.status), 7);
	/* It is reaped, and not told again when the next one ends. */
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	pid = child(&hold, 0, SIGKILL);
	drive_child(d, pid, on_end, &e);
	child_release(hold);
	await(d, &e, 2);
	assert_int_equal(e.pid, pid);
	assert_true(WIFSIGNALED(e.status));
	assert_int_equal(WTERMSIG(e.status), SIGKILL);
}

/* Many ends may come as one signal; none may be lost, and those of strangers and of the forgotten are reaped too. */
static void test_children(void **state)
{
	enum { MANY = 20, FORGOTTEN = 3, STRANGER = 5 };
	struct drive *d = *state;
	struct ends e[MANY] = {0}, last = {0};
	int holds[MANY], hold;
	pid_t pids[MANY];

	for (int i = 0; i < MANY; i++) {
		pids[i] = child(&holds[i], i, 0);
		if (i != STRANGER)
			drive_child(d, pids[i], on_end, &e[i]);
	}
	drive_child_forget(d, pids[FORGOTTEN]);
	drive_child_forget(d, pids[FORGOTTEN]);
	for (int i = 0; i < MANY; i++)
		child_release(holds[i]);
	for (int i = 0; i < MANY; i++) {
		if (i == FORGOTTEN || i == STRANGER)
			continue;
		await(d, &e[i], 1);
		assert_int_equal(e[i].pid, pids[i]);
		assert_int_equal(WEXITSTATUS(e[i].status), i);
	}
	drive_child(d, child(&hold, 0, 0), on_end, &last);
	child_release(hold);
	await(d, &last, 1);
	assert_int_equal(e[FORGOTTEN].count, 0);
	while (waitpid(-1, NULL, WNOHANG) == 0) /* what still ends is a zombie of ours */
		assert_true(drive_wait(d, in_ns(d, DEADLINE_NS)));
	assert_int_equal(errno, ECHILD);
}

/* Who is told of one end may forget another. */
static void test_forget_within(void **state)
{
	struct drive *d = *state;
	struct ends first = {.drive = d}, second = {0};
	int hold_first, hold_second;
	pid_t pid = child(&hold_first, 0, 0), other = child(&hold_second, 0, 0);

	drive_child(d, pid, on_end, &first);
	drive_child(d, other, on_end, &second);
	first.also_forget = other;
	child_release(hold_first);
	await(d, &first, 1);
	child_release(hold_second);
	while (waitpid(other, NULL, WNOHANG) == 0)
		assert_true(drive_wait(d, in_ns(d, DEADLINE_NS)));
	assert_int_equal(second.count, 0);
}

/* ---- Socket addresses ---- */

static void test_sockaddr(void **state)
{
	static const char *const texts[] = {"10.0.0.1", "255.255.255.255", "::1", "2001:db8::51"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sockaddr_storage ss;
		struct addr a, back;

		assert_int_equal(addr_parse(texts[i], &a), 0);
		(void)sockaddr_make(&a, 179, &ss);
		/* Both families have the port behind the family, in network order. */
		assert_memory_equal((const uint8_t *)&ss + 2, "\x00\xb3", 2);
		back = sockaddr_addr(&ss);
		assert_string_equal(addr_text(&back).s, texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(test_until, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test_setup_teardown(test_child, setup, teardown),
		cmocka_unit_test_setup_teardown(test_children, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forget_within, setup, teardown),
		cmocka_unit_test(test_sockaddr),
	};

	return cmocka_run_group_tests_name("drive: loop", tests, NULL, NULL);
}
