/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink messages that end too early or say what no kernel says: read without a step beyond their end. */
#include "fib_int.h"
#include "support.h"

#include <linux/nexthop.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 512

static void attr_put(struct nlmsghdr *m, uint16_t type, const char *hex)
{
	uint8_t bytes[64];

	mnl_attr_put(m, type, support_hex(hex, bytes, sizeof(bytes)), bytes);
}

static struct nlmsghdr *route(char *buf, uint8_t family, uint8_t len)
{
	struct nlmsghdr *m = net_message(buf, RTM_NEWROUTE, 0);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(m, sizeof(*rt));

	*rt = (struct rtmsg){
		.rtm_family = family, .rtm_dst_len = len, .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST};
	return m;
}

/* ip route add 10.0.0.0/24 metric 7 nexthop via 10.9.0.2 dev #2 weight 3 nexthop via inet6 fd09::2 dev #2 */
static void multipath(char *buf)
{
	struct nlmsghdr *m = route(buf, AF_INET, 24);

	attr_put(m, RTA_DST, "0a000000");
	attr_put(m, RTA_PRIORITY, "07000000");
	attr_put(m, RTA_MULTIPATH,
		 "1000 00 02 02000000 0800 0500 0a090002"
		 "1c00 00 00 02000000 1400 1200 0a00 fd090000000000000000000000000002 0000");
}

static void single(char *buf)
{
	struct nlmsghdr *m = route(buf, AF_INET6, 32);

	attr_put(m, RTA_TABLE, "fe000000");
	attr_put(m, RTA_DST, "fd0a0000000000000000000000000000");
	attr_put(m, RTA_GATEWAY, "fd090000000000000000000000000002");
	attr_put(m, RTA_OIF, "02000000");
}

static void by_object(char *buf)
{
	struct nlmsghdr *m = route(buf, AF_INET, 24);

	attr_put(m, RTA_DST, "0a000000");
	attr_put(m, RTA_NH_ID, "09000000");
}

static struct nlmsghdr *object(char *buf, const char *id)
{
	struct nlmsghdr *m = net_message(buf, RTM_NEWNEXTHOP, 0);

	mnl_nlmsg_put_extra_header(m, sizeof(struct nhmsg));
	attr_put(m, NHA_ID, id);
	return m;
}

static void member(char *buf)
{
	struct nlmsghdr *m = object(buf, "01000000");

	attr_put(m, NHA_GATEWAY, "0a090002");
	attr_put(m, NHA_OIF, "02000000");
}

/* Of member 1 with the weight 260, which takes the upper byte, and of itself. */
static void group(char *buf)
{
	attr_put(object(buf, "09000000"), NHA_GROUP, "01000000 03 01 0000 09000000 00 00 0000");
}

static void (*const messages[])(char *buf) = {member, group, by_object, multipath, single};

#define MESSAGES (sizeof(messages) / sizeof(messages[0]))

struct last {
	size_t count;
	struct net_fib_route route;
};

static void on_route(void *ctx, enum net_fib_change change, const struct net_fib_route *r)
{
	struct last *last = ctx;

	(void)change;
	assert_true(r->hop_count <= NET_FIB_HOPS_MAX);
	last->count++;
	last->route = *r;
}

/* Where nothing but the message may be read. */
static void give(struct fib_reader *r, const char *buf, size_t len)
{
	struct nlmsghdr *copy = malloc(len);

	assert_non_null(copy);
	memcpy(copy, buf, len);
	copy->nlmsg_len = (uint32_t)len;
	if (mnl_nlmsg_ok(copy, (int)len))
		(void)fib_message(copy, r);
	free(copy);
}

static size_t length(const char *buf)
{
	return ((const struct nlmsghdr *)(const void *)buf)->nlmsg_len;
}

static void whole_messages_are_read(void **state)
{
	_Alignas(struct nlmsghdr) char buf[ROOM];
	struct last last = {0};
	struct fib_reader r = {.fn = on_route, .ctx = &last};
	static const struct {
		const char *prefix, *gateway;
		unsigned int metric, weight;
	} want[MESSAGES] = {
		[2] = {"10.0.0.0/24", "10.9.0.2", 0, 260},
		[3] = {"10.0.0.0/24", "10.9.0.2", 7, 3},
		[4] = {"fd0a::/32", "fd09::2", 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		messages[i](buf);
		give(&r, buf, length(buf));
		assert_int_equal(last.count, i < 2 ? 0 : i - 1);
		if (want[i].prefix == NULL)
			continue;
		assert_string_equal(prefix_text(&last.route.prefix).s, want[i].prefix);
		assert_string_equal(addr_text(&last.route.hops[0].gateway).s, want[i].gateway);
		assert_int_equal(last.route.hops[0].weight, want[i].weight);
		assert_int_equal(last.route.metric, want[i].metric);
		assert_int_equal(last.route.hop_count, i == 3 ? 2 : 1);
	}
	fib_reader_clear(&r);
}

static void cut_messages_do_no_harm(void **state)
{
	_Alignas(struct nlmsghdr) char buf[ROOM];
	struct last last = {0};
	struct fib_reader r = {.fn = on_route, .ctx = &last};

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		messages[i](buf);
		for (size_t len = sizeof(struct nlmsghdr); len <= length(buf); len++)
			give(&r, buf, len);
	}
	fib_reader_clear(&r);
}

/* Every byte behind the length, with every value. */
static void changed_messages_do_no_harm(void **state)
{
	_Alignas(struct nlmsghdr) char buf[ROOM];
	struct last last = {0};
	struct fib_reader r = {.fn = on_route, .ctx = &last};

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		messages[i](buf);
		for (size_t at = sizeof(struct nlmsghdr); at < length(buf); at++) {
			char was = buf[at];

			for (unsigned int value = 0; value < 256; value++) {
				buf[at] = (char)value;
				give(&r, buf, length(buf));
			}
			buf[at] = was;
		}
	}
	fib_reader_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_messages_are_read),
		cmocka_unit_test(cut_messages_do_no_harm),
		cmocka_unit_test(changed_messages_do_no_harm),
	};

	return cmocka_run_group_tests_name("net: fib bytes", tests, NULL, NULL);
}
