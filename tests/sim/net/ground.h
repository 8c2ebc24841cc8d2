/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of sim/net stand on: a body in a sandbox, as whoever runs the tests and as an ordinary user. */
#ifndef ECMPLAB_NET_GROUND_H
#define ECMPLAB_NET_GROUND_H

#include "net.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define GROUND_SKIPPED 77
#define GROUND_NOBODY 65534
#define GROUND_DEADLINE_MS 10000

/* A test: a body that runs in a sandbox, and the user who starts it. */
struct ground_row {
	int (*body)(void *arg);
	bool nobody;
};

/* One body is two tests: as the caller, and as a user without any rights. */
#define GROUND_ROWS(body)                                                                                              \
	{#body, ground_test, NULL, NULL, &(struct ground_row){body, false}},                                           \
	{                                                                                                              \
#body " (nobody)", ground_test, NULL, NULL, &(struct ground_row)                                       \
		{                                                                                                      \
			body, true                                                                                     \
		}                                                                                                      \
	}

/* A cmocka test whose state is a struct ground_row. */
void ground_test(void **state);

/* In a body: what must hold, or the whole sandbox ends and the test fails with these words. */
void ground_must(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* In a body: ends the sandbox; the test counts as skipped. */
void ground_skip(const char *why) __attribute__((noreturn));
/* In a body: a call that must succeed. */
void ground_ok(int result, const struct errmsg *err);

struct net_ns *ground_ns(const char *name);
struct addr ground_addr(const char *text);
struct prefix ground_prefix(const char *text);
/* Two namespaces with a veth v0 between them, 10.9.0.1/24 and 10.9.0.2/24, fd09::1/64 and fd09::2/64, both up. */
void ground_pair(struct net_ns **ret_a, struct net_ns **ret_b);
/* Runs words separated by blanks in the namespace, keeps what it prints. Returns its exit status; skips the test where
 * there is no such program. */
int ground_ask(struct net_ns *ns, const char *words, char *ret, size_t room);
/* Becomes an ordinary user for good, who may map ids (a process whose owner changes is not its own file's owner). */
bool ground_become_nobody(void);

#endif
