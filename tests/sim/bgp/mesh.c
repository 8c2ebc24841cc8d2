/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mesh.h"

#include <stdio.h>
#include <string.h>

void mesh_init(struct mesh *m)
{
	m->speaker.as = m->speaker.as != 0 ? m->speaker.as : MESH_AS;
	m->speaker.router_id = 0x0a000001;
	m->speaker.max_paths = m->speaker.max_paths != 0 ? m->speaker.max_paths : 8;
	m->speaker.readvertise = true;
	m->speaker.seed = 1;
	m->h = (struct hand){.s = bgp_speaker_new(&m->speaker)};
}

void mesh_free(struct mesh *m)
{
	bgp_speaker_free(m->h.s);
}

void mesh_forget(struct mesh *m)
{
	bgp_outputs_clear(m->h.s);
	m->h.seen = 0;
}

static void says(struct mesh *m, unsigned int peer, const char *hex)
{
	hand_says(&m->h, m->conns[peer], hex, ++m->ms);
}

static void open_up(struct mesh *m, unsigned int peer, uint32_t as, const char *capabilities, bool as4)
{
	uint8_t more[256];
	char hex[1024], as_capability[32] = "";
	size_t n = support_hex(capabilities, more, sizeof(more)) + 6 + (as4 ? 6 : 0);

	if (as4)
		snprintf(as_capability, sizeof(as_capability), "4104 %08x", as);
	snprintf(hex, sizeof(hex), MARKER "%04x 01 04 %04x 0000 0a0000%02x %02x 02 %02x 0104 00010001 %s %s",
		 (unsigned int)(31 + n), as > 65535 ? 23456 : as, 2 + peer, (unsigned int)(n + 2), (unsigned int)n,
		 as_capability, capabilities);
	says(m, peer, hex);
	says(m, peer, KEEPALIVE);
}

void mesh_peer_again(struct mesh *m, unsigned int peer, uint32_t as, const char *capabilities, bool as4)
{
	const struct addr *remote = &bgp_peer_conf(m->h.s, peer)->remote;
	struct addr local = hand_addr(remote->family == ADDR_V6 ? "fd00::1" : "10.0.0.1");

	assert_true(bgp_in_accepted(m->h.s, &local, remote, hand_at_ms(m->ms), &m->conns[peer]));
	open_up(m, peer, as, capabilities, as4);
	assert_int_equal(bgp_peer_state(m->h.s, peer), BGP_ESTABLISHED);
}

unsigned int mesh_peer(struct mesh *m, uint32_t as, const char *capabilities, bool as4,
		       const struct bgp_peer_conf *conf)
{
	struct bgp_peer_conf c = conf != NULL ? *conf : (struct bgp_peer_conf){0};
	unsigned int n = m->count++;
	struct addr first = hand_addr(c.local.family == ADDR_V6 ? "fd00::2" : "10.0.0.2");
	bgp_peer_id id;

	c.remote = addr_add(&first, n);
	c.remote_as = as;
	c.passive = true;
	assert_int_equal(bgp_peer_add(m->h.s, &c, &id), 0);
	bgp_peer_start(m->h.s, id, hand_at_ms(m->ms));
	mesh_peer_again(m, n, as, capabilities, as4);
	mesh_forget(m);
	return n;
}

static size_t octets(const char *hex)
{
	uint8_t bytes[4096];

	return support_hex(hex, bytes, sizeof(bytes));
}

static void update(char *ret, size_t room, const char *withdrawn, const char *attrs, const char *nlri)
{
	snprintf(ret, room, MARKER "%04x 02 %04x %s %04x %s %s",
		 (unsigned int)(23 + octets(withdrawn) + octets(attrs) + octets(nlri)), (unsigned int)octets(withdrawn),
		 withdrawn, (unsigned int)octets(attrs), attrs, nlri);
}

void mesh_announces(struct mesh *m, unsigned int peer, const char *attrs, const char *nlri)
{
	char hex[2048];

	update(hex, sizeof(hex), "", attrs, nlri);
	says(m, peer, hex);
}

void mesh_withdraws(struct mesh *m, unsigned int peer, const char *nlri)
{
	char hex[2048];

	update(hex, sizeof(hex), nlri, "", "");
	says(m, peer, hex);
}

/* What the peer was sent, all in one; how many messages in *ret_n. */
static size_t sent(struct mesh *m, unsigned int peer, uint8_t *ret, size_t room, size_t *ret_n)
{
	size_t n, len = 0;
	const struct bgp_output *outs = bgp_outputs(m->h.s, &n);

	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		if (outs[i].kind != BGP_OUT_SEND || outs[i].conn != m->conns[peer])
			continue;
		assert_true(len + outs[i].len <= room);
		memcpy(ret + len, outs[i].bytes, outs[i].len);
		len += outs[i].len;
		(*ret_n)++;
	}
	return len;
}

static void told(struct mesh *m, unsigned int peer, const char *hex)
{
	uint8_t got[4096], want[4096];
	size_t messages, n = sent(m, peer, got, sizeof(got), &messages);

	support_bytes_equal(got, n, want, support_hex(hex, want, sizeof(want)));
}

void mesh_told(struct mesh *m, unsigned int peer, const char *attrs, const char *nlri)
{
	char hex[2048];

	update(hex, sizeof(hex), "", attrs, nlri);
	told(m, peer, hex);
}

void mesh_told_withdrawn(struct mesh *m, unsigned int peer, const char *nlri)
{
	char hex[2048];

	update(hex, sizeof(hex), nlri, "", "");
	told(m, peer, hex);
}

void mesh_told_nothing(struct mesh *m, unsigned int peer)
{
	told(m, peer, "");
}

const char *mesh_route(struct mesh *m)
{
	static char text[512];
	size_t n;
	const struct bgp_output *outs = bgp_outputs(m->h.s, &n);

	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t len = 0;

		if (outs[i].kind != BGP_OUT_ROUTE)
			continue;
		snprintf(text, sizeof(text), "-");
		for (size_t k = 0; k < outs[i].next_hop_count; k++) {
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", k > 0 ? " " : "",
						addr_text(&outs[i].next_hops[k]).s);
			if (outs[i].weights != NULL)
				len += (size_t)snprintf(text + len, sizeof(text) - len, "*%u", outs[i].weights[k]);
		}
	}
	return text;
}
