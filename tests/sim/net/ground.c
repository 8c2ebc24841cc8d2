/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ground.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

bool ground_become_nobody(void)
{
	return setresgid(GROUND_NOBODY, GROUND_NOBODY, GROUND_NOBODY) == 0 &&
	       setresuid(GROUND_NOBODY, GROUND_NOBODY, GROUND_NOBODY) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
}

static int run(const struct ground_row *row)
{
	struct errmsg err = {0};
	int status = -1;

	if (row->nobody && !ground_become_nobody())
		return GROUND_SKIPPED;
	if (net_sandbox_run(row->body, NULL, NULL, &status, &err) == 0)
		return status;
	fprintf(stderr, "%s\n", err.text);
	return err.code == -EPERM ? GROUND_SKIPPED : 1;
}

void ground_test(void **state)
{
	const struct ground_row *row = *state;
	int status = -1;
	pid_t pid;

	if (row->nobody && getuid() != 0)
		skip(); /* the other row is that of an ordinary user */
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(run(row));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == GROUND_SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

void ground_must(bool good, const char *fmt, ...)
{
	va_list args;

	if (good)
		return;
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	_exit(1);
}

void ground_skip(const char *why)
{
	fprintf(stderr, "skipped: %s\n", why);
	_exit(GROUND_SKIPPED);
}

void ground_ok(int result, const struct errmsg *err)
{
	ground_must(result >= 0, "%s", err->text);
}

struct net_ns *ground_ns(const char *name)
{
	struct errmsg err = {0};
	struct net_ns *ns = NULL;

	ground_ok(net_ns_new(name, &ns, &err), &err);
	return ns;
}

struct addr ground_addr(const char *text)
{
	struct addr a;

	ground_must(addr_parse(text, &a) == 0, "address %s", text);
	return a;
}

struct prefix ground_prefix(const char *text)
{
	struct prefix p;

	ground_must(prefix_parse(text, &p) == 0, "prefix %s", text);
	return p;
}

static void side(struct net_ns *ns, const char *v4, const char *v6)
{
	const struct addr a4 = ground_addr(v4), a6 = ground_addr(v6);
	struct errmsg err = {0};

	net_link_up(ns, "v0");
	net_address_add(ns, "v0", &a4, 24);
	net_address_add(ns, "v0", &a6, 64);
	ground_ok(net_flush(ns, &err), &err);
}

void ground_pair(struct net_ns **ret_a, struct net_ns **ret_b)
{
	struct errmsg err = {0};

	*ret_a = ground_ns("left");
	*ret_b = ground_ns("right");
	ground_ok(net_veth(*ret_a, "v0", *ret_b, "v0", 0x10, &err), &err);
	side(*ret_a, "10.9.0.1", "fd09::1");
	side(*ret_b, "10.9.0.2", "fd09::2");
	ground_ok(net_links_ready(*ret_a, &err), &err);
	ground_ok(net_links_ready(*ret_b, &err), &err);
}

int ground_ask(struct net_ns *ns, const char *words, char *ret, size_t room)
{
	char copy[512], *argv[40] = {0}, *rest = copy;
	int ends[2], status = -1;
	struct errmsg err = {0};
	size_t len = 0, n = 0;
	ssize_t got;
	pid_t pid;

	snprintf(copy, sizeof(copy), "%s", words);
	while (n < 39 && (argv[n] = strsep(&rest, " ")) != NULL)
		n++;
	ground_must(pipe2(ends, O_CLOEXEC) == 0, "pipe");
	pid = net_spawn(ns, &(struct net_spawn){.argv = (const char *const *)argv, .output = ends[1], .input = -1},
			&err);
	close(ends[1]);
	if (pid == -ENOENT)
		ground_skip(err.text);
	ground_ok(pid, &err);
	while (len + 1 < room && (got = read(ends[0], ret + len, room - 1 - len)) > 0)
		len += (size_t)got;
	ret[len] = '\0';
	close(ends[0]);
	ground_must(waitpid(pid, &status, 0) == pid && WIFEXITED(status), "%s did not end well", words);
	return WEXITSTATUS(status);
}
