/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traffic a client sends: crafted flows (libnet, the only user of it) and real HTTP connections. No event loop here:
 * the driver calls. A sender is freed by who made it; a traffic_http is a value that owns a descriptor. */
#ifndef ECMPLAB_TRAFFIC_H
#define ECMPLAB_TRAFFIC_H

#include "addr.h"
#include "errmsg.h"
#include "instant.h"
#include "net.h"
#include "rng.h"

#include <stdbool.h>
#include <stdint.h>

enum traffic_protocol { TRAFFIC_UDP, TRAFFIC_TCP_SYN, TRAFFIC_ICMP_ECHO };

#define TRAFFIC_PROTOCOLS 3U

enum traffic_vary {
	TRAFFIC_VARY_SRC_PORT = 1, /* of an ICMP echo: the identifier */
	TRAFFIC_VARY_DST_PORT = 2,
	TRAFFIC_VARY_SRC_ADDR = 4,
	TRAFFIC_VARY_DST_ADDR = 8,
	TRAFFIC_VARY_FLOW_LABEL = 16, /* IPv6 */
	TRAFFIC_VARY_PROTOCOL = 32,   /* UDP and TCP */
};

/* What tells a flow from any other. */
struct traffic_tuple {
	struct addr src;
	struct addr dst;
	uint16_t src_port; /* ICMP: the identifier */
	uint16_t dst_port;
	uint32_t flow_label; /* IPv6, 20 bits */
	enum traffic_protocol protocol;
};

enum traffic_sizes {
	TRAFFIC_SIZES_EQUAL,
	TRAFFIC_SIZES_ZIPF,	 /* one packet each, the others in proportion to 1/rank^exponent */
	TRAFFIC_SIZES_ELEPHANTS, /* some percent of the flows have most of the packets */
};

/* A set of flows: `count` distinct combinations of the varied fields, drawn by the seed, no two alike. */
struct traffic_flows {
	enum traffic_protocol protocol;
	struct addr src;       /* with TRAFFIC_VARY_SRC_ADDR the first: drawn from here to the end of src_net, */
	struct prefix src_net; /* broadcast left out, so that the router's own low address is no source */
	struct addr dst;
	struct prefix dst_net; /* with TRAFFIC_VARY_DST_ADDR */
	uint16_t src_port;     /* the fixed ones */
	uint16_t dst_port;
	uint32_t flow_label;
	unsigned int vary; /* enum traffic_vary, ored */
	uint32_t count;
	uint32_t packets; /* of each flow, sent in rounds; at least 1. With sizes: of a flow on average */
	uint32_t run;	  /* goes into every tag */
	uint64_t seed;
	const struct traffic_tuple *tuples; /* not NULL: flow n is tuples[n], of at least `count`; nothing is drawn */
	size_t tuple_count;
	bool fragments; /* each datagram as two, with a tag and a sequence number each: `packets` are datagrams */
	enum traffic_sizes sizes;
	double exponent;	      /* zipf */
	unsigned int elephants;	      /* percent of the flows, 1-99 */
	unsigned int elephants_share; /* percent of the packets that they have, 1-99 */
	uint32_t rate;		      /* packets a second; 0: as fast as they go */
	uint32_t burst;		      /* so many at once, then a pause; 0 counts as 1 */
};

/* The tuples of all flows, in their order: ret has room for `count`. Errors as traffic_sender_new. */
int traffic_tuples(const struct traffic_flows *flows, struct traffic_tuple *ret, struct errmsg *err);

struct traffic_sender;

/* Prepares the frames for a client's link: layer 2 addresses are the link's own and the gateway's. *flows is copied; its
 * tuples are borrowed for the sender's life. -ERANGE when the varied fields can't give so many distinct flows, or a size
 * not that many packets; -EINVAL for flows that make no sense; in words. src_port varies in 1024-65535. */
int traffic_sender_new(struct net_ns *client, const char *link, const uint8_t gateway_mac[6],
		       const struct traffic_flows *flows, struct traffic_sender **ret, struct errmsg *err);
/* Sends up to max (at least 1) packets without waiting. Returns how many, 0 when all are out, or -errno (-EAGAIN: queue
 * full). */
int traffic_sender_send(struct traffic_sender *s, unsigned int max, struct errmsg *err);
/* How many of up to max packets the rate lets go `elapsed_ns` after the first. */
unsigned int traffic_sender_ready(const struct traffic_sender *s, int64_t elapsed_ns, unsigned int max);
/* When it lets the next ones go, in ns after the first. */
int64_t traffic_sender_due(const struct traffic_sender *s);
/* All packets that it sends, fragments counted each. */
uint64_t traffic_sender_total(const struct traffic_sender *s);
/* The packets of each flow, fragments counted once; NULL: all have the same. Borrowed for the sender's life. */
const uint32_t *traffic_sender_sizes(const struct traffic_sender *s);
void traffic_sender_free(struct traffic_sender *s);

/* ---- Real HTTP connections: one GET each, over a socket of the client's namespace ---- */

enum traffic_http_state { TRAFFIC_HTTP_CONNECTING, TRAFFIC_HTTP_READING, TRAFFIC_HTTP_DONE, TRAFFIC_HTTP_FAILED };

struct traffic_http {
	int fd; /* to poll; owned, closed by traffic_http_close */
	enum traffic_http_state state;
	bool wants_write; /* else read */
	int status;	  /* HTTP status once DONE */
	int error;	  /* errno once FAILED */
	struct addr dst;
	uint16_t dst_port;
	uint16_t src_port; /* host order, once connected */
	size_t sent;	   /* octets of the request */
	size_t received;   /* octets of the answer */
	size_t len;	   /* of them in body */
	char body[1024];   /* headers and body, cut, terminated */
};

/* Starts a non-blocking connection from src (ADDR_NONE: kernel's choice) to dst:port. 0 or -errno. */
int traffic_http_open(struct net_ns *client, const struct addr *src, const struct addr *dst, uint16_t port,
		      struct traffic_http *ret, struct errmsg *err);
/* Goes on after the descriptor became ready; the state says how far it is. */
void traffic_http_ready(struct traffic_http *h);
void traffic_http_close(struct traffic_http *h);

#endif
