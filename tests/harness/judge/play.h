/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lab of three workers, two clients and two pods, and what its links show: typed event by event, then fed to a judge in any
 * interleaving of the links. */
#ifndef ECMPLAB_TEST_PLAY_H
#define ECMPLAB_TEST_PLAY_H

#include "judge.h"
#include "support.h"
#include "vec.h"

#define PLAY_WORKERS 3U
#define PLAY_CLIENT 3U /* link of client1 */
#define PLAY_POD 5U    /* link of pod1 */
#define PLAY_GATE 7U   /* router-clients */
#define PLAY_ROUTER 8U /* router-cluster; the lab names it only where a test says so */
#define PLAY_LINKS 9U
#define PLAY_VIP "172.16.254.1"
#define PLAY_PREFIX PLAY_VIP "/32"
#define PLAY_PORT 80

enum play_side { PLAY_FROM_WORKER, PLAY_FROM_ROUTER };

struct play_fib {
	struct instant time;
	struct prefix prefix;
	struct addr gateways[4];
	unsigned int weights[4];
	size_t n;
};

struct play {
	struct arena arena;
	struct judge_lab lab;
	VEC(struct capture_event) links[PLAY_LINKS];
	VEC(struct play_fib) fib;
	uint16_t ports[PLAY_WORKERS]; /* of each worker's newest connection */
	bool no_pods;
	uint32_t traced;     /* a run, or 0 */
	uint64_t gate_loses; /* frames */
};

/* Milliseconds, from an epoch of the play's own. */
struct instant play_ms(double ms);
struct addr play_addr(const char *text);
struct prefix play_prefix(const char *text);

void play_init(struct play *p);
void play_fini(struct play *p);

/* A test whose *state is an empty play. */
#define PLAY_TEST(test) cmocka_unit_test_setup_teardown(test, play_setup, play_teardown)
int play_setup(void **state);
int play_teardown(void **state);

/* Any event; time, frame and carried are filled in. Returns it for what else is to be told. */
struct capture_event *play_event(struct play *p, unsigned int link, double ms, enum capture_kind kind);
/* ---- BGP, on the link of worker w (from 0) ---- */
void play_bgp_tcp(struct play *p, unsigned int w, double ms, enum capture_kind kind, enum play_side side);
void play_bgp(struct play *p, unsigned int w, double ms, enum play_side side, const void *bytes, size_t n);
void play_bgp_hex(struct play *p, unsigned int w, double ms, enum play_side side, const char *behind_marker);
void play_open(struct play *p, unsigned int w, double ms, enum play_side side);
void play_keepalive(struct play *p, unsigned int w, double ms, enum play_side side);
/* SYN at ms, established 5 ms later, on a new connection that the worker dials. */
void play_session(struct play *p, unsigned int w, double ms);
/* All workers, at 0, 10 and 20 ms. */
void play_sessions(struct play *p);
/* next_hop NULL: the worker's own. */
void play_announce(struct play *p, unsigned int w, double ms, const char *prefix, const char *next_hop);
void play_withdraw(struct play *p, unsigned int w, double ms, const char *prefix);
void play_notification(struct play *p, unsigned int w, double ms, enum play_side side, uint8_t code, uint8_t subcode);

/* ---- The data plane ---- */
void play_tcp(struct play *p, unsigned int link, double ms, enum capture_kind kind, const char *src, uint16_t src_port,
	      const char *dst, uint16_t dst_port);
/* A connection of client1 from the port, at 1 ms intervals: SYN, at the worker, request, response. status 0: none. */
void play_http(struct play *p, unsigned int w, double ms, uint16_t port, int status);
/* The SYN of a connection at a pod's link (from 0). */
void play_pod_syn(struct play *p, unsigned int pod, double ms, const char *src, uint16_t src_port);
void play_flow(struct play *p, unsigned int link, double ms, uint32_t run, uint32_t flow, const char *src,
	       const char *dst);
/* Space-separated gateways, "10.0.0.51*2" with a weight; "" for none. */
void play_fib(struct play *p, double ms, const char *prefix, const char *gateways);

/* ---- Judging ---- */

enum play_order { PLAY_LINK_BY_LINK, PLAY_LINKS_BACKWARDS, PLAY_BY_TIME, PLAY_SEEDED };

/* A judge that has seen all up to `until`; the caller frees it. */
struct judge *play_judge(const struct play *p, enum play_order order, uint64_t seed, struct instant until);
/* Feeds a judge everything, asks, and frees it. The texts are the play's. */
struct judge_finding play_ask(struct play *p, const struct judge_expect *e, struct instant now);
/* All that the link lost, at a time or at none in particular: in place of what was told before. */
void play_loss(struct judge *j, unsigned int link, uint64_t frames, double since, double until);
void play_loss_ever(struct judge *j, unsigned int link, uint64_t frames);
/* Workers by digit: "13" names worker1 and worker3. */
const bool *play_who(struct play *p, const char *digits);
/* An expectation of PLAY_PREFIX, and what it comes to with all the evidence at its deadline. */
struct judge_expect play_expect(struct play *p, enum judge_kind kind, const char *who, double since, double deadline);
struct judge_finding play_judged(struct play *p, enum judge_kind kind, const char *who, double since, double deadline);

#define play_assert_says(f, words)                                                                                     \
	do {                                                                                                           \
		if (strstr((f).seen, words) == NULL)                                                                   \
			fail_msg("\"%s\" does not say \"%s\"", (f).seen, words);                                       \
	} while (0)
void play_assert_when(const struct judge_finding *f, double ms);
bool play_has_frame(const struct judge_finding *f, const char *file, uint64_t frame);
/* Everything a finding says, as one text. */
const char *play_finding_text(struct play *p, const struct judge_finding *f);

#endif
