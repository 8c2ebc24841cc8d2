/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ways of one ready-made frame into the kernel, over and over. */
#ifndef ECMPLAB_BENCH_PATHS_H
#define ECMPLAB_BENCH_PATHS_H

#include "net.h"
#include "traffic_int.h"

struct path_load {
	struct net_ns *ns;
	const char *link;
	const struct traffic_frame *frame;
	struct addr dst; /* for the UDP socket */
	uint64_t packets;
};

typedef int path_fn(const struct path_load *load, struct errmsg *err);

path_fn path_send, path_udp, path_sendmmsg, path_ring_v2, path_ring_v3, path_xdp;

#endif
