/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's counts of refused neighbours: read from bytes, held against /proc, which shows them in the machine's first
 * namespace, and seen to grow when a table overflows. That harms whoever else is on the machine for up to five seconds: only where
 * ECMPLAB_TEST_OVERFLOW is set. */
#include "ground.h"
#include "net_int.h"
#include "support.h"

#include <fcntl.h>
#include <linux/neighbour.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OVERFLOW 1500U /* addresses beyond the limit */
#define EACH 50U

/* ---- Bytes ---- */

/* As Linux 6.18 answers: the thresholds, and the stats with table_fulls as the last of eleven. */
static struct nlmsghdr *table(char *buf, const char *name, uint64_t full, uint32_t limit)
{
	struct nlmsghdr *m = net_message(buf, RTM_NEWNEIGHTBL, 0);
	uint64_t stats[11] = {527947, 527947};

	stats[10] = full;
	mnl_nlmsg_put_extra_header(m, sizeof(struct ndtmsg));
	mnl_attr_put_strz(m, NDTA_NAME, name);
	mnl_attr_put_u32(m, NDTA_THRESH1, 128);
	mnl_attr_put_u32(m, NDTA_THRESH3, limit);
	mnl_attr_put(m, NDTA_STATS, sizeof(stats), stats);
	return m;
}

static void test_bytes(void **state)
{
	struct net_neighbours got[NET_NEIGHBOUR_TABLES] = {0};
	char buf[NET_MESSAGE_MAX];

	(void)state;
	assert_true(net_neighbours_answer(table(buf, "arp_cache", 36913, 1024), got));
	assert_true(net_neighbours_answer(table(buf, "ndisc_cache", 7, 4096), got));
	assert_true(net_neighbours_answer(table(buf, "dn_neigh_cache", 9, 1), got));
	assert_int_equal(got[NET_ARP].refused, 36913);
	assert_int_equal(got[NET_ARP].max, 1024);
	assert_int_equal(got[NET_ND].refused, 7);
	assert_int_equal(got[NET_ND].max, 4096);
}

/* Each message that ends early, in memory that ends with it; and a link's, which has no limit. */
static void test_cut(void **state)
{
	struct net_neighbours got[NET_NEIGHBOUR_TABLES] = {0};
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = table(buf, "arp_cache", 1, 1024);

	(void)state;
	for (uint32_t len = sizeof(*m); len < m->nlmsg_len; len++) {
		struct nlmsghdr *cut = malloc(len);

		assert_non_null(cut);
		memcpy(cut, m, len);
		cut->nlmsg_len = len;
		assert_false(net_neighbours_answer(cut, got));
		free(cut);
	}
	assert_int_equal(got[NET_ARP].max, 0);
}

/* ---- The kernel ---- */

/* table_fulls is the last column, a row a processor. */
static uint64_t proc_refused(int fd)
{
	char text[65536], *line, *rest = NULL;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	uint64_t sum = 0;

	text[n > 0 ? n : 0] = '\0';
	(void)strtok_r(text, "\n", &rest);
	while ((line = strtok_r(NULL, "\n", &rest)) != NULL) {
		const char *last = strrchr(line, ' ');

		while (last != NULL && last > line && last[1] == '\0')
			last--;
		sum += strtoull(last != NULL ? last + 1 : "0", NULL, 16);
	}
	return sum;
}

/* Opened before the sandbox, whose own /proc has no such files. */
struct files {
	int fd[NET_NEIGHBOUR_TABLES];
};

static int compare(void *arg)
{
	const struct files *files = arg;
	struct net_ns *ns = ground_ns("counted");
	struct net_neighbours got[NET_NEIGHBOUR_TABLES];
	uint64_t before[NET_NEIGHBOUR_TABLES];
	struct errmsg err = {0};

	for (size_t i = 0; i < NET_NEIGHBOUR_TABLES; i++)
		before[i] = files->fd[i] >= 0 ? proc_refused(files->fd[i]) : 0;
	ground_ok(net_neighbours_read(ns, got, &err), &err);
	for (size_t i = 0; i < NET_NEIGHBOUR_TABLES; i++) {
		if (files->fd[i] < 0)
			continue;
		ground_must(got[i].max > 0, "no limit of table %zu", i);
		ground_must(before[i] <= got[i].refused && got[i].refused <= proc_refused(files->fd[i]),
			    "table %zu: %llu refused; /proc had %llu before", i, (unsigned long long)got[i].refused,
			    (unsigned long long)before[i]);
	}
	net_ns_free(ns);
	return 0;
}

static void test_proc(void **state)
{
	struct files files = {{open("/proc/net/stat/arp_cache", O_RDONLY | O_CLOEXEC),
			       open("/proc/net/stat/ndisc_cache", O_RDONLY | O_CLOEXEC)}};
	struct errmsg err = {0};
	int status = 1;

	(void)state;
	if (files.fd[NET_ARP] < 0) {
		print_message("this is not the machine's first namespace\n");
		skip();
	}
	if (net_sandbox_run(compare, &files, NULL, &status, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(status, 0);
	for (size_t i = 0; i < NET_NEIGHBOUR_TABLES; i++) {
		if (files.fd[i] >= 0)
			close(files.fd[i]);
	}
}

/* Datagrams to neighbours that are not there, from the n-th on; what waits for them fills a socket soon. */
static void ask_for(struct net_ns *ns, uint32_t first, uint32_t n)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct errmsg err = {0};
	int fd = net_socket(ns, AF_INET, SOCK_DGRAM, 0, &err);

	ground_must(fd >= 0, "%s", err.text);
	for (uint32_t i = first; i < first + n; i++) {
		to.sin_addr.s_addr = htonl(0x0a4d0100U + i); /* 10.77.1.0 */
		(void)sendto(fd, "", 0, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to));
	}
	close(fd);
}

static int overflow(void *arg)
{
	struct net_neighbours before[NET_NEIGHBOUR_TABLES], after[NET_NEIGHBOUR_TABLES];
	struct addr own = ground_addr("10.77.0.1");
	struct errmsg err = {0};
	struct net_ns *a, *b;

	(void)arg;
	ground_pair(&a, &b);
	net_address_add(a, "v0", &own, 16);
	ground_ok(net_flush(a, &err), &err);
	ground_ok(net_neighbours_read(b, before, &err), &err);
	for (uint32_t i = 0; i < before[NET_ARP].max + OVERFLOW; i += EACH)
		ask_for(a, i, EACH);
	ground_ok(net_neighbours_read(b, after, &err), &err);
	ground_must(after[NET_ARP].refused >= before[NET_ARP].refused + OVERFLOW / 2, "%llu, and then %llu refused",
		    (unsigned long long)before[NET_ARP].refused, (unsigned long long)after[NET_ARP].refused);
	net_ns_free(a);
	net_ns_free(b);
	return 0;
}

static void test_overflow(void **state)
{
	if (getenv("ECMPLAB_TEST_OVERFLOW") == NULL) {
		print_message("ECMPLAB_TEST_OVERFLOW is not set: others on this machine would lose packets\n");
		skip();
	}
	ground_test(state);
}

int main(void)
{
	struct ground_row row = {overflow, true};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_proc),
		cmocka_unit_test_prestate(test_overflow, &row),
	};

	return cmocka_run_group_tests_name("net: neighbours", tests, NULL, NULL);
}
