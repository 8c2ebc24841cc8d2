/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rib_fib.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BUFFER (512 << 20) /* the kernel is not made to wait, so this must hold what it says meanwhile */

static int socket_open(void)
{
	struct sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_ROUTE};
	int room = RECEIVE_BUFFER, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

int fib_open(pid_t pid)
{
	char path[64];
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there, fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	there = open(path, O_RDONLY | O_CLOEXEC);
	fd = home >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0 ? socket_open() : -errno;
	if (home < 0 || setns(home, CLONE_NEWNET) < 0)
		fd = fd >= 0 ? -EPERM : fd;
	if (home >= 0)
		close(home);
	if (there >= 0)
		close(there);
	return fd;
}

/* How many next hops are in RTA_MULTIPATH. */
static unsigned int hops_count(const uint8_t *at, size_t n)
{
	struct rtnexthop hop;
	unsigned int count = 0;
	size_t step;

	while (n >= sizeof(hop)) {
		memcpy(&hop, at, sizeof(hop));
		if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > n)
			break;
		count++;
		step = (size_t)RTNH_ALIGN(hop.rtnh_len);
		at += step < n ? step : n;
		n -= step < n ? step : n;
	}
	return count;
}

static void route_read(const uint8_t *at, size_t n, bool gone, fib_fn *fn, void *ctx)
{
	struct rtmsg route;
	struct rtattr attr;
	struct addr a = {0};
	struct prefix prefix;
	unsigned int hops = 1;

	if (n < sizeof(route))
		return;
	memcpy(&route, at, sizeof(route));
	at += sizeof(route);
	n -= sizeof(route);
	while (n >= sizeof(attr)) {
		size_t step;

		memcpy(&attr, at, sizeof(attr));
		if (attr.rta_len < sizeof(attr) || attr.rta_len > n)
			break;
		if (attr.rta_type == RTA_DST && attr.rta_len == sizeof(attr) + 4)
			a = addr_from_bytes(ADDR_V4, at + sizeof(attr));
		if (attr.rta_type == RTA_MULTIPATH)
			hops = hops_count(at + sizeof(attr), attr.rta_len - sizeof(attr));
		step = RTA_ALIGN(attr.rta_len) < n ? RTA_ALIGN(attr.rta_len) : n;
		at += step;
		n -= step;
	}
	if (route.rtm_family != AF_INET || route.rtm_table != RT_TABLE_MAIN || a.family == ADDR_NONE)
		return;
	prefix = prefix_make(&a, route.rtm_dst_len);
	fn(ctx, &prefix, gone ? 0 : hops);
}

int fib_read(int fd, fib_fn *fn, void *ctx)
{
	uint8_t bytes[65536];
	struct nlmsghdr head;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		for (size_t at = 0; at + sizeof(head) <= (size_t)n; at += NLMSG_ALIGN(head.nlmsg_len)) {
			memcpy(&head, bytes + at, sizeof(head));
			if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > (size_t)n - at)
				break;
			if (head.nlmsg_type == RTM_NEWROUTE || head.nlmsg_type == RTM_DELROUTE)
				route_read(bytes + at + sizeof(head), head.nlmsg_len - sizeof(head),
					   head.nlmsg_type == RTM_DELROUTE, fn, ctx);
		}
	}
	return n < 0 && errno == ENOBUFS ? -ENOBUFS : 0;
}
