/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A link that is up loses what is sent until the kernel's link watcher, a thread that a busy machine may keep waiting for
 * seconds, has attached its queue. The operational state (RFC 2863) tells when. */
#include "net_int.h"

#include <errno.h>
#include <linux/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READY_WITHIN_NS (30 * NS_PER_S)

struct late_link {
	int index;
	bool late;
};

struct late_links {
	VEC(struct late_link) at;
};

/* Its ends are up, and nothing can be sent by it. */
static bool is_late(const struct nlmsghdr *m)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(m);
	uint8_t operstate = IF_OPER_UNKNOWN, carrier = 0;
	const struct nlattr *attr;

	for (attr = mnl_nlmsg_get_payload_offset(m, sizeof(*ifi)); net_attr_ok(attr, m); attr = mnl_attr_next(attr)) {
		if (mnl_attr_get_payload_len(attr) < 1)
			continue;
		if (mnl_attr_get_type(attr) == IFLA_OPERSTATE)
			operstate = mnl_attr_get_u8(attr);
		else if (mnl_attr_get_type(attr) == IFLA_CARRIER)
			carrier = mnl_attr_get_u8(attr);
	}
	return (ifi->ifi_flags & IFF_UP) != 0 && (ifi->ifi_flags & IFF_LOOPBACK) == 0 && carrier != 0 &&
	       operstate != IF_OPER_UP;
}

static int on_link(const struct nlmsghdr *m, void *ctx)
{
	struct late_links *links = ctx;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(m);

	if (m->nlmsg_type == RTM_NEWLINK && is_late(m))
		VEC_PUSH(&links->at, ((struct late_link){ifi->ifi_index, true}));
	return MNL_CB_OK;
}

static int on_one(const struct nlmsghdr *m, void *ctx)
{
	struct late_link *link = ctx;

	link->late = m->nlmsg_type == RTM_NEWLINK && is_late(m);
	return MNL_CB_OK;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* A socket that hears of links that change. */
static int listen_to_links(struct net_ns *ns, struct errmsg *err)
{
	const struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = net_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, err);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&group, sizeof(group)) < 0) {
		(void)errmsg_set(err, -errno, "%s: hearing of its links", ns->name);
		close(fd);
		return err->code;
	}
	return fd;
}

/* Until something changes, or the deadline. */
static void await_change(int fd, int64_t deadline)
{
	struct pollfd on = {.fd = fd, .events = POLLIN};
	int64_t left = (deadline - now_ns()) / NS_PER_MS + 1;
	char buf[NET_MESSAGE_MAX];

	if (left > 0 && poll(&on, 1, (int)left) > 0) {
		while (recv(fd, buf, sizeof(buf), 0) > 0 || errno == ENOBUFS)
			errno = 0;
	}
}

/* Since Linux 6.9 the question itself does what the watcher has not come to; before, its message is waited for. */
static int await_one(struct net_ns *ns, int fd, struct late_link *link, struct errmsg *err)
{
	int64_t deadline = now_ns() + READY_WITHIN_NS;

	for (;;) {
		char buf[NET_MESSAGE_MAX];
		struct nlmsghdr *m = net_message(buf, RTM_GETLINK, 0);
		struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(m, sizeof(*ifi));
		int r;

		ifi->ifi_index = link->index;
		r = net_query(ns, m, on_one, link, "state of a link", err);
		if (r == -ENODEV) /* gone meanwhile */
			return 0;
		if (r < 0 || !link->late)
			return r;
		if (now_ns() > deadline)
			return errmsg_say(err, -ETIMEDOUT, "%s: link %d is up, but the kernel sends nothing by it",
					  ns->name, link->index);
		await_change(fd, deadline);
	}
}

static int await_all(struct net_ns *ns, struct late_links *links, struct errmsg *err)
{
	int r = 0, fd = links->at.len > 0 ? listen_to_links(ns, err) : -1;

	if (links->at.len > 0 && fd < 0)
		return fd;
	for (size_t i = 0; i < links->at.len && r == 0; i++)
		r = await_one(ns, fd, &links->at.at[i], err);
	if (fd >= 0)
		close(fd);
	return r;
}

int net_links_ready(struct net_ns *ns, struct errmsg *err)
{
	struct late_links links = {0};
	int r;

	do { /* -EINTR: they changed meanwhile */
		char buf[NET_MESSAGE_MAX];
		struct nlmsghdr *m = net_message(buf, RTM_GETLINK, NLM_F_DUMP);

		mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
		VEC_CLEAR(&links.at);
		r = net_query(ns, m, on_link, &links, "links", err);
	} while (r == -EINTR);
	if (r == 0)
		r = await_all(ns, &links, err);
	VEC_FREE(&links.at);
	return r;
}
