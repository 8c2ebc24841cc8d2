/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a worker's speaker says for the cluster's state, told by the bytes of a session; and what a lying one says. */
#include "../bgp/by_hand.h"
#include "article.h"

#include <errno.h>
#include <string.h>

/* METALLB section 10. */
#define OPEN_22000 MARKER "0031 01 04 55f0 005a 0a000033 14 02 12 0104 00010001 0104 00020001 4104 000055f0"
#define ANNOUNCE(origin, last)                                                                                         \
	MARKER "0030 02 0000 0014 400101" origin "400206 0201 000055f0 400304 0a000033 20 ac10fe" last
#define WITHDRAW MARKER "001c 02 0005 20 ac10fe01 0000"

#define ROUTER_ID 0xac100001U

struct ground {
	struct node_lab lab;
	struct kube_cluster *cluster;
	struct kube_object peer;
	enum kube_metallb metallb;
};

static void ground_init(struct ground *g, enum kube_metallb metallb)
{
	struct errmsg err;

	g->metallb = metallb;
	article_paper_lab(&g->lab, 3);
	g->cluster = article_cluster(metallb);
	assert_int_equal(article_apply(g->cluster, &err), 0);
	g->peer = article_peer("router");
	assert_int_equal(kube_apply(g->cluster, &g->peer, &err), 0);
}

static void ground_fini(struct ground *g)
{
	for (unsigned int i = 0; i < 3; i++)
		bgp_speaker_free(g->lab.workers[i].speaker);
	kube_cluster_free(g->cluster);
	arena_clear(&g->lab.arena);
}

static bool sync(struct ground *g, unsigned int worker)
{
	struct errmsg err = {0};
	bool changed;

	if (node_worker_sync(&g->lab, worker, g->cluster, g->metallb, 7, &changed, &err) < 0)
		fail_msg("%s", err.text);
	return changed;
}

/* The session with peer 0, up to where the worker has said what it has to say. */
static struct hand session(struct bgp_speaker *s)
{
	struct hand h = {.s = s};
	struct addr local = hand_addr("10.0.0.51");
	bgp_conn_id conn;

	bgp_routes_commit(s, hand_at_ms(0));
	bgp_peer_start(s, 0, hand_at_ms(0));
	conn = hand_next(&h, BGP_OUT_CONNECT).conn;
	bgp_in_connected(s, conn, &local, hand_at_ms(1));
	hand_sent(&h, OPEN_22000);
	hand_says_open(&h, conn, ARTICLE_ROUTER_AS, 240, ROUTER_ID, 2);
	hand_sent(&h, KEEPALIVE);
	return h;
}

static const struct said {
	const char *name;
	enum kube_metallb metallb;
	enum node_fault fault;
	const char *update; /* NULL: none */
} saids[] = {
	{"native", KUBE_METALLB_NATIVE, NODE_FAULT_NONE, ANNOUNCE("00", "01")},
	{"legacy", KUBE_METALLB_LEGACY, NODE_FAULT_NONE, ANNOUNCE("02", "01")},
	{"wrong prefix", KUBE_METALLB_NATIVE, NODE_FAULT_WRONG_PREFIX, ANNOUNCE("00", "02")},
	{"silent", KUBE_METALLB_NATIVE, NODE_FAULT_SILENT, NULL},
};

static void test_said(void **state)
{
	const struct said *s = *state;
	struct ground g;
	struct hand h;

	ground_init(&g, s->metallb);
	g.lab.workers[0].fault = s->fault;
	assert_true(sync(&g, 0));
	h = session(g.lab.workers[0].speaker);
	if (s->update != NULL)
		hand_sent(&h, s->update);
	hand_quiet(&h);
	ground_fini(&g);
}

static void test_service_goes(void **state)
{
	struct ground g;
	struct errmsg err;
	struct hand h;
	unsigned int generation;

	(void)state;
	ground_init(&g, KUBE_METALLB_NATIVE);
	sync(&g, 0);
	generation = g.lab.workers[0].generation;
	h = session(g.lab.workers[0].speaker);
	hand_sent(&h, ANNOUNCE("00", "01"));
	hand_quiet(&h);
	/* Told again, nothing is new. */
	sync(&g, 0);
	bgp_routes_commit(h.s, hand_at_ms(3));
	hand_quiet(&h);
	assert_int_equal(kube_delete(g.cluster, KUBE_SERVICE, NULL, "nginx", &err), 0);
	assert_false(node_worker_sessions_changed(&g.lab.workers[0], g.cluster));
	sync(&g, 0);
	assert_ptr_equal(g.lab.workers[0].speaker, h.s);
	assert_int_equal(g.lab.workers[0].generation, generation);
	bgp_routes_commit(h.s, hand_at_ms(4));
	hand_sent(&h, WITHDRAW);
	hand_quiet(&h);
	ground_fini(&g);
}

/* Each of these changes of a BGPPeer ends the session (METALLB section 2.8). */
static void change_hold(struct kube_bgp_peer *p)
{
	p->hold_ns = 30 * NS_PER_S;
}

static void change_asn(struct kube_bgp_peer *p)
{
	p->peer_asn++;
}

static void change_port(struct kube_bgp_peer *p)
{
	p->peer_port = 1179;
}

static void change_address(struct kube_bgp_peer *p)
{
	p->peer_address = article_addr("10.0.0.2");
}

static void change_source(struct kube_bgp_peer *p)
{
	p->source_address = article_addr("10.0.0.99");
}

static void change_id(struct kube_bgp_peer *p)
{
	p->router_id = article_addr("192.0.2.1");
}

static const struct change {
	const char *name;
	void (*make)(struct kube_bgp_peer *p);
} changes[] = {{"hold time", change_hold},	 {"peer AS", change_asn},	    {"port", change_port},
	       {"peer address", change_address}, {"source address", change_source}, {"router ID", change_id}};

static void test_peer_changes(void **state)
{
	const struct change *change = *state;
	struct ground g;
	struct errmsg err;
	struct kube_object changed;
	const struct node_worker *w;

	ground_init(&g, KUBE_METALLB_NATIVE);
	w = &g.lab.workers[1];
	assert_true(node_worker_sessions_changed(w, g.cluster));
	sync(&g, 1);
	assert_int_equal(w->generation, 1);
	assert_false(node_worker_sessions_changed(w, g.cluster));
	changed = g.peer;
	change->make(&changed.peer);
	assert_int_equal(kube_apply(g.cluster, &changed, &err), 0);
	assert_true(node_worker_sessions_changed(w, g.cluster));
	sync(&g, 1);
	assert_int_equal(w->generation, 2);
	assert_int_equal(w->peer_count, 1);
	assert_int_equal(w->peers[0].port, changed.peer.peer_port);
	assert_true(addr_equal(&w->peers[0].remote, &changed.peer.peer_address));
	assert_true(addr_equal(&w->peers[0].source, &changed.peer.source_address));
	assert_int_equal(kube_delete(g.cluster, KUBE_BGP_PEER, "metallb-system", "router", &err), 0);
	assert_false(sync(&g, 1));
	assert_null(w->speaker);
	assert_int_equal(w->generation, 3);
	assert_int_equal(w->peer_count, 0);
	ground_fini(&g);
}

static void change_bfd(struct kube_bgp_peer *p)
{
	p->bfd_profile = "fast";
}

static void change_restart(struct kube_bgp_peer *p)
{
	p->graceful_restart = true;
}

static void change_local_asn(struct kube_bgp_peer *p)
{
	p->local_asn = 7;
}

static void change_connect(struct kube_bgp_peer *p)
{
	p->connect_ns = 5 * NS_PER_S;
}

static const struct change frr_changes[] = {{"BFD profile", change_bfd},
					    {"graceful restart", change_restart},
					    {"local ASN", change_local_asn},
					    {"connect time", change_connect}};

static void test_frr_changes(void **state)
{
	const struct change *change = *state;
	const struct kube_object profile = {.kind = KUBE_BFD_PROFILE,
					    .bfd = {.meta = {.name = "fast", .namespace = "metallb-system"},
						    .receive_ms = 50,
						    .transmit_ms = 60,
						    .multiplier = 4,
						    .echo_ms = 50,
						    .minimum_ttl = 254}};
	struct ground g;
	struct errmsg err;
	struct kube_object changed;

	ground_init(&g, KUBE_METALLB_FRR);
	assert_int_equal(kube_apply(g.cluster, &profile, &err), 0);
	sync(&g, 1);
	assert_false(g.lab.workers[1].peers[0].bfd.on);
	changed = g.peer;
	change->make(&changed.peer);
	assert_int_equal(kube_apply(g.cluster, &changed, &err), 0);
	assert_true(node_worker_sessions_changed(&g.lab.workers[1], g.cluster));
	sync(&g, 1);
	assert_int_equal(g.lab.workers[1].generation, 2);
	assert_int_equal(g.lab.workers[1].peers[0].bfd.on, change->make == change_bfd);
	if (change->make == change_bfd) {
		assert_int_equal(g.lab.workers[1].peers[0].bfd.transmit_ms, 60);
		assert_int_equal(g.lab.workers[1].peers[0].bfd.receive_ms, 50);
		assert_int_equal(g.lab.workers[1].peers[0].bfd.multiplier, 4);
	}
	ground_fini(&g);
}

/* The standard speaker takes what MetalLB's FRR takes of a BGPPeer, and listens, takes routes, proposes 90 s itself. */
static void test_standard_session(void **state)
{
	struct ground g;
	struct errmsg err;
	struct kube_object changed;
	const struct node_worker *w;
	const struct addr router = article_peer("router").peer.peer_address;
	bgp_conn_id conn;

	(void)state;
	ground_init(&g, KUBE_METALLB_STANDARD);
	w = &g.lab.workers[0];
	changed = g.peer;
	changed.peer.hold_ns = KUBE_TIME_UNSET;
	changed.peer.graceful_restart = true;
	assert_int_equal(kube_apply(g.cluster, &changed, &err), 0);
	sync(&g, 0);
	assert_int_equal(bgp_peer_conf(w->speaker, 0)->hold_s, 90);
	assert_true(bgp_peer_conf(w->speaker, 0)->restart.on);
	assert_int_equal(w->peers[0].ttl, 1);
	bgp_peer_start(w->speaker, 0, (struct instant){NS_PER_S});
	assert_true(bgp_in_accepted(w->speaker, &w->host.address, &router, (struct instant){NS_PER_S}, &conn));
	ground_fini(&g);
}

/* METALLB sections 4.9 and 4.11: FRR's hold time, and its TTLs. */
static void test_frr_session(void **state)
{
	struct ground g;
	struct errmsg err;
	struct kube_object changed;
	const struct node_worker *w;

	(void)state;
	ground_init(&g, KUBE_METALLB_FRR);
	w = &g.lab.workers[0];
	changed = g.peer;
	changed.peer.hold_ns = KUBE_TIME_UNSET;
	assert_int_equal(kube_apply(g.cluster, &changed, &err), 0);
	sync(&g, 0);
	assert_int_equal(bgp_peer_conf(w->speaker, 0)->hold_s, 180);
	assert_int_equal(w->peers[0].ttl, 1);
	changed.peer.keepalive_ns = 7 * NS_PER_S;
	changed.peer.ebgp_multihop = true;
	sync(&g, 0);
	assert_int_equal(bgp_peer_conf(w->speaker, 0)->hold_s, 21);
	assert_int_equal(w->peers[0].ttl, 255);
	changed.peer.ebgp_multihop = false;
	changed.peer.peer_asn = 0;
	changed.peer.dynamic_asn = KUBE_ASN_INTERNAL;
	sync(&g, 0);
	assert_int_equal(w->peers[0].ttl, 255);
	assert_int_equal(bgp_peer_conf(w->speaker, 0)->as_kind, BGP_AS_INTERNAL);
	/* A speaker that was stopped stays so, whatever the cluster says, and comes back with the same sessions. */
	node_worker_stop(&g.lab, 0);
	assert_null(w->speaker);
	assert_false(sync(&g, 0));
	assert_null(w->speaker);
	node_worker_start(&g.lab, 0);
	sync(&g, 0);
	assert_non_null(w->speaker);
	assert_int_equal(w->peer_count, 1);
	ground_fini(&g);
}

static void test_twins_are_refused(void **state)
{
	struct ground g;
	struct errmsg err = {0};
	struct kube_object twin = article_peer("twin");
	bool changed;

	(void)state;
	ground_init(&g, KUBE_METALLB_NATIVE);
	if (kube_apply(g.cluster, &twin, &err) == 0) {
		assert_int_equal(node_worker_sync(&g.lab, 0, g.cluster, KUBE_METALLB_NATIVE, 7, &changed, &err),
				 -EEXIST);
	}
	assert_non_null(strstr(err.text, "10.0.0.1"));
	assert_non_null(strstr(err.text, "twin"));
	ground_fini(&g);
}

static void loc_rib_none(void *ctx, const struct prefix *prefix, const struct addr *next_hops, size_t n)
{
	(void)prefix;
	(void)next_hops;
	(void)n;
	++*(unsigned int *)ctx;
}

static void test_router_waits(void **state)
{
	struct node_lab lab;
	struct bgp_speaker *s;
	unsigned int routes = 0;
	size_t n;

	(void)state;
	article_paper_lab(&lab, 3);
	s = node_router_speaker(
		&lab,
		&(struct node_router_conf){.as = ARTICLE_ROUTER_AS, .worker_as = ARTICLE_WORKER_AS, .max_paths = 16});
	assert_int_equal(bgp_peer_count(s), 3);
	for (bgp_peer_id id = 0; id < 3; id++) {
		bgp_peer_start(s, id, hand_at_ms(0));
		assert_int_equal(bgp_peer_state(s, id), BGP_ACTIVE);
	}
	/* It never dials. */
	bgp_in_time(s, hand_at_ms(3600 * 1000));
	for (const struct bgp_output *out = bgp_outputs(s, &n); n > 0; n--, out++)
		assert_int_not_equal(out->kind, BGP_OUT_CONNECT);
	bgp_loc_rib(s, loc_rib_none, &routes);
	assert_int_equal(routes, 0);
	bgp_speaker_free(s);
	arena_clear(&lab.arena);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int main(void)
{
	struct CMUnitTest tests[COUNT(saids) + COUNT(changes) + COUNT(frr_changes) + 5];
	size_t n = 0;

	for (size_t i = 0; i < COUNT(saids); i++)
		tests[n++] = (struct CMUnitTest){saids[i].name, test_said, NULL, NULL, (void *)(uintptr_t)&saids[i]};
	for (size_t i = 0; i < COUNT(changes); i++)
		tests[n++] = (struct CMUnitTest){changes[i].name, test_peer_changes, NULL, NULL,
						 (void *)(uintptr_t)&changes[i]};
	for (size_t i = 0; i < COUNT(frr_changes); i++)
		tests[n++] = (struct CMUnitTest){frr_changes[i].name, test_frr_changes, NULL, NULL,
						 (void *)(uintptr_t)&frr_changes[i]};
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_frr_session);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_standard_session);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_service_goes);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_twins_are_refused);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_router_waits);
	return cmocka_run_group_tests_name("node: worker and router", tests, NULL, NULL);
}
