/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a virtual run shows its judge while it goes on is what anybody reads from its files afterwards. */
#include "capture.h"
#include "support.h"
#include "vec.h"
#include "virtual.h"
#include "virtual_save.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct heard {
	enum capture_kind kind;
	uint64_t frame;
	int64_t ns;
	uint16_t src_port, dst_port;
	size_t len;
	uint64_t hash;
};

struct scene {
	struct virtual *net;
	struct bgp_speaker *engines[2];
	struct capture *capture;
	struct virtual_save *save;
	VEC(struct heard) live, saved;
	bool reading;
};

static void on_event(void *ctx, const struct capture_event *e)
{
	struct scene *s = ctx;
	struct heard h = {.kind = e->kind,
			  .frame = e->frame,
			  .ns = e->time.ns,
			  .src_port = e->src_port,
			  .dst_port = e->dst_port,
			  .len = e->len,
			  .hash = UINT64_C(0xcbf29ce484222325)};

	for (size_t i = 0; i < e->len; i++)
		h.hash = (h.hash ^ e->bytes[i]) * UINT64_C(0x100000001b3);
	if (s->reading)
		VEC_PUSH(&s->saved, h);
	else
		VEC_PUSH(&s->live, h);
}

static bool same(const struct heard *a, const struct heard *b)
{
	return a->kind == b->kind && a->frame == b->frame && a->ns == b->ns && a->src_port == b->src_port &&
	       a->dst_port == b->dst_port && a->len == b->len && a->hash == b->hash;
}

static void on_frame(void *ctx, virtual_node node, struct instant at, const uint8_t *frame, size_t len)
{
	struct scene *s = ctx;

	if (node != 1)
		return;
	virtual_save_frame(s->save, at, frame, len);
	capture_feed(s->capture, 0, at, frame, len);
}

static void on_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port, struct addr *ret_source)
{
	(void)ctx;
	(void)peer;
	(void)ret_port;
	(void)ret_source;
	*ret_remote = addr_v4(0x0a000001);
}

static const struct drive_speaker_ops ops = {.dial = on_dial};

static void nodes_add(struct scene *s)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct addr own = addr_v4(0x0a000001U + i);
		struct bgp_peer_conf peer = {.name = "peer",
					     .remote = addr_v4(0x0a000002U - i),
					     .remote_as = 65001 - i,
					     .passive = i == 0,
					     .hold_s = 9};
		bgp_peer_id id;

		s->engines[i] = bgp_speaker_new(
			&(struct bgp_speaker_conf){.as = 65000 + i, .router_id = 0x0a000001U + i, .seed = i});
		assert_int_equal(bgp_peer_add(s->engines[i], &peer, &id), 0);
		(void)virtual_add(s->net, &(struct virtual_node_conf){.engine = s->engines[i],
								      .listens = i == 0,
								      .addresses = &own,
								      .address_count = 1,
								      .ops = &ops});
	}
}

/* Sessions that stand, break in the middle of messages, and come back. */
static void play(struct scene *s)
{
	virtual_jump(s->net, INT64_C(946684800) * NS_PER_S);
	nodes_add(s);
	for (size_t i = 0; i < 40; i++) {
		virtual_run(s->net, instant_add(virtual_now(s->net), 7 * NS_PER_S));
		(void)virtual_break(s->net, 1, 0, i % 2 == 0 ? VIRTUAL_FIN : VIRTUAL_RST, i % 5 * 9);
	}
}

static void the_file_says_the_same(void **state)
{
	char path[] = "/tmp/ecmplab-virtual-XXXXXX";
	int fd = mkstemp(path);
	struct scene s = {0};
	struct errmsg err;
	size_t messages = 0;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(virtual_save_new(AT_FDCWD, path, "worker1", &s.save, &err), 0);
	s.capture = capture_new(on_event, &s);
	s.net = virtual_new(&(struct virtual_conf){
		.seed = 3,
		.network = {.delay_ns = NS_PER_MS, .jitter_ns = NS_PER_MS, .cut_percent = 50, .late_percent = 30},
		.frame = on_frame,
		.ctx = &s});
	play(&s);
	assert_int_equal(virtual_save_end(s.save, &err), 0);
	capture_free(s.capture);
	s.reading = true;
	s.capture = capture_new(on_event, &s);
	assert_int_equal(capture_read(s.capture, path, 0, &err), 0);
	(void)unlink(path);
	assert_int_equal(s.live.len, s.saved.len);
	for (size_t i = 0; i < s.live.len; i++) {
		assert_true(same(&s.live.at[i], &s.saved.at[i]));
		assert_int_not_equal(s.live.at[i].kind, CAPTURE_BGP_BAD);
		messages += s.live.at[i].kind == CAPTURE_BGP;
	}
	assert_in_range(messages, 100, 10000);
	capture_free(s.capture);
	virtual_free(s.net);
	for (unsigned int i = 0; i < 2; i++)
		bgp_speaker_free(s.engines[i]);
	VEC_FREE(&s.live);
	VEC_FREE(&s.saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_file_says_the_same)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
