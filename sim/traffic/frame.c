/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames: libnet builds the first, and each further one is that with other addresses, ports, tags and checksums. What never
 * changes is summed once; RFC 1071 sections 1 and 2: such sums may be taken in any order, byte order and width. */
#include "traffic_int.h"

#include <libnet.h>

#include <errno.h>
#include <string.h>

#define ETHER_LEN 14U
#define IPV4_LEN 20U
#define IPV6_LEN 40U
#define IPV6_FRAGMENT_LEN 8U
#define UDP_LEN 8U
#define TCP_LEN 20U
#define ICMP_LEN 8U
#define TTL 64U
#define WINDOW 64240U
#define FIRST_SEQUENCE 1U
#define FRAGMENT_UNIT 8U
#define ID_STEP 40503U /* odd: rounds of the same flow get other identifications */

/* By protocol and, for the numbers, family. */
struct l4 {
	uint8_t v4, v6;
	size_t len;
	size_t sum; /* where the checksum is */
	size_t key; /* the four octets that tell flows apart: ports, or identifier and sequence number */
};

static const struct l4 l4s[] = {
	[TRAFFIC_UDP] = {IPPROTO_UDP, IPPROTO_UDP, UDP_LEN, 6, 0},
	[TRAFFIC_TCP_SYN] = {IPPROTO_TCP, IPPROTO_TCP, TCP_LEN, 16, 0},
	[TRAFFIC_ICMP_ECHO] = {IPPROTO_ICMP, IPPROTO_ICMPV6, ICMP_LEN, 2, 4},
};

static uint8_t number_of(const struct traffic_frame *f)
{
	return f->family == ADDR_V4 ? l4s[f->protocol].v4 : l4s[f->protocol].v6;
}

static size_t ip_len(uint8_t family)
{
	return family == ADDR_V4 ? IPV4_LEN : IPV6_LEN;
}

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
	put16(at, (uint16_t)(v >> 16));
	put16(at + 2, (uint16_t)v);
}

/* ---- What libnet builds ---- */

/* payload stands behind the header that it puts; both go behind the IP header. */
static int put_l4(libnet_t *l, const struct traffic_frame *f, const struct traffic_tuple *t, const uint8_t *payload,
		  uint32_t n)
{
	switch (f->protocol) {
	case TRAFFIC_UDP:
		return libnet_build_udp(t->src_port, t->dst_port, (uint16_t)(UDP_LEN + n), 0, payload, n, l, 0);
	case TRAFFIC_TCP_SYN:
		return libnet_build_tcp(t->src_port, t->dst_port, FIRST_SEQUENCE, 0, TH_SYN, WINDOW, 0, 0,
					(uint16_t)(TCP_LEN + n), payload, n, l, 0);
	case TRAFFIC_ICMP_ECHO:
		if (f->family == ADDR_V4)
			return libnet_build_icmpv4_echo(ICMP_ECHO, 0, 0, t->src_port, 0, payload, n, l, 0);
		return libnet_build_icmpv6_echo(ICMP6_ECHO, 0, 0, t->src_port, 0, (uint8_t *)(uintptr_t)payload, n, l,
						0);
	}
	return -1;
}

struct fragment {
	uint16_t at; /* in units of eight octets */
	bool more;
};

static int put_ip(libnet_t *l, const struct traffic_frame *f, const struct traffic_tuple *t, uint16_t payload,
		  const struct fragment *fragment)
{
	struct libnet_in6_addr src6, dst6;
	uint32_t src, dst;
	uint8_t next = number_of(f);

	if (f->family == ADDR_V4) {
		uint16_t flags = fragment == NULL ? IP_DF : (uint16_t)(fragment->at | (fragment->more ? IP_MF : 0));

		memcpy(&src, t->src.b, sizeof(src));
		memcpy(&dst, t->dst.b, sizeof(dst));
		return libnet_build_ipv4((uint16_t)(IPV4_LEN + payload), 0, 0, flags, TTL, next, 0, src, dst, NULL, 0,
					 l, 0);
	}
	memcpy(&src6, t->src.b, sizeof(src6));
	memcpy(&dst6, t->dst.b, sizeof(dst6));
	if (fragment != NULL) {
		if (libnet_build_ipv6_frag(next, 0, 0, 0, NULL, 0, l, 0) == -1)
			return -1;
		next = IPPROTO_FRAGMENT;
		payload = (uint16_t)(payload + IPV6_FRAGMENT_LEN);
	}
	return libnet_build_ipv6(0, 0, payload, next, TTL, src6, dst6, NULL, 0, l, 0);
}

/* Puts the layers below f->l4 around what was put before, and copies the frame. */
static int assemble(libnet_t *l, struct traffic_frame *f, const struct traffic_macs *macs,
		    const struct traffic_tuple *t, const struct fragment *fragment)
{
	uint16_t type = f->family == ADDR_V4 ? ETHERTYPE_IP : ETHERTYPE_IPV6;
	uint8_t *packet = NULL;
	uint32_t n = 0;

	if (put_ip(l, f, t, (uint16_t)(f->len - f->l4), fragment) == -1 ||
	    libnet_build_ethernet(macs->gateway, macs->own, type, NULL, 0, l, 0) == -1 ||
	    libnet_pblock_coalesce(l, &packet, &n) == -1)
		return -EINVAL;
	if (n == f->len)
		memcpy(f->bytes, packet, n);
	if (n == f->len && fragment != NULL && f->family == ADDR_V6) /* libnet's versions differ in its byte order */
		put16(f->bytes + f->ip + IPV6_LEN + 2, (uint16_t)(fragment->at << 3 | (fragment->more ? 1 : 0)));
	libnet_adv_free_packet(l, packet);
	return n == f->len ? 0 : -EINVAL;
}

/* ---- Sums ---- */

/* An even number of octets. */
static uint64_t sum_of(const uint8_t *at, size_t n)
{
	uint64_t sum = 0;
	size_t i = 0;
	uint32_t word;
	uint16_t half;

	for (; i + sizeof(word) <= n; i += sizeof(word)) {
		memcpy(&word, at + i, sizeof(word));
		sum += word;
	}
	if (i < n) {
		memcpy(&half, at + i, sizeof(half));
		sum += half;
	}
	return sum;
}

static uint16_t fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint8_t *addrs_of(struct traffic_frame *f)
{
	return f->bytes + f->ip + (f->family == ADDR_V4 ? 12 : 8);
}

/* RFC 793 section 3.1, RFC 8200 section 8.1; ICMP has it in IPv6 alone. */
static bool has_pseudo_header(const struct traffic_frame *f)
{
	return f->protocol != TRAFFIC_ICMP_ECHO || f->family == ADDR_V6;
}

static void zero_what_varies(struct traffic_frame *f)
{
	memset(addrs_of(f), 0, 2 * addr_len(f->family));
	if (f->family == ADDR_V4)
		memset(f->bytes + f->ip + 10, 0, 2);
	if (f->later)
		return;
	memset(f->bytes + f->l4 + l4s[f->protocol].sum, 0, 2);
	memset(f->bytes + f->l4 + l4s[f->protocol].key, 0, 4);
}

/* l4_len: of the whole datagram's. */
static void sum_what_stays(struct traffic_frame *f, size_t l4_len)
{
	zero_what_varies(f);
	f->ip_sum = f->family == ADDR_V4 ? sum_of(f->bytes + f->ip, IPV4_LEN) : 0;
	if (f->later)
		return;
	f->l4_sum = sum_of(f->bytes + f->l4, f->tag - f->l4);
	if (has_pseudo_header(f))
		f->l4_sum += (uint64_t)htons((uint16_t)l4_len) + htons(number_of(f));
}

/* ---- Making ---- */

static struct traffic_frame plan_of(const struct traffic_tuple *tuple, size_t extensions)
{
	struct traffic_frame f = {.family = tuple->src.family, .protocol = tuple->protocol, .ip = ETHER_LEN};

	f.l4 = f.ip + ip_len(f.family) + extensions;
	f.tag = f.l4 + l4s[f.protocol].len;
	f.len = f.tag + WIRE_FLOWTAG_LEN;
	return f;
}

static int close_libnet(libnet_t *l, int result, struct errmsg *err)
{
	if (result < 0)
		errmsg_say(err, result, "libnet: %s", libnet_geterror(l));
	libnet_destroy(l);
	return result;
}

int traffic_frame_make(struct traffic_frame *ret, const struct traffic_macs *macs, const struct traffic_tuple *tuple,
		       struct errmsg *err)
{
	static const uint8_t payload[WIRE_FLOWTAG_LEN];
	struct traffic_frame f = plan_of(tuple, 0);
	char words[LIBNET_ERRBUF_SIZE] = "";
	libnet_t *l = libnet_init(LIBNET_NONE, NULL, words);
	int result;

	if (l == NULL)
		return errmsg_say(err, -ENOMEM, "libnet: %s", words);
	result = put_l4(l, &f, tuple, payload, sizeof(payload)) == -1 ? -EINVAL : assemble(l, &f, macs, tuple, NULL);
	sum_what_stays(&f, f.len - f.l4);
	if (result == 0)
		*ret = f;
	return close_libnet(l, result, err);
}

/* The first one's part of the datagram: a whole number of units. */
static size_t first_part(const struct traffic_frame *f)
{
	size_t n = l4s[f->protocol].len + WIRE_FLOWTAG_LEN;

	return (n + FRAGMENT_UNIT - 1) / FRAGMENT_UNIT * FRAGMENT_UNIT;
}

static int make_first(libnet_t *l, struct traffic_frame *f, const struct traffic_macs *macs,
		      const struct traffic_tuple *tuple)
{
	static const uint8_t zeros[WIRE_FLOWTAG_LEN + FRAGMENT_UNIT];
	size_t part = first_part(f), l4_len = part + WIRE_FLOWTAG_LEN;
	int result;

	f->len = f->l4 + part;
	if (put_l4(l, f, tuple, zeros, (uint32_t)(part - l4s[f->protocol].len)) == -1)
		return -EINVAL;
	result = assemble(l, f, macs, tuple, &(struct fragment){0, true});
	if (result == 0 && f->protocol == TRAFFIC_UDP) { /* the length is the datagram's */
		f->bytes[f->l4 + 4] = (uint8_t)(l4_len >> 8);
		f->bytes[f->l4 + 5] = (uint8_t)l4_len;
	}
	sum_what_stays(f, l4_len);
	return result;
}

static int make_later(libnet_t *l, struct traffic_frame *f, const struct traffic_macs *macs,
		      const struct traffic_tuple *tuple)
{
	static const uint8_t zeros[WIRE_FLOWTAG_LEN];
	uint16_t at = (uint16_t)(first_part(f) / FRAGMENT_UNIT);
	int result;

	f->later = true;
	f->tag = f->l4;
	f->len = f->tag + WIRE_FLOWTAG_LEN;
	libnet_clear_packet(l);
	if (libnet_build_data(zeros, sizeof(zeros), l, 0) == -1)
		return -EINVAL;
	result = assemble(l, f, macs, tuple, &(struct fragment){at, false});
	sum_what_stays(f, 0);
	return result;
}

int traffic_fragments_make(struct traffic_frame ret[static 2], const struct traffic_macs *macs,
			   const struct traffic_tuple *tuple, struct errmsg *err)
{
	struct traffic_frame first = plan_of(tuple, tuple->src.family == ADDR_V6 ? IPV6_FRAGMENT_LEN : 0);
	struct traffic_frame later = first;
	char words[LIBNET_ERRBUF_SIZE] = "";
	libnet_t *l = libnet_init(LIBNET_NONE, NULL, words);
	int result;

	if (l == NULL)
		return errmsg_say(err, -ENOMEM, "libnet: %s", words);
	result = make_first(l, &first, macs, tuple);
	if (result == 0)
		result = make_later(l, &later, macs, tuple);
	if (result == 0) {
		ret[0] = first;
		ret[1] = later;
	}
	return close_libnet(l, result, err);
}

/* ---- Changing ---- */

/* Addresses, and what only one family has. Returns the sum of the addresses. */
static uint64_t set_ip(struct traffic_frame *f, const struct traffic_tuple *tuple)
{
	uint8_t *addrs = addrs_of(f);
	uint64_t sum;
	uint16_t folded;

	if (f->family == ADDR_V6) {
		put32(f->bytes + f->ip, UINT32_C(6) << 28 | (tuple->flow_label & 0xfffff));
		memcpy(addrs, tuple->src.b, 16);
		memcpy(addrs + 16, tuple->dst.b, 16);
		return sum_of(addrs, 32);
	}
	memcpy(addrs, tuple->src.b, 4);
	memcpy(addrs + 4, tuple->dst.b, 4);
	sum = sum_of(addrs, 8);
	folded = fold(f->ip_sum + sum + sum_of(f->bytes + f->ip + 4, 2));
	memcpy(f->bytes + f->ip + 10, &folded, sizeof(folded));
	return sum;
}

/* Returns the sum of the tag. */
static uint64_t set_tag(struct traffic_frame *f, const struct wire_flowtag *tag)
{
	struct wire_out out = wire_out_to(f->bytes + f->tag, WIRE_FLOWTAG_LEN);

	wire_flowtag_encode(&out, tag);
	return sum_of(f->bytes + f->tag, WIRE_FLOWTAG_LEN);
}

/* Ports and checksum; sum: of the addresses and tags. */
static void set_l4(struct traffic_frame *f, const struct traffic_tuple *tuple, uint32_t seq, uint64_t sum)
{
	const struct l4 *l4 = &l4s[f->protocol];
	uint8_t *key = f->bytes + f->l4 + l4->key;
	uint16_t folded;

	put16(key, tuple->src_port);
	put16(key + 2, f->protocol == TRAFFIC_ICMP_ECHO ? (uint16_t)seq : tuple->dst_port);
	folded = fold(f->l4_sum + sum + sum_of(key, 4));
	if (folded == 0 && f->protocol == TRAFFIC_UDP)
		folded = 0xffff; /* RFC 768: zero means that there is none */
	memcpy(f->bytes + f->l4 + l4->sum, &folded, sizeof(folded));
}

void traffic_frame_set(struct traffic_frame *f, const struct traffic_tuple *tuple, const struct wire_flowtag *tag)
{
	uint64_t addrs = set_ip(f, tuple), tags = set_tag(f, tag);

	set_l4(f, tuple, tag->seq, tags + (has_pseudo_header(f) ? addrs : 0));
}

void traffic_fragments_set(struct traffic_frame f[static 2], const struct traffic_tuple *tuple,
			   const struct wire_flowtag *tag)
{
	uint32_t id = tag->flow + tag->seq * ID_STEP;
	uint64_t addrs = 0, tags = 0;

	for (uint32_t i = 0; i < 2; i++) {
		struct wire_flowtag own = *tag;

		own.seq = tag->seq * 2 + i;
		if (f[i].family == ADDR_V4)
			put16(f[i].bytes + f[i].ip + 4, (uint16_t)id);
		else
			put32(f[i].bytes + f[i].ip + IPV6_LEN + 4, id);
		addrs = set_ip(&f[i], tuple);
		tags += set_tag(&f[i], &own);
	}
	set_l4(&f[0], tuple, tag->seq, tags + (has_pseudo_header(&f[0]) ? addrs : 0));
}
