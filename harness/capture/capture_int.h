/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A frame's way: live.c or offline.c -> frame.c -> link_layer.c -> ip.c -> tcp.c -> stream.c -> bgp_stream.c or http.c.
 * Everything up to the queue in live.c runs on the collector's thread under the capture's lock, everything behind it on the
 * caller's; decoding shares nothing with the collector. */
#ifndef ECMPLAB_CAPTURE_INT_H
#define ECMPLAB_CAPTURE_INT_H

#include "arena.h"
#include "capture.h"
#include "vec.h"

#include <pcap/pcap.h>
#include <pthread.h>

/* ---- stream.c: one direction of a TCP connection, put in order ---- */

/* Memory that what a peer sends can make us hold: out-of-order segments and unfinished messages of all streams. */
struct capture_budget {
	size_t used;
	size_t max;
};

struct stream_chunk;

/* Zero is a stream that has not started. */
struct stream {
	bool started;
	uint32_t next;		      /* sequence number of the next byte to hand over */
	struct stream_chunk *waiting; /* out of order, sorted and disjoint, all beyond next */
	unsigned int waiting_count;
	size_t waiting_bytes;
};

#define STREAM_WAITING_MAX 4096U /* chunks */
#define STREAM_BYTES_MAX (1U << 20)

/* Takes the bytes that follow; `lost` is what is missing in front of them (a gap that was given up). */
struct stream_sink {
	void (*bytes)(void *ctx, const uint8_t *bytes, size_t n, uint32_t lost);
	void *ctx;
};

void stream_start(struct stream *s, struct capture_budget *budget, uint32_t next);
/* Hands over what is new and in order. Of bytes that came twice the first are taken. */
void stream_segment(struct stream *s, struct capture_budget *budget, uint32_t seq, const uint8_t *bytes, size_t n,
		    const struct stream_sink *sink);
/* Gives the first gap up and goes on behind it; false when nothing waits. */
bool stream_skip(struct stream *s, struct capture_budget *budget, const struct stream_sink *sink);
/* True when something waits and its first byte has been acknowledged, so that the gap won't be filled. */
bool stream_gap_acked(const struct stream *s, uint32_t ack);
void stream_clear(struct stream *s, struct capture_budget *budget);

/* ---- conn.c: connections by link, addresses and ports ---- */

struct conn_key {
	uint32_t link;
	uint16_t port[2];
	struct addr addr[2]; /* the lower end first */
};

enum direction_reader {
	READER_NONE, /* nothing read yet */
	READER_BGP,
	READER_BGP_SEEK, /* in search of the next message's start, since the stream was joined in its middle */
	READER_HTTP,
	READER_DONE, /* read no further */
};

/* What one end sends. */
struct direction {
	struct stream stream;
	enum direction_reader reader;
	bool syn, fin, rst; /* seen, and told */
	bool has_isn;
	bool extended; /* its OPEN has the capability of RFC 8654 */
	bool opened;   /* its OPEN was seen */
	uint32_t isn;
	struct instant gap_since; /* when the first waiting chunk came */
	uint8_t *partial;	  /* the start of a message */
	size_t partial_len, partial_cap;
};

struct conn {
	struct conn_key key;
	uint64_t hash;
	struct direction dir[2]; /* by the key's end that sends */
	struct conn *older, *newer;
};

/* Open addressing over connections that are also in a list by last use, so that the table's cap forgets the idlest. */
struct conn_table {
	struct conn **slots;
	size_t slot_count; /* power of two, or 0 */
	size_t count, max;
	struct conn *oldest, *newest, *unused;
	struct arena arena;
	uint64_t seed;
};

/* The connection and, in *ret_end, which end of it (src, src_port) is. NULL when unknown and not to be added. A new one is
 * zero but for its key; when the table is full the idlest makes room. */
struct conn *conn_find(struct conn_table *t, struct capture_budget *budget, const struct conn_key *key, bool add);
struct conn_key conn_key_of(unsigned int link, const struct addr *src, uint16_t src_port, const struct addr *dst,
			    uint16_t dst_port, unsigned int *ret_end);
void conn_direction_clear(struct direction *d, struct capture_budget *budget);
void conn_table_forget_link(struct conn_table *t, struct capture_budget *budget, unsigned int link);
void conn_table_clear(struct conn_table *t, struct capture_budget *budget);
/* False when there is no room in the budget. */
bool conn_keep_partial(struct direction *d, struct capture_budget *budget, const uint8_t *bytes, size_t n);
void conn_drop_partial(struct direction *d, struct capture_budget *budget);

/* ---- link_layer.c, ip.c ---- */

/* What the layers learn of one frame. Views look into the frame. */
struct packet {
	unsigned int link;
	uint64_t frame;
	struct instant time;
	bool carried;
	bool later_fragment; /* no transport header inside */
	struct addr src, dst;
	uint8_t protocol, ttl;
	uint16_t src_port, dst_port;
	uint32_t flow_label;
	struct wire_in payload; /* of IP, then of the transport protocol */
	size_t payload_len;	/* as the headers say; more than what payload holds when the capture cut the frame */
	uint32_t seq, ack;	/* TCP */
	uint8_t flags;
};

/* Moves *in to the IP header behind the link's headers. False: no IP inside, or headers cut short. own: the interface's
 * MAC, or NULL when unknown. */
bool link_layer_read(int linktype, const uint8_t *own, struct wire_in *in, bool *ret_carried);
bool ip_read(struct wire_in in, struct packet *p);

/* ---- tcp.c, bgp_stream.c, http.c ---- */

struct decoder {
	capture_fn *fn;
	void *ctx;
	struct conn_table conns;
	struct capture_budget budget;
};

struct capture_event capture_event_of(const struct packet *p, enum capture_kind kind);
/* Reads the TCP header off the payload. False when it is none. */
bool tcp_read_header(struct packet *p);
void tcp_packet(struct decoder *d, struct packet *p);
/* Hands over what waits behind gaps and forgets the link's connections, after the last frame of a file. */
void tcp_finish(struct decoder *d, unsigned int link, const struct packet *last);
void bgp_stream_bytes(struct decoder *d, const struct packet *p, struct conn *conn, unsigned int end,
		      const uint8_t *bytes, size_t n);
void bgp_stream_lost(struct decoder *d, const struct packet *p, struct direction *dir);
void http_stream_bytes(struct decoder *d, const struct packet *p, struct direction *dir, const uint8_t *bytes,
		       size_t n);

/* ---- savefile.c ---- */

struct savefile {
	pcap_t *dead; /* the format */
	pcap_dumper_t *dumper;
	FILE *stream; /* the dumper's */
	char *buffer;
	const char *name;
	int error; /* the first failure, -errno */
};

/* name is kept by reference. */
int savefile_open(struct savefile *s, int dir_fd, const char *name, int linktype, size_t buffer, struct errmsg *err);
void savefile_write(struct savefile *s, const struct pcap_pkthdr *header, const uint8_t *bytes);
int savefile_flush(struct savefile *s, struct errmsg *err);
/* 0, or the first failure in words. */
int savefile_error(const struct savefile *s, struct errmsg *err);
void savefile_close(struct savefile *s);

/* ---- frame.c: the capture and its links ---- */

struct live;
struct live_link;

struct link {
	uint8_t mac[6];
	bool has_mac;
	int linktype;
	uint64_t decoded; /* frames */
	uint64_t bytes, fragments;
	struct live_link *live; /* NULL: read from a file */
};

struct capture {
	struct decoder decoder;
	VEC(struct link) links;
	struct live *live; /* NULL until capture_open */
};

#define CAPTURE_LINKS_MAX 65536U
#define CAPTURE_SNAPLEN 65535

struct link *capture_link_at(struct capture *c, unsigned int link);
/* Decodes the link's next frame and calls fn for what is in it. */
void capture_frame(struct capture *c, unsigned int link, struct instant time, const uint8_t *bytes, size_t n);
struct instant capture_stamp(const struct pcap_pkthdr *header);

/* ---- live.c: the kernel's rings and the thread that empties them ---- */

/* Frames that the collector has taken and nobody has decoded yet. */
struct queue {
	uint8_t *bytes;
	size_t len, cap;
};

/* One of them: len bytes follow, and padding. */
struct queued {
	struct instant time;
	size_t len;
};

static inline size_t queued_room(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

struct live_link {
	struct live *live;
	char *name, *interface, *file;
	struct tpacket *ring;	 /* NULL once it is retired */
	struct tpacket *retired; /* a crew closes it, and nobody else looks */
	int event_fd;		 /* readable when the queue has frames */
	bool told;		 /* event_fd is readable */
	bool over;		 /* the interface went away */
	struct savefile save;
	struct queue queue;	   /* the collector appends */
	struct queue taken;	   /* the caller decodes */
	uint64_t frames, bytes;	   /* taken from the ring */
	uint64_t goal;		   /* frames to be taken before the link has settled */
	struct capture_stats last; /* what the kernel had counted when the ring was closed */
	struct capture_loss *lost; /* and when; in the arena */
	size_t lost_count;
	/* for opening */
	int ns_fd;
	size_t ring_bytes;
	unsigned int retire_ms;
	uint8_t mac[6];
	struct errmsg err;
};

/* Threads that each do the same for some of the links. */
struct crew {
	pthread_t *threads;
	size_t count;
	struct crew_share *shares;
};

struct live {
	struct arena arena; /* names and links */
	pthread_mutex_t lock;
	pthread_cond_t moved; /* the collector took frames, or the caller made room */
	VEC(struct live_link *) links;
	pthread_t collector;
	bool collecting, stopping; /* the collector */
	bool closing;		   /* the rings are retired */
	int epoll_fd, stop_fd;
	size_t queued; /* bytes in all queues */
	struct crew closers;
};

void live_free(struct live *live);
int live_stats(struct live *live, struct live_link *link, struct capture_stats *ret, struct errmsg *err);
size_t live_losses(struct live *live, const struct live_link *link, struct capture_loss ret[static CAPTURE_LOSSES_MAX]);

/* ---- losses.c: which frames of a ring others were lost between ---- */

struct dated_loss {
	struct capture_loss loss;
	uint64_t after_block, before_block;
	bool ended; /* a frame behind it was read */
};

/* Zero but for `blocks`, 2 or more: nothing was read yet. */
struct loss_log {
	uint64_t blocks;     /* of the ring */
	uint64_t given_back; /* blocks */
	uint64_t counted_at; /* how many these were when the kernel's count was read last */
	uint64_t frames;     /* read, in all */
	struct instant last_stamp;
	VEC(struct dated_loss) at;
};

struct loss_block {
	uint64_t frames;
	struct instant first, last; /* stamps */
};

/* The kernel's count has grown by so many. */
void loss_counted(struct loss_log *l, uint64_t frames, struct instant now);
/* What is in the block that is given back next. */
void loss_block(struct loss_log *l, const struct loss_block *b);
void loss_given_back(struct loss_log *l);
size_t loss_all(const struct loss_log *l, struct capture_loss ret[static CAPTURE_LOSSES_MAX]);

/* ---- tpacket.c: a packet socket and its ring ---- */

struct tpacket;

struct tpacket_conf {
	const char *interface;
	size_t ring_bytes;
	unsigned int retire_ms; /* a block is handed over so long after its first frame at the latest */
};

/* Listens on an interface of the thread's namespace, Ethernet. */
int tpacket_open(const struct tpacket_conf *conf, struct tpacket **ret, struct errmsg *err);
void tpacket_close(struct tpacket *t);
int tpacket_fd(const struct tpacket *t);
bool tpacket_mac(const struct tpacket *t, uint8_t ret[static 6]);
/* Calls fn for each frame of the next block, stamps in nanoseconds. 1, 0 when there is no such block, -errno when the interface
 * is no more. */
int tpacket_read(struct tpacket *t, pcap_handler fn, void *ctx);
/* Frames taken into the ring and those that found no room, since it was opened. */
int tpacket_counts(struct tpacket *t, struct capture_stats *ret);
size_t tpacket_losses(const struct tpacket *t, struct capture_loss ret[static CAPTURE_LOSSES_MAX]);

/* ring.c: one link's ring, opened and closed side by side with the others */
void crew_start(struct crew *crew, void (*fn)(struct live_link *link), struct live_link **links, size_t n);
void crew_join(struct crew *crew);
void ring_open(struct live_link *link);
/* Takes the ring out of use; then it can be closed behind everybody's back. */
void ring_retire(struct live_link *link);
void ring_close(struct live_link *link);
/* Frames that the ring has taken in since it was opened, and those it had no room for. */
int ring_counts(struct live_link *link, struct capture_stats *ret, struct errmsg *err);

/* collector.c; the capture's lock is held for all but the start and the stop */
int collector_start(struct live *live, struct errmsg *err);
void collector_stop(struct live *live);
int collector_watch(struct live *live, struct live_link *link, struct errmsg *err);
/* Saves and queues what the ring has now. */
void collector_take(struct live_link *link);

#endif
