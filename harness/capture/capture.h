/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets to observations: live from links (one nanosecond pcap each) or from saved captures, through the same decoding.
 * TCP streams are reassembled per direction; BGP messages carry the frame that completed them. The only user of libpcap. */
#ifndef ECMPLAB_CAPTURE_H
#define ECMPLAB_CAPTURE_H

#include "addr.h"
#include "errmsg.h"
#include "instant.h"
#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum capture_kind {
	CAPTURE_BGP,	 /* one whole BGP message */
	CAPTURE_BGP_BAD, /* bytes on port 179 that are no BGP message; err says why; the direction is read no further */
	CAPTURE_TCP_SYN, /* a connection's first segment */
	CAPTURE_TCP_SYNACK,
	CAPTURE_TCP_FIN,
	CAPTURE_TCP_RST,
	CAPTURE_FLOW, /* a packet with a flow tag */
	CAPTURE_HTTP_REQUEST,
	CAPTURE_HTTP_RESPONSE, /* http_status */
	CAPTURE_BFD,	       /* a datagram for port 3784; bytes are its payload */
	CAPTURE_BGP_GAP,       /* bytes of a BGP stream were never captured; it goes on with the next message found */
};

/* Addresses and ports as in the packet: src sent it. bytes are borrowed for the call. */
struct capture_event {
	enum capture_kind kind;
	unsigned int link;   /* as given to capture_add */
	uint64_t frame;	     /* from 1, as wireshark counts in the link's file */
	struct instant time; /* wall clock */
	struct addr src, dst;
	uint16_t src_port, dst_port;
	uint8_t protocol; /* 6, 17; flows of ICMP 1, 58, with the identifier as src_port; a later fragment has no ports */
	uint8_t ttl;
	uint32_t flow_label;  /* IPv6 */
	const uint8_t *bytes; /* BGP: the message; HTTP: the first line; BFD: the payload */
	size_t len;
	struct wire_err err;
	struct wire_flowtag tag;
	bool carried; /* flow: true when the frame was addressed to the interface's own MAC or sent from it */
	int http_status;
};

typedef void capture_fn(void *ctx, const struct capture_event *event);

struct capture_stats {
	uint64_t frames;  /* seen and saved */
	uint64_t dropped; /* by kernel or interface; capture_losses tells when */
	uint64_t bytes;
	uint64_t fragments; /* later fragments of IP datagrams: their tags are read, nothing else */
};

/* Frames that the kernel saw and had no room for. */
struct capture_loss {
	uint64_t frames;
	/* Of the link's file: all were lost behind the one and before the other, which is 0 as long as none has come. */
	uint64_t after, before;
	struct instant since, until; /* their stamps; without a frame behind them: when they were counted */
};

#define CAPTURE_LOSSES_MAX 64U

struct capture; /* a set of links with one decoder each */

struct capture *capture_new(capture_fn *fn, void *ctx);
/* Closes everything. Kernel rings are closed side by side, since each close waits for an RCU grace period. */
void capture_free(struct capture *c);

/* A link to be opened live: the interface in the namespace that ns_fd names; frames go to dir_fd/file as well. */
struct capture_link {
	const char *name; /* worker1, for messages */
	int ns_fd;
	const char *interface;
	const char *file;  /* "worker1.pcap" */
	bool trunk;	   /* carries what many other links do: a large ring, however many links there are */
	size_t ring_bytes; /* of the ring; 0: its share */
};

/* Opens all links live, side by side for the same reason; their numbers follow those already there, from 0. Frames are
 * captured from the return on. A thread then empties the rings, so the caller may be busy for as long as it likes. On
 * failure none of these links is open. 0 or -errno. */
int capture_open(struct capture *c, const struct capture_link *links, size_t n, int dir_fd, struct errmsg *err);
/* Descriptors to poll, one a link. */
int capture_fd(const struct capture *c, unsigned int link);
/* Takes what the kernel has for the link, without waiting: saves, decodes, calls fn. Returns frames taken or -errno. */
int capture_drain(struct capture *c, unsigned int link, struct errmsg *err);
/* Drains all links until each has handed over every frame that its ring holds now, also in a block not yet retired. */
int capture_settle(struct capture *c, struct errmsg *err);
int capture_stats(struct capture *c, unsigned int link, struct capture_stats *ret, struct errmsg *err);
/* What the link has lost up to now, oldest first; if there were more times than are told, the last one spans the rest. */
size_t capture_losses(const struct capture *c, unsigned int link, struct capture_loss ret[static CAPTURE_LOSSES_MAX]);
/* Writes buffered frames out; -ENOSPC and the like come from here and from capture_drain, naming the file. */
int capture_flush(struct capture *c, struct errmsg *err);
/* Ends the live capture: writes the files out and closes the rings behind the caller's back, which capture_free waits
 * for. What was captured up to now can still be drained. Errors as capture_flush. */
int capture_stop(struct capture *c, struct errmsg *err);

/* A frame from elsewhere than a kernel or a file, as the link's next: Ethernet. It is saved by whoever has it. */
void capture_feed(struct capture *c, unsigned int link, struct instant time, const uint8_t *bytes, size_t n);

/* The MAC that `carried` is told by: a live link's own; a saved capture has none, and every frame counts as carried, unless
 * it is set before capture_read. */
bool capture_mac(const struct capture *c, unsigned int link, uint8_t ret[static 6]);
void capture_mac_set(struct capture *c, unsigned int link, const uint8_t mac[static 6]);

/* Reads a saved capture (pcap or pcapng, gz not) as link number `link`; fn sees its events in file order. Damaged files give
 * what is readable and then an error naming the frame. */
int capture_read(struct capture *c, const char *path, unsigned int link, struct errmsg *err);

/* ---- Flows of a saved capture ---- */

/* A conversation as its first packet shows it: who began. */
struct capture_tuple {
	struct addr src, dst;
	uint16_t src_port, dst_port; /* ICMP echo: the identifier and 0 */
	uint8_t protocol;	     /* 1, 6, 17, 58 */
	uint32_t flow_label;	     /* IPv6 */
};

/* The distinct conversations of UDP, TCP and ICMP echoes in order of appearance, at most `max`; *ret is the caller's to free. What
 * is no such packet is passed over. 0, or -errno with words and *ret NULL; -ERANGE when there are more. */
int capture_tuples_read(const char *path, size_t max, struct capture_tuple **ret, size_t *ret_count,
			struct errmsg *err);

#endif
