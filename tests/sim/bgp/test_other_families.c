/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Families beyond unicast: kept and passed on as octets, never fatal (RFC 4760, 4364, 7432, 8277, 9136). Vectors from the RFCs'
 * formats, by hand. */
#include "mesh.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AS_A 65010
#define AS_B 65020
#define A_PATH "400206 0201 0000fdf2 "
#define VIA_A "40020a 0202 0000fde9 0000fdf2 "

#define MP_VPN "0104 0001 00 80 "
#define MP_EVPN "0104 0019 00 46 "
#define MP_LS "0104 4004 00 47 "
#define NET "18 0a0a0a"
#define PROVIDER "0901 00 "
#define CUSTOMER "0901 03 "
#define ONLY_TO_CUSTOMER "c02304 0000fdf2 "

/* VPNv4: hop 0:10.0.0.101; 192.0.2.0/24 of 65001:1 with a label. */
#define VPN_HOP "0c 0000000000000000 0a000065 00 "
#define VPN_NLRI(label) "70 " label " 0000fde900000001 c00002"
#define VPN(label) "800e20 0001 80 " VPN_HOP VPN_NLRI(label) " "
#define VPN_GONE(label) "800f12 0001 80 " VPN_NLRI(label)

/* EVPN MAC/IP (type 2) with a segment and a label, as FRR withdraws it, and as we do; IMET (type 3). */
#define MAC_HEAD "0000fde900000001 "
#define MAC_TAIL "00000000 30 020000000001 00 "
#define NO_ESI "00000000000000000000 "
#define MAC_IP(esi, label) "02 21 " MAC_HEAD esi MAC_TAIL label
#define IMET "03 11 0000fde900000001 00000000 20 0a000065"

static const struct bgp_family vpn = {1, 128}, evpn = {25, 70}, link_state = {16388, 71};

static struct bgp_peer_conf conf_of(void)
{
	return (struct bgp_peer_conf){.other_families = {vpn, evpn, link_state}};
}

/* ---- What is kept ---- */

struct kept {
	char text[1024];
	size_t count;
};

static void hex_put(struct kept *k, const char *before, struct wire_in bytes)
{
	size_t len = strlen(k->text);

	len += (size_t)snprintf(k->text + len, sizeof(k->text) - len, "%s", before);
	while (wire_more(&bytes))
		len += (size_t)snprintf(k->text + len, sizeof(k->text) - len, "%02x", wire_u8(&bytes));
}

static void keep(void *ctx, const struct bgp_adj_route *r)
{
	struct kept *k = ctx;
	size_t len = strlen(k->text);

	k->count++;
	snprintf(k->text + len, sizeof(k->text) - len, "%s%u/%u%s", len > 0 ? " " : "", r->afi, r->safi,
		 r->stale ? "*" : "");
	if (r->safi == 1)
		return;
	hex_put(k, ":", r->nlri);
	hex_put(k, "@", r->hop);
}

static struct kept kept(const struct mesh *m, unsigned int peer)
{
	struct kept k = {0};

	bgp_adj_rib_in(m->h.s, peer, keep, &k);
	return k;
}

static struct kept given(const struct mesh *m, unsigned int peer)
{
	struct kept k = {0};

	bgp_adj_rib_out(m->h.s, peer, keep, &k);
	return k;
}

/* a, b: with the families; c: without. */
static void three(struct mesh *m, const char *capabilities)
{
	struct bgp_peer_conf conf = conf_of();

	mesh_init(m);
	mesh_peer(m, AS_A, capabilities, true, &conf);
	mesh_peer(m, AS_B, capabilities, true, &conf);
	mesh_peer(m, 65030, "", true, &conf);
}

enum { A, B, C };

/* ---- Tests ---- */

static void labels_are_no_names(void **state)
{
	struct mesh m = {0};

	(void)state;
	three(&m, MP_VPN);
	mesh_announces(&m, A, IGP A_PATH VPN("000641"), "");
	assert_string_equal(kept(&m, A).text, "1/128:700006410000fde900000001c00002@00000000000000000a000065");
	mesh_told(&m, B, VPN("000641") IGP VIA_A, "");
	mesh_told_nothing(&m, C);
	assert_string_equal(given(&m, B).text, kept(&m, A).text);
	assert_string_equal(mesh_route(&m), ""); /* no FIB is told */
	/* Another label takes the place of the first (RFC 8277 section 2.3). */
	mesh_forget(&m);
	mesh_announces(&m, A, IGP A_PATH VPN("000651"), "");
	assert_int_equal(kept(&m, A).count, 1);
	mesh_told(&m, B, VPN("000651") IGP VIA_A, "");
	/* It is withdrawn with any (section 2.4). */
	mesh_forget(&m);
	mesh_announces(&m, A, VPN_GONE("800000"), "");
	assert_int_equal(kept(&m, A).count, 0);
	mesh_told(&m, B, VPN_GONE("800000"), "");
	assert_int_equal(given(&m, B).count, 0);
	mesh_free(&m);
}

static void evpn_routes(void **state)
{
	struct mesh m = {0};

	(void)state;
	three(&m, MP_EVPN);
	mesh_announces(&m, A,
		       IGP A_PATH "800e3f 0019 46 04 0a000065 00 " MAC_IP("00112233445566778899 ", "000064") " " IMET,
		       "");
	assert_int_equal(kept(&m, A).count, 2);
	assert_int_equal(given(&m, B).count, 2);
	mesh_forget(&m);
	/* Without the segment and with another label, as withdrawals come. */
	mesh_announces(&m, A, "800f26 0019 46 " MAC_IP(NO_ESI, "ffffff"), "");
	assert_string_equal(kept(&m, A).text, "25/70:03110000fde90000000100000000200a000065@0a000065");
	mesh_told(&m, B, "800f26 0019 46 " MAC_IP(NO_ESI, "000000"), "");
	mesh_forget(&m);
	mesh_announces(&m, A, "800f16 0019 46 " IMET, "");
	mesh_told(&m, B, "800f16 0019 46 " IMET, "");
	assert_int_equal(kept(&m, A).count, 0);
	mesh_free(&m);
}

/* A family whose NLRI nothing here can cut is one entry; equal octets withdraw it. */
static void unknown_encodings(void **state)
{
	struct mesh m = {0};

	(void)state;
	three(&m, MP_LS);
	mesh_announces(&m, A, IGP A_PATH "800e0e 4004 47 04 0a000065 00 0001 0001 aa", "");
	assert_string_equal(kept(&m, A).text, "16388/71:00010001aa@0a000065");
	mesh_told(&m, B, "800e0e 4004 47 04 0a000065 00 0001 0001 aa " IGP VIA_A, "");
	mesh_forget(&m);
	mesh_announces(&m, A, "800f08 4004 47 0001 0001 ab", "");
	mesh_told_nothing(&m, B);
	mesh_announces(&m, A, "800f08 4004 47 0001 0001 aa", "");
	mesh_told(&m, B, "800f08 4004 47 0001 0001 aa", "");
	mesh_free(&m);
}

/* RFC 4271 section 9.1.2 decides among them, too: the shorter path. */
static void the_best_is_passed_on(void **state)
{
	struct mesh m = {0};
	struct bgp_peer_conf conf = conf_of();

	(void)state;
	three(&m, MP_VPN);
	mesh_peer(&m, 65040, MP_VPN, true, &conf);
	mesh_announces(&m, 3, IGP "40020a 0202 0000fe10 0000fe11 " VPN("000641"), "");
	mesh_forget(&m);
	mesh_announces(&m, A, IGP A_PATH VPN("000651"), "");
	mesh_told(&m, B, VPN("000651") IGP VIA_A, "");
	mesh_forget(&m);
	mesh_announces(&m, A, VPN_GONE("000651"), "");
	mesh_told(&m, B, VPN("000641") IGP "40020e 0203 0000fde9 0000fe10 0000fe11", "");
	mesh_free(&m);
}

/* RFC 9234 section 5: what a provider tells does not go to another one, but that is so of unicast alone. */
static void roles_mean_nothing(void **state)
{
	struct mesh m = {0};
	struct bgp_peer_conf conf = conf_of();

	(void)state;
	conf.role = BGP_ROLE_CUSTOMER;
	mesh_init(&m);
	mesh_peer(&m, AS_A, PROVIDER MP_VPN, true, &conf);
	mesh_peer(&m, AS_B, PROVIDER MP_VPN, true, &conf);
	mesh_announces(&m, A, IGP A_PATH HOP("65"), NET);
	mesh_told_nothing(&m, B);
	mesh_announces(&m, A, IGP A_PATH VPN("000641"), "");
	mesh_told(&m, B, VPN("000641") IGP VIA_A, "");
	mesh_free(&m);
	/* A customer's leak, were it unicast; it goes to a customer with nothing added. */
	conf.role = BGP_ROLE_PROVIDER;
	m = (struct mesh){0};
	mesh_init(&m);
	mesh_peer(&m, AS_A, CUSTOMER MP_VPN, true, &conf);
	mesh_peer(&m, AS_B, CUSTOMER MP_VPN, true, &conf);
	mesh_announces(&m, A, IGP A_PATH HOP("65") ONLY_TO_CUSTOMER, NET);
	mesh_told_nothing(&m, B);
	mesh_announces(&m, A, IGP A_PATH VPN("000641"), "");
	mesh_told(&m, B, VPN("000641") IGP VIA_A, "");
	mesh_forget(&m);
	mesh_announces(&m, A, IGP A_PATH VPN("000641") ONLY_TO_CUSTOMER, "");
	mesh_told(&m, B, VPN("000641") IGP VIA_A ONLY_TO_CUSTOMER, "");
	mesh_free(&m);
}

/* Nobody asked for it: it passes by unseen, whatever it holds. */
static void not_agreed(void **state)
{
	static const char *const reaches[] = {
		VPN("000641"),
		"800e09 0019 46 00 00 ff ff ff ff",
		"800e0e 4004 47 04 0a000065 00 0001 0001 aa",
		"800e0a 0001 02 04 0a000065 00 ff",
		"800e05 1234 56 00 00",
	};
	struct mesh m = {0};

	(void)state;
	three(&m, MP_VPN);
	for (size_t i = 0; i < sizeof(reaches) / sizeof(*reaches); i++) {
		char attrs[256];

		snprintf(attrs, sizeof(attrs), IGP "400206 0201 0000fe06 %s", reaches[i]);
		mesh_announces(&m, C, attrs, "");
	}
	mesh_announces(&m, C, "800f07 0019 46 ff ff ff ff", "");
	mesh_announces(&m, C, "800f03 0019 46", "");
	assert_int_equal(bgp_peer_state(m.h.s, C), BGP_ESTABLISHED);
	assert_int_equal(kept(&m, C).count, 0);
	mesh_told_nothing(&m, B);
	mesh_told_nothing(&m, C);
	mesh_free(&m);
}

/* RFC 4760 section 7: the family goes, and is not looked at any more; the session stands. */
static void cut_nlri_disables(void **state)
{
	static const char *const cut[] = {
		"800e17 0001 80 " VPN_HOP "70 000641 0000",		   /* its octets are missing */
		"800e1e 0001 80 " VPN_HOP "57 000641 0000fde900000001 c0", /* no room for the distinguisher */
		"800e26 0001 80 " VPN_HOP "90 000641 0000fde900000001 c0000201 c0000201 00", /* more than an address */
		"800f04 0001 80 70",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cut) / sizeof(*cut); i++) {
		struct mesh m = {0};
		char attrs[256];

		three(&m, MP_VPN);
		mesh_announces(&m, A, IGP A_PATH HOP("65"), NET);
		mesh_announces(&m, A, IGP A_PATH VPN("000641"), "");
		assert_int_equal(kept(&m, A).count, 2);
		mesh_forget(&m);
		snprintf(attrs, sizeof(attrs), IGP A_PATH "%s", cut[i]);
		mesh_announces(&m, A, attrs, "");
		assert_string_equal(kept(&m, A).text, "1/1");
		mesh_told(&m, B, VPN_GONE("800000"), "");
		mesh_announces(&m, A, IGP A_PATH VPN("000641"), "");
		assert_string_equal(kept(&m, A).text, "1/1");
		assert_int_equal(bgp_peer_state(m.h.s, A), BGP_ESTABLISHED);
		mesh_free(&m);
	}
}

static void closes(struct mesh *m, unsigned int peer)
{
	bgp_in_closed(m->h.s, m->conns[peer], hand_at_ms(++m->ms));
}

static void ends_with_the_session(void **state)
{
	struct mesh m = {0};

	(void)state;
	three(&m, MP_VPN);
	mesh_announces(&m, A, IGP A_PATH VPN("000641"), "");
	mesh_forget(&m);
	closes(&m, A);
	assert_int_equal(kept(&m, A).count, 0);
	mesh_told(&m, B, VPN_GONE("800000"), "");
	mesh_free(&m);
}

/* RFC 4724: stale over the restart, and gone with the family's own End-of-RIB alone. */
static void outlives_a_restart(void **state)
{
	const char *capabilities = MP_VPN "4006 003c 0001 80 80 ";
	struct mesh m = {0};
	struct bgp_peer_conf conf = conf_of();

	(void)state;
	conf.restart = (struct bgp_restart_conf){.on = true, .forwarding = true};
	mesh_init(&m);
	mesh_peer(&m, AS_A, capabilities, true, &conf);
	mesh_peer(&m, AS_B, MP_VPN, true, &conf);
	mesh_announces(&m, A, IGP A_PATH VPN("000641"), "");
	mesh_forget(&m);
	closes(&m, A);
	assert_string_equal(kept(&m, A).text, "1/128*:700006410000fde900000001c00002@00000000000000000a000065");
	mesh_told_nothing(&m, B);
	m.ms += 2000;
	bgp_in_time(m.h.s, hand_at_ms(m.ms));
	mesh_peer_again(&m, A, AS_A, capabilities, true);
	mesh_forget(&m);
	mesh_announces(&m, A, "", "");
	assert_int_equal(kept(&m, A).count, 1);
	mesh_announces(&m, A, "800f03 0001 80", "");
	assert_int_equal(kept(&m, A).count, 0);
	mesh_told(&m, B, VPN_GONE("800000"), "");
	mesh_free(&m);
}

/* Of what a peer has us keep: so many routes, and so many octets of NLRI. */
static void limits(void **state)
{
	struct bgp_peer_conf conf = conf_of();
	struct mesh m = {0};
	char attrs[1024], filler[401] = "";

	(void)state;
	conf.max_prefixes = 2;
	mesh_init(&m);
	mesh_peer(&m, AS_A, MP_VPN MP_LS, true, &conf);
	conf.session.no_automatic_stop = true;
	mesh_peer(&m, AS_B, MP_VPN MP_LS, true, &conf);
	memset(filler, 'a', 400);
	/* Two prefixes' worth are 128 octets; 200 are too many. */
	snprintf(attrs, sizeof(attrs), IGP "400206 0201 0000fe1c 800ed1 4004 47 04 0a000065 00 %s", filler);
	mesh_announces(&m, B, attrs, "");
	assert_int_equal(bgp_peer_state(m.h.s, B), BGP_ESTABLISHED);
	assert_int_equal(kept(&m, B).count, 0);
	mesh_announces(&m, A, IGP A_PATH HOP("65"), NET " 18 0a0a0b");
	mesh_forget(&m);
	mesh_announces(&m, A, IGP A_PATH VPN("000641"), "");
	assert_int_not_equal(bgp_peer_state(m.h.s, A), BGP_ESTABLISHED);
	hand_sent(&m.h, MARKER "0015 03 06 01");
	mesh_free(&m);
}

static void asked_for_again(void **state)
{
	struct mesh m = {0};

	(void)state;
	three(&m, MP_VPN "0200 ");
	mesh_announces(&m, A, IGP A_PATH VPN("000641"), "");
	mesh_forget(&m);
	hand_says(&m.h, m.conns[B], MARKER "0017 05 0001 00 80", ++m.ms);
	mesh_told(&m, B, VPN("000641") IGP VIA_A, "");
	mesh_free(&m);
}

/* A late peer gets it all, with End-of-RIB of each family. */
static void told_at_the_beginning(void **state)
{
	struct mesh m = {0};
	struct bgp_peer_conf conf = conf_of();

	(void)state;
	mesh_init(&m);
	mesh_peer(&m, AS_A, MP_VPN, true, &conf);
	mesh_announces(&m, A, IGP A_PATH VPN("000641"), "");
	mesh_peer(&m, AS_B, MP_VPN, true, &conf);
	assert_string_equal(given(&m, B).text, kept(&m, A).text);
	mesh_free(&m);
}

static void offered(void **state)
{
	struct bgp_peer_conf conf = conf_of(), more = {.other_families = {{1, 2}, {2, 2}}};
	struct mesh m = {0};
	struct bgp_peer_info info;
	bgp_peer_id id;

	(void)state;
	three(&m, MP_EVPN);
	info = bgp_peer_info(m.h.s, A);
	assert_int_equal(info.other_families[1].afi, 25);
	assert_int_equal(info.other_families[0].afi, 0);
	conf.remote = hand_addr("10.0.9.9");
	more.remote = hand_addr("10.0.9.10");
	assert_int_equal(bgp_peer_add(m.h.s, &conf, &id), 0);
	assert_int_equal(bgp_peer_add(m.h.s, &more, &id), -ENOSPC);
	mesh_free(&m);
}

/* RFC 8950 section 4 forbids sending it unasked; GoBGP does, and a session that ends for it would help nobody. */
static void ipv6_next_hop_not_agreed(void **state)
{
	static const char reach[] = IGP A_PATH "800e19 0001 01 10 fd000000000000000000000000000065 00" NET;
	static const char odd[] = IGP A_PATH "800e0e 0001 01 05 0a00006500 00" NET;
	struct mesh m = {0};

	(void)state;
	mesh_init(&m);
	mesh_peer(&m, AS_A, "", true, NULL);
	mesh_announces(&m, A, reach, "");
	assert_int_equal(bgp_peer_state(m.h.s, A), BGP_ESTABLISHED);
	assert_string_equal(mesh_route(&m), "fd00::65");
	/* RFC 7606 section 7.11: a length of no kind of next hop leaves open where the routes begin. */
	mesh_announces(&m, A, odd, "");
	assert_int_not_equal(bgp_peer_state(m.h.s, A), BGP_ESTABLISHED);
	assert_string_equal(mesh_route(&m), "-");
	mesh_free(&m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_no_names),
		cmocka_unit_test(evpn_routes),
		cmocka_unit_test(unknown_encodings),
		cmocka_unit_test(the_best_is_passed_on),
		cmocka_unit_test(roles_mean_nothing),
		cmocka_unit_test(not_agreed),
		cmocka_unit_test(cut_nlri_disables),
		cmocka_unit_test(ends_with_the_session),
		cmocka_unit_test(outlives_a_restart),
		cmocka_unit_test(limits),
		cmocka_unit_test(asked_for_again),
		cmocka_unit_test(told_at_the_beginning),
		cmocka_unit_test(offered),
		cmocka_unit_test(ipv6_next_hop_not_agreed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
