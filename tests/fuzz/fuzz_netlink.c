/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes, nexthop objects, neighbour tables and answers to lookups in netlink messages that no kernel would send. */
#include "fuzz.h"

#include "fib_int.h"

#include <stdlib.h>
#include <string.h>

static void on_route(void *ctx, enum net_fib_change change, const struct net_fib_route *route)
{
	(void)ctx;
	FUZZ_MUST(change <= NET_FIB_DELETED && route->hop_count <= NET_FIB_HOPS_MAX);
	FUZZ_MUST(route->prefix.len <= (route->prefix.addr.family == ADDR_V4 ? 32 : 128));
	for (size_t i = 0; i < route->hop_count; i++)
		FUZZ_MUST(route->hops[i].gateway.family <= ADDR_V6);
}

static void answer_look(const struct nlmsghdr *m, size_t len)
{
	struct net_fate fates[4] = {0};
	int r = net_oracle_answer(m, len, 1, fates, sizeof(fates) / sizeof(fates[0]));

	FUZZ_MUST(r <= 1);
	for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++)
		FUZZ_MUST(fates[i].gateway.family <= ADDR_V6);
}

static void table(const struct nlmsghdr *m)
{
	struct net_neighbours tables[NET_NEIGHBOUR_TABLES] = {0};
	bool told = net_neighbours_answer(m, tables);

	for (size_t i = 0; i < NET_NEIGHBOUR_TABLES; i++)
		FUZZ_MUST(told || (tables[i].max == 0 && tables[i].refused == 0));
}

/* One message, aligned and in a block of just its size. */
static void give(struct fib_reader *r, const uint8_t *bytes, uint32_t n)
{
	struct nlmsghdr *m = malloc(n);

	FUZZ_MUST(m != NULL);
	memcpy(m, bytes, n);
	m->nlmsg_len = n;
	(void)fib_message(m, r);
	answer_look(m, n);
	table(m);
	free(m);
}

/* How long a message is the kernel says truly, so that libmnl's walk over them is not what is tried here. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fib_reader r = {.fn = on_route};

	while (n >= sizeof(struct nlmsghdr)) {
		uint32_t len;
		size_t step;

		memcpy(&len, bytes, sizeof(len));
		if (len < sizeof(struct nlmsghdr) || len > n)
			len = (uint32_t)n;
		give(&r, bytes, len);
		step = NLMSG_ALIGN((size_t)len) < n ? NLMSG_ALIGN((size_t)len) : n;
		bytes += step;
		n -= step;
	}
	fib_reader_clear(&r);
	return 0;
}
