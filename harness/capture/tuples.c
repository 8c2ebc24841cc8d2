/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which conversations a saved capture has. */
#include "capture_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum protocol { ICMP = 1, TCP = 6, UDP = 17, ICMPV6 = 58 };

#define SLOTS_FIRST 1024U
#define NO_TUPLE UINT32_MAX

/* Open addressing; a slot is a place in the list, plus one. */
struct tuples {
	VEC(struct capture_tuple) list;
	uint32_t *slots;
	size_t slot_count; /* power of two */
	size_t max;
	uint64_t seed; /* a hostile file can't make all meet in one place */
	bool full;
	int linktype;
};

static uint64_t mix(uint64_t h)
{
	h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
	return h ^ (h >> 31);
}

static uint64_t hash_end(uint64_t seed, const struct addr *a, uint16_t port)
{
	uint64_t halves[2];

	memcpy(halves, a->b, sizeof(halves));
	return mix(mix(mix(seed ^ halves[0]) ^ halves[1]) ^ port);
}

/* The same for both directions. */
static uint64_t hash_of(const struct tuples *t, const struct capture_tuple *x)
{
	return mix((hash_end(t->seed, &x->src, x->src_port) + hash_end(t->seed, &x->dst, x->dst_port)) ^ x->protocol);
}

static bool same(const struct capture_tuple *x, const struct capture_tuple *y)
{
	bool there = addr_equal(&x->src, &y->src) && addr_equal(&x->dst, &y->dst) && x->src_port == y->src_port &&
		     x->dst_port == y->dst_port;
	bool back = addr_equal(&x->src, &y->dst) && addr_equal(&x->dst, &y->src) && x->src_port == y->dst_port &&
		    x->dst_port == y->src_port;

	return x->protocol == y->protocol && (there || back);
}

static uint32_t *slot_of(const struct tuples *t, const struct capture_tuple *x)
{
	size_t i = hash_of(t, x) & (t->slot_count - 1);

	while (t->slots[i] != 0 && !same(&t->list.at[t->slots[i] - 1], x))
		i = (i + 1) & (t->slot_count - 1);
	return &t->slots[i];
}

static void grow(struct tuples *t)
{
	t->slot_count = t->slot_count > 0 ? t->slot_count * 2 : SLOTS_FIRST;
	free(t->slots);
	t->slots = memory_new(t->slot_count * sizeof(*t->slots));
	for (size_t i = 0; i < t->list.len; i++)
		*slot_of(t, &t->list.at[i]) = (uint32_t)i + 1;
}

static void add(struct tuples *t, const struct capture_tuple *x)
{
	uint32_t *slot;

	if (t->list.len * 2 >= t->slot_count)
		grow(t);
	slot = slot_of(t, x);
	if (*slot != 0)
		return;
	if (t->list.len >= t->max) {
		t->full = true;
		return;
	}
	VEC_PUSH(&t->list, *x);
	*slot = (uint32_t)t->list.len;
}

/* Ports, or an echo's identifier, which request and reply have in the same place. */
static bool read_ports(struct packet *p, struct capture_tuple *ret)
{
	uint8_t type;

	switch (p->protocol) {
	case TCP:
	case UDP:
		ret->src_port = wire_u16(&p->payload);
		ret->dst_port = wire_u16(&p->payload);
		return !p->payload.bad;
	case ICMP:
	case ICMPV6:
		type = wire_u8(&p->payload);
		wire_skip(&p->payload, 3);
		ret->src_port = wire_u16(&p->payload);
		return !p->payload.bad && type == (p->protocol == ICMP ? 8 : 128);
	default:
		return false;
	}
}

static uint32_t label_of(struct wire_in ip)
{
	uint32_t first = wire_u32(&ip);

	return first >> 28 == 6 ? first & 0xfffff : 0;
}

static void on_frame(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct tuples *t = (struct tuples *)(void *)user;
	struct wire_in in = wire_in_of(bytes, header->caplen);
	struct packet p = {0};
	struct capture_tuple x;

	if (t->full || !link_layer_read(t->linktype, NULL, &in, &p.carried) || !ip_read(in, &p) || p.later_fragment)
		return;
	x = (struct capture_tuple){.src = p.src, .dst = p.dst, .protocol = p.protocol, .flow_label = label_of(in)};
	if (read_ports(&p, &x))
		add(t, &x);
}

static int read_all(struct tuples *t, const char *path, struct errmsg *err)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_open_offline(path, why);
	int result = 0;

	if (pcap == NULL)
		return errmsg_say(err, -EBADMSG, "%s is no capture file: %s", path, why);
	t->linktype = pcap_datalink(pcap);
	if (pcap_loop(pcap, -1, on_frame, (u_char *)t) < 0)
		result = errmsg_say(err, -EBADMSG, "%s: %s", path, pcap_geterr(pcap));
	else if (t->full)
		result = errmsg_say(err, -ERANGE, "%s has more than %zu conversations", path, t->max);
	pcap_close(pcap);
	return result;
}

int capture_tuples_read(const char *path, size_t max, struct capture_tuple **ret, size_t *ret_count, struct errmsg *err)
{
	struct tuples t = {.max = max < NO_TUPLE ? max : NO_TUPLE - 1};
	int result;

	*ret = NULL;
	*ret_count = 0;
	if (getrandom(&t.seed, sizeof(t.seed), GRND_NONBLOCK) < 0)
		t.seed = (uintptr_t)&t;
	result = read_all(&t, path, err);
	free(t.slots);
	if (result < 0) {
		VEC_FREE(&t.list);
		return result;
	}
	*ret = t.list.at;
	*ret_count = t.list.len;
	return 0;
}
