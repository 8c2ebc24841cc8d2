/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BFD over real sockets: what is on the wire (RFC 5881), who is believed, silence, and a thousand sessions. */
#include "drive_bfd.h"
#include "support.h"

#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_NS (20 * NS_PER_S)
#define POLL_NS (5 * NS_PER_MS)
#define MANY 1000U

struct ground {
	struct drive *drive;
	struct net_ns *ns[2];
	struct addr v4[2], v6[2];
	struct bfd *engines[2];
	struct drive_bfd *drivers[2];
	bfd_session_id first[2]; /* the session that a test looks at */
	unsigned int up[2], failures[2];
	struct instant failed_at[2];
};

struct side {
	struct ground *ground;
	unsigned int i;
};

#define AWAIT(g, condition)                                                                                            \
	for (struct instant deadline = instant_add(drive_now((g)->drive), DEADLINE_NS);                                \
	     !(condition) && instant_before(drive_now((g)->drive), deadline);                                          \
	     drive_wait((g)->drive, instant_add(drive_now((g)->drive), POLL_NS)))

static bool fails(bool wrong, const char *what)
{
	if (wrong)
		fprintf(stderr, "%s\n", what);
	return wrong;
}

static void on_change(void *ctx, const struct bfd_output *change)
{
	const struct side *side = ctx;
	struct ground *g = side->ground;

	if (change->to == WIRE_BFD_UP)
		g->up[side->i]++;
	if (change->from == WIRE_BFD_UP)
		g->up[side->i]--;
	if (change->failure) {
		g->failures[side->i]++;
		g->failed_at[side->i] = drive_now(g->drive);
	}
}

static bool engines_start(struct ground *g, struct side sides[2], struct errmsg *err)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct drive_bfd_conf conf = {.ns = g->ns[i], .change = on_change, .ctx = &sides[i]};

		sides[i] = (struct side){g, i};
		g->up[i] = g->failures[i] = 0;
		conf.engine = g->engines[i] = bfd_new(i + 1);
		if (drive_bfd_new(g->drive, &conf, &g->drivers[i], err) < 0)
			return !fails(true, err->text);
	}
	return true;
}

static void engines_stop(struct ground *g)
{
	for (unsigned int i = 0; i < 2; i++) {
		drive_bfd_free(g->drivers[i]);
		bfd_free(g->engines[i]);
		g->drivers[i] = NULL;
		g->engines[i] = NULL;
	}
}

static bool session_start(struct ground *g, unsigned int i, const struct addr *local, const struct addr *remote)
{
	struct bfd_session_conf conf = {.local = *local, .remote = *remote};
	int r = bfd_session_add(g->engines[i], &conf, drive_now(g->drive), &g->first[i]);

	drive_bfd_flush(g->drivers[i]);
	return r == 0;
}

static bool both_up(const struct ground *g)
{
	return g->up[0] == 1 && g->up[1] == 1;
}

/* ---- On the wire ---- */

struct sighting {
	unsigned int packets;
	uint16_t port; /* the source */
	const char *wrong;
};

static void sight(struct sighting *s, const uint8_t *p, size_t n)
{
	uint16_t source, destination;

	if (n < 28 || p[9] != IPPROTO_UDP)
		return;
	source = (uint16_t)(p[20] << 8 | p[21]);
	destination = (uint16_t)(p[22] << 8 | p[23]);
	if (destination != WIRE_BFD_PORT)
		return;
	if (p[8] != 255)
		s->wrong = "TTL";
	if (source < 49152 || (s->packets > 0 && source != s->port))
		s->wrong = "source port";
	if (p[1] != IPTOS_CLASS_CS6)
		s->wrong = "traffic class";
	s->port = source;
	s->packets++;
}

static bool packets_are_as_rfc_5881_wants(struct ground *g, struct errmsg *err)
{
	struct side sides[2];
	struct sighting seen = {0};
	uint8_t frame[256];
	ssize_t n;
	int fd = net_socket(g->ns[1], AF_PACKET, SOCK_DGRAM, htons(ETHERTYPE_IP), err);
	bool good = !fails(fd < 0 || !engines_start(g, sides, err), "start");

	good = good && session_start(g, 0, &g->v4[0], &g->v4[1]);
	for (struct instant until = instant_add(drive_now(g->drive), DEADLINE_NS);
	     good && seen.packets < 2 && instant_before(drive_now(g->drive), until);
	     drive_wait(g->drive, instant_add(drive_now(g->drive), POLL_NS)))
		while ((n = recv(fd, frame, sizeof(frame), MSG_DONTWAIT)) > 0)
			sight(&seen, frame, (size_t)n);
	good = good && !fails(seen.packets < 2, "no packets") && !fails(seen.wrong != NULL, seen.wrong);
	if (fd >= 0)
		close(fd);
	engines_stop(g);
	return good;
}

static bool a_session_comes_up(struct ground *g, const struct addr *a, const struct addr *b, struct errmsg *err)
{
	struct side sides[2];
	bool good = engines_start(g, sides, err) && session_start(g, 0, a, b) && session_start(g, 1, b, a);

	AWAIT(g, !good || both_up(g));
	good = good && !fails(!both_up(g), addr_text(a).s);
	engines_stop(g);
	return good;
}

/* A fair packet through a socket with a TTL. */
static bool packet_forge(struct ground *g, int ttl, struct errmsg *err)
{
	static const uint8_t fair[] = {0x20, 0x40, 3,	 24,   0, 0,   0,    9,	   0, 0, 0, 0,
				       0,    0xf,  0x42, 0x40, 0, 0xf, 0x42, 0x40, 0, 0, 0, 0};
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(WIRE_BFD_PORT),
				 .sin_addr.s_addr = htonl(addr_v4_value(&g->v4[1]))};
	int fd = net_socket(g->ns[0], AF_INET, SOCK_DGRAM, 0, err);
	bool sent = fd >= 0 && setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)) == 0 &&
		    sendto(fd, fair, sizeof(fair), 0, (struct sockaddr *)&to, sizeof(to)) == sizeof(fair);

	if (fd >= 0)
		close(fd);
	return sent;
}

static bool forwarded_packets_are_not_believed(struct ground *g, struct errmsg *err)
{
	struct side sides[2];
	bool good = engines_start(g, sides, err) && session_start(g, 1, &g->v4[1], &g->v4[0]);

	good = good && packet_forge(g, 254, err);
	AWAIT(g, !good || bfd_dropped(g->engines[1], WIRE_BFD_DROP_TTL) > 0);
	good = good && !fails(bfd_dropped(g->engines[1], WIRE_BFD_DROP_TTL) != 1, "TTL 254") &&
	       !fails(bfd_session_info(g->engines[1], g->first[1]).state != WIRE_BFD_DOWN, "a forged packet counts");
	good = good && packet_forge(g, 255, err);
	AWAIT(g, !good || bfd_session_info(g->engines[1], g->first[1]).state == WIRE_BFD_INIT);
	good = good &&
	       !fails(bfd_session_info(g->engines[1], g->first[1]).state != WIRE_BFD_INIT, "TTL 255 is not heard");
	engines_stop(g);
	return good;
}

static bool the_port_is_one_speakers(struct ground *g, struct errmsg *err)
{
	struct side sides[2];
	struct drive_bfd *second = NULL;
	bool good = engines_start(g, sides, err);
	int r = good ? drive_bfd_new(g->drive, &(struct drive_bfd_conf){.engine = g->engines[0], .ns = g->ns[0]},
				     &second, err)
		     : 0;

	good = good && !fails(r != -EADDRINUSE, "two speakers on one port");
	engines_stop(g);
	return good;
}

/* A speaker that is killed says nothing more; the other side knows within the detection time of 900 ms. */
static bool silence_is_noticed(struct ground *g, struct errmsg *err)
{
	struct side sides[2];
	bool good = engines_start(g, sides, err) && session_start(g, 0, &g->v4[0], &g->v4[1]) &&
		    session_start(g, 1, &g->v4[1], &g->v4[0]);
	struct instant killed;
	int64_t took;

	AWAIT(g, !good || (both_up(g) && !bfd_session_info(g->engines[0], g->first[0]).polling &&
			   !bfd_session_info(g->engines[1], g->first[1]).polling));
	good = good && !fails(!both_up(g), "not up");
	killed = drive_now(g->drive);
	drive_bfd_free(g->drivers[0]);
	g->drivers[0] = NULL;
	AWAIT(g, !good || g->failures[1] > 0);
	took = instant_since(g->failed_at[1], killed);
	/* 900 ms after its last word, which was up to 300 ms before the end. Upwards a busy machine may be late. */
	good = good && !fails(g->failures[1] != 1 || took < 590 * NS_PER_MS || took > 3 * NS_PER_S, "detection time");
	engines_stop(g);
	return good;
}

/* ---- Echo ---- */

/* As it came back: the TTL is one less, the rest the same; 0 when it did not. */
static uint8_t echo_ttl(struct ground *g, int fd, const uint8_t *sent, size_t n)
{
	uint8_t got[256];
	ssize_t len;

	for (struct instant until = instant_add(drive_now(g->drive), DEADLINE_NS);
	     instant_before(drive_now(g->drive), until);
	     drive_wait(g->drive, instant_add(drive_now(g->drive), POLL_NS))) {
		while ((len = recv(fd, got, sizeof(got), MSG_DONTWAIT)) > 0)
			if ((size_t)len >= n && memcmp(got + 12, sent + 12, n - 12) == 0 && got[8] != sent[8])
				return got[8];
	}
	return 0;
}

/* RFC 5881 section 4: an echo packet is addressed to its sender. A node that forwards, forwards it back. */
static bool echo_packets_are_forwarded_back(struct ground *g, struct errmsg *err)
{
	uint8_t packet[32], mac[6];
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE_IP), .sll_halen = 6};
	unsigned int index, there;
	bool good = !fails(net_link_info(g->ns[0], "link", mac, &index, err) < 0 ||
				   net_link_info(g->ns[1], "link", mac, &there, err) < 0 ||
				   net_sysctl(g->ns[1], "net.ipv4.ip_forward", "1", err) < 0,
			   err->text);
	int fd = net_socket(g->ns[0], AF_PACKET, SOCK_DGRAM, htons(ETHERTYPE_IP), err);
	/* 10.0.0.1 to itself, port 3785, four octets; the header's checksum is right, UDP's is left out. */
	size_t n = support_hex("45c00020 00000000 ff11a70b 0a000001 0a000001 c0000ec9 000c0000 01020304", packet,
			       sizeof(packet));

	memcpy(to.sll_addr, mac, sizeof(mac));
	to.sll_ifindex = (int)index;
	good = good && !fails(fd < 0 || sendto(fd, packet, n, 0, (struct sockaddr *)&to, sizeof(to)) != (ssize_t)n,
			      "an echo packet can't be sent");
	good = good && !fails(echo_ttl(g, fd, packet, n) != 254, "an echo packet does not come back");
	if (fd >= 0)
		close(fd);
	return good;
}

/* ---- BGP ---- */

struct talk {
	struct bgp_speaker *engines[2];
	struct drive_speaker *drivers[2];
	struct addr addrs[2];
	uint8_t heard[2]; /* the NOTIFICATION that the near one got: code, subcode */
};

struct talker {
	struct talk *talk;
	unsigned int i;
};

static void on_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port, struct addr *ret_source)
{
	const struct talker *t = ctx;

	(void)peer;
	*ret_remote = t->talk->addrs[1 - t->i];
	*ret_port = 179;
	*ret_source = t->talk->addrs[t->i];
}

static void on_notice(void *ctx, const struct bgp_output *notice)
{
	const struct talker *t = ctx;

	if (t->i == 0 && notice->notice == BGP_NOTICE_RECEIVED && notice->bytes[18] == WIRE_NOTIFICATION)
		memcpy(t->talk->heard, notice->bytes + WIRE_HEADER_LEN, 2);
}

static bool talk_start(struct ground *g, struct talk *talk, struct talker talkers[2], struct errmsg *err)
{
	static const struct drive_speaker_ops ops = {.dial = on_dial, .notice = on_notice};

	for (unsigned int i = 0; i < 2; i++) {
		struct drive_speaker_conf conf = {.ns = g->ns[i], .listens = true, .ops = &ops, .ctx = &talkers[i]};
		bgp_peer_id id;

		talkers[i] = (struct talker){talk, i};
		talk->addrs[i] = conf.listen_address = g->v4[i];
		conf.engine = talk->engines[i] = bgp_speaker_new(
			&(struct bgp_speaker_conf){.as = 65001 + i, .router_id = 1 + i, .max_paths = 1, .seed = 1});
		if (bgp_peer_add(talk->engines[i],
				 &(struct bgp_peer_conf){.remote = g->v4[1 - i], .remote_as = 65002 - i, .hold_s = 90},
				 &id) < 0 ||
		    drive_speaker_new(g->drive, &conf, &talk->drivers[i], err) < 0)
			return !fails(true, err->text);
	}
	return true;
}

static bool talking(const struct talk *talk)
{
	return bgp_peer_state(talk->engines[0], 0) == BGP_ESTABLISHED &&
	       bgp_peer_state(talk->engines[1], 0) == BGP_ESTABLISHED;
}

/* RFC 5882 section 10.2 and RFC 9384: the side whose BFD falls ends its BGP session, which then comes up again. */
static bool a_failure_ends_the_bgp_session(struct ground *g, struct errmsg *err)
{
	struct side sides[2];
	struct talk talk = {0};
	struct talker talkers[2];
	bool good = engines_start(g, sides, err) && session_start(g, 0, &g->v4[0], &g->v4[1]) &&
		    session_start(g, 1, &g->v4[1], &g->v4[0]) && talk_start(g, &talk, talkers, err);

	AWAIT(g, !good || (both_up(g) && talking(&talk)));
	good = good && !fails(!both_up(g) || !talking(&talk), "BGP and BFD up");
	if (good)
		drive_bfd_protect(g->drivers[1], talk.engines[1], talk.drivers[1]);
	/* No failure: the near side says AdminDown (RFC 5882 section 3.2). */
	bfd_session_admin_down(g->engines[0], g->first[0], true, drive_now(g->drive));
	drive_bfd_flush(g->drivers[0]);
	AWAIT(g, !good || g->up[1] == 0);
	good = good && !fails(!talking(&talk), "AdminDown ended a BGP session");
	bfd_session_admin_down(g->engines[0], g->first[0], false, drive_now(g->drive));
	drive_bfd_flush(g->drivers[0]);
	AWAIT(g, !good || both_up(g));
	/* A failure: it says nothing more. That two connections met before is another story. */
	memset(talk.heard, 0, sizeof(talk.heard));
	drive_bfd_free(g->drivers[0]);
	g->drivers[0] = NULL;
	AWAIT(g, !good || talk.heard[0] != 0);
	good = good &&
	       !fails(talk.heard[0] != WIRE_ERR_CEASE || talk.heard[1] != BGP_CEASE_BFD_DOWN, "Cease, BFD Down");
	AWAIT(g, !good || talking(&talk));
	good = good && !fails(!talking(&talk), "BGP does not come back");
	for (unsigned int i = 0; i < 2; i++) {
		drive_speaker_free(talk.drivers[i]);
		bgp_speaker_free(talk.engines[i]);
	}
	engines_stop(g);
	return good;
}

/* ---- Many ---- */

static bool many_sessions_live(struct ground *g, struct errmsg *err)
{
	struct side sides[2];
	struct addr near = g->v4[0], far;
	bool good = engines_start(g, sides, err);

	(void)addr_parse("10.1.0.0", &far);
	for (unsigned int i = 0; good && i < MANY; i++) {
		struct addr a = addr_add(&far, i + 1);

		good = session_start(g, 0, &near, &a) && session_start(g, 1, &a, &near);
	}
	AWAIT(g, !good || (g->up[0] == MANY && g->up[1] == MANY));
	good = good && !fails(g->up[0] != MANY || g->up[1] != MANY, "not all are up");
	for (struct instant until = instant_add(drive_now(g->drive), 2 * NS_PER_S);
	     good && instant_before(drive_now(g->drive), until);)
		drive_wait(g->drive, until);
	good = good && !fails(g->failures[0] + g->failures[1] > 0, "some fell");
	engines_stop(g);
	return good;
}

/* ---- ---- */

static int ground_init(struct ground *g, struct errmsg *err)
{
	static const char *const v4[] = {"10.0.0.1", "10.0.0.2"}, *const v6[] = {"fd00::1", "fd00::2"};
	struct addr far;
	int r = drive_new(&g->drive, err);

	r = r < 0 ? r : net_ns_new("near", &g->ns[0], err);
	r = r < 0 ? r : net_ns_new("far", &g->ns[1], err);
	r = r < 0 ? r : net_veth(g->ns[0], "link", g->ns[1], "link", 1, err);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < 2; i++) {
		(void)addr_parse(v4[i], &g->v4[i]);
		(void)addr_parse(v6[i], &g->v6[i]);
		(void)net_sysctl(g->ns[i], "net.ipv6.conf.link.accept_dad", "0", err);
		net_link_up(g->ns[i], "link");
		net_address_add(g->ns[i], "link", &g->v4[i], 8);
		net_address_add(g->ns[i], "link", &g->v6[i], 64);
	}
	(void)addr_parse("10.1.0.0", &far);
	for (unsigned int i = 0; i < MANY; i++) {
		struct addr a = addr_add(&far, i + 1);

		net_address_add(g->ns[1], "link", &a, 32);
	}
	r = net_flush(g->ns[0], err);
	return r < 0 ? r : net_flush(g->ns[1], err);
}

static int body(void *arg)
{
	struct ground g = {0};
	struct errmsg err = {0};
	bool good = !fails(ground_init(&g, &err) < 0, err.text);

	(void)arg;
	good = good && packets_are_as_rfc_5881_wants(&g, &err);
	good = good && a_session_comes_up(&g, &g.v4[0], &g.v4[1], &err);
	good = good && a_session_comes_up(&g, &g.v6[0], &g.v6[1], &err);
	good = good && forwarded_packets_are_not_believed(&g, &err);
	good = good && the_port_is_one_speakers(&g, &err);
	good = good && silence_is_noticed(&g, &err);
	good = good && echo_packets_are_forwarded_back(&g, &err);
	good = good && a_failure_ends_the_bgp_session(&g, &err);
	good = good && many_sessions_live(&g, &err);
	net_ns_free(g.ns[0]);
	net_ns_free(g.ns[1]);
	drive_free(g.drive);
	return good ? 0 : 1;
}

static void bfd_over_sockets(void **state)
{
	struct rlimit files;
	struct errmsg err = {0};
	int status = -1;

	(void)state;
	/* A socket a session, on both sides. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	if (files.rlim_cur < 3 * MANY) {
		print_message("skipped: only %lu open files are allowed\n", (unsigned long)files.rlim_cur);
		skip();
	}
	if (net_sandbox_run(body, NULL, NULL, &status, &err) < 0) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bfd_over_sockets),
	};

	return cmocka_run_group_tests_name("drive: BFD", tests, NULL, NULL);
}
