/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_FIB_INT_H
#define ECMPLAB_FIB_INT_H

#include "net_int.h"

struct fib_object;

/* Reads route messages, and keeps the nexthop objects that routes name. */
struct fib_reader {
	uint8_t table; /* whose routes are told; 0: all tables' but the one of local addresses */
	VEC(struct fib_object *) objects;
	bool objects_changed; /* one that was known is another or gone */
	net_fib_fn *fn;
	void *ctx;
};

/* A prefix within fe80::/10. */
static inline bool fib_is_link_local(const struct prefix *p)
{
	return p->addr.family == ADDR_V6 && p->addr.b[0] == 0xfe && (p->addr.b[1] & 0xc0) == 0x80;
}

/* A libmnl callback over a struct fib_reader. */
int fib_message(const struct nlmsghdr *m, void *reader);
int fib_objects_dump(struct net_ns *ns, struct fib_reader *r, struct errmsg *err);
/* Calls fn for each route of the table, IPv4 and IPv6. */
int fib_routes_dump(struct net_ns *ns, struct fib_reader *r, struct errmsg *err);
void fib_reader_clear(struct fib_reader *r);

#endif
