/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules as libnftables takes them from us, against what nft(8) then lists; with few and with very many open descriptors. */
#include "arena.h"
#include "ground.h"
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A set of so many addresses. */
static int elements_write(char *ret, unsigned int n)
{
	int len = snprintf(ret, 200, "table ip t { set s { type ipv4_addr; elements = { 10.1.0.0");

	for (unsigned int i = 1; i < n; i++)
		len += snprintf(ret + len, 32, ", 10.1.%u.%u", i >> 8, i & 255);
	return len + snprintf(ret + len, 32, " }; }; chain c { }; }");
}

static int takes_and_refuses(void *arg)
{
	struct net_ns *a = ground_ns("a"), *b = ground_ns("b");
	struct errmsg err = {0};
	char *list = NULL;

	(void)arg;
	ground_ok(net_nft(a, "table ip t { chain c { tcp dport 80 counter accept; }; }", &err), &err);
	ground_ok(net_nft(a, "list tables", &err), &err); /* what it prints is not the next one's */
	ground_ok(net_nft_list(a, &list, &err), &err);
	ground_must(strstr(list, "tcp dport 80 counter packets 0 bytes 0 accept") != NULL, "%s", list);
	ground_must(strncmp(list, "table ip t {", 12) == 0 && strstr(list + 1, "table") == NULL, "%s", list);
	free(list);
	ground_ok(net_nft_list(b, &list, &err), &err);
	ground_must(list[0] == '\0', "elsewhere: %s", list);
	free(list);
	ground_must(net_nft(a, "add rule ip t c tcp dport eighty accept", &err) == -EINVAL &&
			    strstr(err.text, "a: nftables: ") == err.text && strstr(err.text, "eighty") != NULL,
		    "%s", err.text);
	/* one transaction: nothing of a script with one bad line */
	ground_must(net_nft(a, "add table ip u\nadd rule ip u nochain accept\n", &err) == -EINVAL &&
			    strstr(err.text, "No such file or directory") != NULL,
		    "%s", err.text);
	ground_ok(net_nft_list(a, &list, &err), &err);
	ground_must(strstr(list, "table ip u") == NULL, "%s", list);
	free(list);
	net_ns_free(a);
	net_ns_free(b);
	return 0;
}

static bool descriptors_fill(void)
{
	int fd;

	do
		fd = dup(STDIN_FILENO);
	while (fd >= 0 && fd < 1100);
	return fd >= 0;
}

static size_t descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	ground_must(d != NULL, "/proc/self/fd");
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* A table with one rule, whose port tells it from others. */
static void rule_set(struct net_ns *ns, unsigned int port)
{
	struct errmsg err = {0};
	char script[128];

	snprintf(script, sizeof(script),
		 "table ip t { }; delete table ip t; table ip t { chain c { tcp dport %u accept; }; }", port);
	ground_ok(net_nft(ns, script, &err), &err);
}

/* nft(8), a process with descriptors of its own, must say the same as we do, and just this. */
static void rule_is(struct net_ns *ns, unsigned int port)
{
	struct errmsg err = {0};
	char want[128], text[4096], *list = NULL;

	snprintf(want, sizeof(want), "table ip t {\n\tchain c {\n\t\ttcp dport %u accept\n\t}\n}\n", port);
	ground_must(ground_ask(ns, "nft list ruleset", text, sizeof(text)) == 0 && strcmp(text, want) == 0,
		    "want %s got %s", want, text);
	ground_ok(net_nft_list(ns, &list, &err), &err);
	ground_must(strcmp(list, want) == 0, "want %s got %s", want, list);
	free(list);
}

/* A lab of hundreds of workers; libnftables' select() knows no descriptor above 1023. */
static int works_beyond_select(void *arg)
{
	struct net_ns *before = ground_ns("before"), *a = ground_ns("a");
	struct errmsg err = {0};
	char *list = NULL, *ruleset = memory_grow(NULL, 200000, 1);
	size_t len = (size_t)elements_write(ruleset, 2000);

	(void)arg;
	rule_set(before, 1);
	if (!descriptors_fill())
		ground_skip("so many descriptors are not allowed here");
	ground_ok(net_nft(a, ruleset, &err), &err);
	ground_ok(net_nft_list(a, &list, &err), &err);
	/* more than a pipe holds */
	ground_must(strlen(list) > len / 2 && strstr(list, "10.1.7.207") != NULL, "%s", list);
	free(list);
	ground_must(net_nft(a, "add rule ip t c tcp dport eighty accept", &err) == -EINVAL &&
			    strstr(err.text, "eighty") != NULL,
		    "%s", err.text);
	rule_is(before, 1);
	rule_set(before, 2);
	rule_is(before, 2);
	free(ruleset);
	net_ns_free(a);
	net_ns_free(before);
	return 0;
}

#define LABS 8U

/* Namespaces take turns with the one descriptor that select() can wait for; none gets another's rules. */
static int takes_turns_beyond_select(void *arg)
{
	struct net_ns *ns[LABS];
	char text[256];
	size_t open;

	(void)arg;
	for (unsigned int i = 0; i < LABS; i++)
		ns[i] = ground_ns("worker");
	if (!descriptors_fill())
		ground_skip("so many descriptors are not allowed here");
	open = descriptors();
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < LABS; i++)
			rule_set(ns[i], 100 * round + i);
		/* somebody else changes the rules under us */
		ground_must(ground_ask(ns[0], "nft flush ruleset", text, sizeof(text)) == 0, "%s", text);
		rule_set(ns[0], 100 * round);
		for (unsigned int i = 0; i < LABS; i++)
			rule_is(ns[i], 100 * round + i);
		net_ns_free(ns[round]);
		ns[round] = ground_ns("another");
	}
	/* one socket for each that has rules, and nothing else */
	for (unsigned int i = 0; i < LABS; i++)
		net_ns_free(ns[i]);
	ground_must(descriptors() == open - (size_t)3 * LABS, "%zu descriptors of %zu are left", descriptors(), open);
	ns[0] = ground_ns("last");
	ground_must(descriptors_fill(), "descriptors");
	rule_set(ns[0], 7);
	rule_is(ns[0], 7);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GROUND_ROWS(takes_and_refuses),
		GROUND_ROWS(works_beyond_select),
		GROUND_ROWS(takes_turns_beyond_select),
	};

	return cmocka_run_group_tests_name("net: nft", tests, NULL, NULL);
}
