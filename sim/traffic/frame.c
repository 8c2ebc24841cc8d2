/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames: libnet builds the first, and each further one is that with other addresses, ports, tag and checksums. */
#include "traffic_int.h"

#include <libnet.h>

#include <errno.h>
#include <string.h>

#define ETHER_LEN 14U
#define IPV4_LEN 20U
#define IPV6_LEN 40U
#define UDP_LEN 8U
#define TCP_LEN 20U
#define TTL 64U
#define WINDOW 64240U
#define FIRST_SEQUENCE 1U

static uint8_t number_of(enum traffic_protocol protocol)
{
	return protocol == TRAFFIC_UDP ? IPPROTO_UDP : IPPROTO_TCP;
}

static int put_l4(libnet_t *l, enum traffic_protocol protocol, const struct traffic_tuple *t)
{
	static const uint8_t payload[WIRE_FLOWTAG_LEN];

	if (protocol == TRAFFIC_UDP)
		return libnet_build_udp(t->src_port, t->dst_port, UDP_LEN + WIRE_FLOWTAG_LEN, 0, payload,
					sizeof(payload), l, 0);
	return libnet_build_tcp(t->src_port, t->dst_port, FIRST_SEQUENCE, 0, TH_SYN, WINDOW, 0, 0,
				TCP_LEN + WIRE_FLOWTAG_LEN, payload, sizeof(payload), l, 0);
}

static int put_ip(libnet_t *l, const struct traffic_frame *f, const struct traffic_tuple *t)
{
	uint16_t l4_len = (uint16_t)(f->len - f->l4);
	struct libnet_in6_addr src6, dst6;
	uint32_t src, dst;

	if (f->family == ADDR_V4) {
		memcpy(&src, t->src.b, sizeof(src));
		memcpy(&dst, t->dst.b, sizeof(dst));
		return libnet_build_ipv4((uint16_t)(IPV4_LEN + l4_len), 0, 0, IP_DF, TTL, number_of(f->protocol), 0,
					 src, dst, NULL, 0, l, 0);
	}
	memcpy(&src6, t->src.b, sizeof(src6));
	memcpy(&dst6, t->dst.b, sizeof(dst6));
	return libnet_build_ipv6(0, 0, l4_len, number_of(f->protocol), TTL, src6, dst6, NULL, 0, l, 0);
}

static int assemble(libnet_t *l, struct traffic_frame *f, const uint8_t *mac, const uint8_t *gateway_mac,
		    const struct traffic_tuple *t)
{
	uint16_t type = f->family == ADDR_V4 ? ETHERTYPE_IP : ETHERTYPE_IPV6;
	uint8_t *packet = NULL;
	uint32_t n = 0;

	if (put_l4(l, f->protocol, t) == -1 || put_ip(l, f, t) == -1 ||
	    libnet_build_ethernet(gateway_mac, mac, type, NULL, 0, l, 0) == -1 ||
	    libnet_pblock_coalesce(l, &packet, &n) == -1)
		return -EINVAL;
	if (n == f->len)
		memcpy(f->bytes, packet, n);
	libnet_adv_free_packet(l, packet);
	return n == f->len ? 0 : -EINVAL;
}

int traffic_frame_make(struct traffic_frame *ret, enum traffic_protocol protocol, const uint8_t mac[static 6],
		       const uint8_t gateway_mac[static 6], const struct traffic_tuple *tuple, struct errmsg *err)
{
	struct traffic_frame f = {.family = tuple->src.family, .protocol = protocol, .ip = ETHER_LEN};
	char words[LIBNET_ERRBUF_SIZE] = "";
	libnet_t *l = libnet_init(LIBNET_NONE, NULL, words);
	int result;

	if (l == NULL)
		return errmsg_say(err, -ENOMEM, "libnet: %s", words);
	f.l4 = f.ip + (f.family == ADDR_V4 ? IPV4_LEN : IPV6_LEN);
	f.tag = f.l4 + (protocol == TRAFFIC_UDP ? UDP_LEN : TCP_LEN);
	f.len = f.tag + WIRE_FLOWTAG_LEN;
	result = assemble(l, &f, mac, gateway_mac, tuple);
	if (result < 0)
		errmsg_say(err, result, "libnet: %s", libnet_geterror(l));
	else
		*ret = f;
	libnet_destroy(l);
	return result;
}

/* RFC 1071: the octets as 16-bit words in network order; all parts summed here have an even length. */
static uint32_t sum_words(uint32_t sum, const uint8_t *at, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void set_checksums(struct traffic_frame *f, const uint8_t *addrs, size_t addrs_len)
{
	uint8_t *l4_sum = f->bytes + f->l4 + (f->protocol == TRAFFIC_UDP ? 6 : 16);
	size_t l4_len = f->len - f->l4;
	uint32_t pseudo = sum_words((uint32_t)l4_len + number_of(f->protocol), addrs, addrs_len);
	uint16_t sum;

	put16(l4_sum, 0);
	sum = fold(sum_words(pseudo, f->bytes + f->l4, l4_len));
	if (sum == 0 && f->protocol == TRAFFIC_UDP)
		sum = 0xffff; /* RFC 768: zero means that there is none */
	put16(l4_sum, sum);
	if (f->family == ADDR_V4) {
		put16(f->bytes + f->ip + 10, 0);
		put16(f->bytes + f->ip + 10, fold(sum_words(0, f->bytes + f->ip, IPV4_LEN)));
	}
}

void traffic_frame_set(struct traffic_frame *f, const struct traffic_tuple *tuple, const struct wire_flowtag *tag)
{
	struct wire_out out = wire_out_to(f->bytes + f->tag, WIRE_FLOWTAG_LEN);
	uint8_t *addrs = f->bytes + f->ip + (f->family == ADDR_V4 ? 12 : 8);
	size_t n = addr_len(f->family);

	memcpy(addrs, tuple->src.b, n);
	memcpy(addrs + n, tuple->dst.b, n);
	put16(f->bytes + f->l4, tuple->src_port);
	put16(f->bytes + f->l4 + 2, tuple->dst_port);
	wire_flowtag_encode(&out, tag);
	set_checksums(f, addrs, 2 * n);
}
