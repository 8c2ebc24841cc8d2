/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink requests, one by one and in batches. */
#include "net_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A batch is acknowledged as a whole, by its last request; what is refused is told one by one, and must fit the socket's
 * receive buffer when everything is. */
#define BATCH_REQUESTS 128U
#define BATCH_BYTES 32768U

struct nlmsghdr *net_message(char *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);

	m->nlmsg_type = type;
	m->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return m;
}

void net_queue(struct net_ns *ns, const struct nlmsghdr *message, const char *fmt, ...)
{
	struct request r = {.offset = ns->queue.len, .len = message->nlmsg_len, .seq = ++ns->seq};
	struct nlmsghdr head = *message;
	size_t room = NLMSG_ALIGN(message->nlmsg_len);
	va_list args;

	va_start(args, fmt);
	vsnprintf(r.words, sizeof(r.words), fmt, args);
	va_end(args);
	head.nlmsg_seq = r.seq;
	while (ns->queue.cap - ns->queue.len < room)
		ns->queue.at = vec_grow(ns->queue.at, &ns->queue.cap, 1);
	memset(ns->queue.at + ns->queue.len, 0, room);
	memcpy(ns->queue.at + ns->queue.len, message, message->nlmsg_len);
	memcpy(ns->queue.at + ns->queue.len, &head, sizeof(head));
	ns->queue.len += room;
	VEC_PUSH(&ns->requests, r);
}

void net_queue_lenient(struct net_ns *ns)
{
	ns->requests.at[ns->requests.len - 1].lenient = true;
}

void net_queue_failed(struct net_ns *ns, int code, const char *fmt, ...)
{
	char words[200];
	va_list args;

	if (ns->late.code != 0)
		return;
	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	(void)errmsg_set(&ns->late, code, "%s: %s", ns->name, words);
}

static ssize_t receive(struct net_ns *ns, char *buf, size_t room)
{
	ssize_t n;

	do
		n = mnl_socket_recvfrom(ns->netlink, buf, room);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Answers to earlier requests lie in the socket still when reading them failed half way. */
static bool is_older(uint32_t seq, uint32_t than)
{
	return (int32_t)(seq - than) < 0;
}

/* The next acknowledgement or refusal of a request not older than first: its sequence number and error. Returns -errno
 * when there is none to read. */
static int ack_read(struct net_ns *ns, uint32_t first, uint32_t *ret_seq, int *ret_error)
{
	char buf[NET_MESSAGE_MAX];
	const struct nlmsghdr *m = (const struct nlmsghdr *)buf;
	const struct nlmsgerr *e;
	ssize_t n;

	do {
		n = receive(ns, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		if (!mnl_nlmsg_ok(m, (int)n))
			return -EPROTO;
	} while (is_older(m->nlmsg_seq, first));
	if (m->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(m) < sizeof(e->error))
		return -EPROTO;
	e = mnl_nlmsg_get_payload(m);
	*ret_seq = m->nlmsg_seq;
	*ret_error = e->error;
	return 0;
}

/* Requests that were not queued may have taken numbers in between. */
static const struct request *request_of(const struct request *r, size_t count, uint32_t seq)
{
	static const struct request other = {.words = "netlink"};

	for (size_t i = 0; i < count; i++)
		if (r[i].seq == seq)
			return &r[i];
	return &other;
}

static bool is_failure(const struct request *r, int error)
{
	return error < 0 && !(r->lenient && (error == -ESRCH || error == -ENOENT));
}

/* Marks the request as the one whose acknowledgement is waited for. */
static void ack_ask(struct net_ns *ns, const struct request *r)
{
	struct nlmsghdr head;

	memcpy(&head, ns->queue.at + r->offset, sizeof(head));
	head.nlmsg_flags |= NLM_F_ACK;
	memcpy(ns->queue.at + r->offset, &head, sizeof(head));
}

static int batch_send(struct net_ns *ns, size_t first, size_t count, struct errmsg *err)
{
	const struct request *r = &ns->requests.at[first];
	uint32_t last = r[count - 1].seq, seq = r->seq;
	size_t start = r->offset;
	size_t end = first + count < ns->requests.len ? ns->requests.at[first + count].offset : ns->queue.len;
	int result = 0;

	ack_ask(ns, &r[count - 1]);
	if (mnl_socket_sendto(ns->netlink, ns->queue.at + start, end - start) < 0)
		return errmsg_set(err, -errno, "%s: netlink", ns->name);
	do {
		const struct request *asked;
		int error;
		int got = ack_read(ns, r->seq, &seq, &error);

		if (got < 0)
			return errmsg_set(err, got, "%s: netlink", ns->name);
		asked = request_of(r, count, seq);
		if (is_failure(asked, error) && result == 0)
			result = errmsg_set(err, error, "%s: %s", ns->name, asked->words);
	} while (seq != last);
	return result;
}

static size_t batch_size(const struct net_ns *ns, size_t first)
{
	size_t n = 1;

	while (first + n < ns->requests.len && n < BATCH_REQUESTS &&
	       ns->requests.at[first + n].offset + ns->requests.at[first + n].len - ns->requests.at[first].offset <
		       BATCH_BYTES)
		n++;
	return n;
}

int net_flush(struct net_ns *ns, struct errmsg *err)
{
	int result = 0;

	/* One request's failure is not another's: all are made, the first failure is told. */
	for (size_t first = 0, n; first < ns->requests.len; first += n) {
		struct errmsg later;
		int r;

		n = batch_size(ns, first);
		r = batch_send(ns, first, n, result == 0 ? err : &later);
		result = result == 0 ? r : result;
	}
	if (result == 0 && ns->late.code != 0) {
		*err = ns->late;
		result = err->code;
	}
	VEC_CLEAR(&ns->queue);
	VEC_CLEAR(&ns->requests);
	ns->late = (struct errmsg){0};
	return result;
}

int net_request(struct net_ns *ns, struct nlmsghdr *message, const char *words, struct errmsg *err)
{
	uint32_t seq;
	int error, got;

	message->nlmsg_seq = ++ns->seq;
	message->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(ns->netlink, message, message->nlmsg_len) < 0)
		return errmsg_set(err, -errno, "%s: %s", ns->name, words);
	got = ack_read(ns, ns->seq, &seq, &error);
	if (got == 0)
		got = error;
	return got < 0 ? errmsg_set(err, got, "%s: %s", ns->name, words) : 0;
}

/* The kernel marks the messages of a dump during which the table changed. The mark would end the walk before its end. */
static bool marks_take(char *buf, size_t n)
{
	struct nlmsghdr *m = (struct nlmsghdr *)(void *)buf;
	bool interrupted = false;

	for (int left = (int)n; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		interrupted = interrupted || (m->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		m->nlmsg_flags &= (uint16_t)~NLM_F_DUMP_INTR;
	}
	return interrupted;
}

int net_query(struct net_ns *ns, struct nlmsghdr *message, mnl_cb_t cb, void *ctx, const char *words,
	      struct errmsg *err)
{
	char buf[65536];
	int more = MNL_CB_OK;
	bool interrupted = false;

	message->nlmsg_seq = ++ns->seq;
	if (mnl_socket_sendto(ns->netlink, message, message->nlmsg_len) < 0)
		return errmsg_set(err, -errno, "%s: %s", ns->name, words);
	while (more > MNL_CB_STOP) {
		ssize_t n = receive(ns, buf, sizeof(buf));

		if (n < 0)
			return errmsg_set(err, -errno, "%s: %s", ns->name, words);
		if (mnl_nlmsg_ok((const struct nlmsghdr *)buf, (int)n) &&
		    is_older(((const struct nlmsghdr *)buf)->nlmsg_seq, ns->seq))
			continue;
		interrupted = marks_take(buf, (size_t)n) || interrupted;
		more = mnl_cb_run(buf, (size_t)n, ns->seq, 0, cb, ctx);
		if (more < 0)
			return errmsg_set(err, -errno, "%s: %s", ns->name, words);
		/* A single answer ends with itself, not with NLMSG_DONE. */
		if ((message->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
			break;
	}
	return interrupted ? -EINTR : 0;
}
