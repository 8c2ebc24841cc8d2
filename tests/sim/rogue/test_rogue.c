/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our own speaker must react to every case of the catalogue as the RFCs ask; and the templates say what they should. */
#include "support.h"

#include "bgp.h"
#include "rogue.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUTER_AS 11000
#define ROGUE_AS 22000

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct rogue_conf conf_make(void)
{
	struct addr route = address("198.18.0.1");

	return (struct rogue_conf){.as = ROGUE_AS,
				   .peer_as = ROUTER_AS,
				   .id = 0x0a000033,
				   .local = address("10.0.0.51"),
				   .prefix = prefix_host(&route)};
}

/* ---- Templates ---- */

static const struct {
	const char *template;
	const char *hex; /* NULL: refused */
} templates[] = {
	{"00 ff A5", "00ffa5"},
	{"<04>", "ffffffffffffffffffffffffffffffff001304"},
	/* RFC 4271 section 4.3: 23 octets are the least an UPDATE has */
	{"<02 [] []>", "ffffffffffffffffffffffffffffffff00170200000000"},
	{"[(01)(0203)]", "0005010102"
			 "0203"},
	{"{as} {as4} {peer4} {id} {hold} {nlri}", "55f0"
						  "000055f0"
						  "00002af8"
						  "0a000033"
						  "0003"
						  "20c6120001"},
	{"{origin}{path}{nh}", "40010100"
			       "400206020100"
			       "0055f0"
			       "4003040a000033"},
	{"{hop}", "4003040a000033"},
	{"{caps}", "020e010400010001020041040000"
		   "55f0"},
	{"{zeros 3} 01", "00000001"},
	{"0", NULL},
	{"0g", NULL},
	{"<04", NULL},
	{"[00)", NULL},
	{"00]", NULL},
	{"{nobody}", NULL},
	{"{as", NULL},
	{"({zeros 256})", NULL},
	{"{zeros 99999999}", NULL},
	{"((((((((((00))))))))))", NULL},
};

static void templates_become_octets(void **state)
{
	struct rogue_conf conf = conf_make();

	(void)state;
	for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
		struct errmsg err = {0};
		size_t n = 0;
		uint8_t *bytes = rogue_write(templates[i].template, &conf, &n, &err);
		char hex[256] = "";

		if (templates[i].hex == NULL) {
			assert_null(bytes);
			assert_true(err.text[0] != '\0');
			continue;
		}
		assert_non_null(bytes);
		for (size_t k = 0; k < n; k++)
			snprintf(hex + 2 * k, sizeof(hex) - 2 * k, "%02x", bytes[k]);
		assert_string_equal(hex, templates[i].hex);
		free(bytes);
	}
}

/* ---- Cases against the engine ---- */

/* What the engine did. */
struct outcome {
	bool notified, closed, held;
	uint8_t code, subcode;
	char data[300];
	size_t routes; /* with the rogue's prefix in the loc-rib at the end */
};

struct pair {
	struct bgp_speaker *engine;
	bgp_conn_id conn;
	struct rogue *rogue;
	struct prefix prefix;
	struct outcome out;
};

static void notification_note(struct outcome *o, const uint8_t *bytes, size_t len)
{
	struct wire_notification n;

	if (o->notified || bytes[WIRE_HEADER_LEN - 1] != WIRE_NOTIFICATION)
		return;
	assert_int_equal(wire_notification_decode(wire_in_of(bytes, len), &n).treat, WIRE_OK);
	o->notified = true;
	o->code = n.code;
	o->subcode = n.subcode;
	for (size_t i = 0; wire_more(&n.data) && i < sizeof(o->data) / 2 - 1; i++)
		snprintf(o->data + 2 * i, 3, "%02x", wire_u8(&n.data));
}

/* Hands over what each side has for the other; false when nothing moved. */
static bool exchange(struct pair *p, struct instant now)
{
	size_t n;
	const struct bgp_output *outs = bgp_outputs(p->engine, &n);
	const uint8_t *bytes;
	size_t len;
	enum rogue_act act;
	bool moved = n > 0;

	for (size_t i = 0; i < n; i++) {
		if (outs[i].kind == BGP_OUT_SEND && outs[i].conn == p->conn) {
			notification_note(&p->out, outs[i].bytes, outs[i].len);
			rogue_bytes(p->rogue, outs[i].bytes, outs[i].len, now);
		} else if (outs[i].kind == BGP_OUT_CLOSE && outs[i].conn == p->conn) {
			p->out.closed = true;
			(void)rogue_closed(p->rogue);
		}
	}
	bgp_outputs_clear(p->engine);
	act = rogue_next(p->rogue, &bytes, &len);
	if (act == ROGUE_SEND && !p->out.closed)
		bgp_in_bytes(p->engine, p->conn, bytes, len, now);
	else if (act != ROGUE_NOTHING && act != ROGUE_SEND && !p->out.closed) {
		p->out.closed = true;
		bgp_in_closed(p->engine, p->conn, now);
	}
	return moved || act != ROGUE_NOTHING;
}

static void route_note(void *ctx, const struct prefix *prefix, const struct addr *next_hops, size_t n)
{
	struct pair *p = ctx;

	(void)next_hops;
	p->out.routes += n > 0 && prefix_equal(prefix, &p->prefix);
}

static struct outcome case_play(const struct rogue_case *what, uint32_t as)
{
	struct rogue_conf conf = conf_make();
	struct addr local = address("10.0.0.1");
	struct pair p = {.engine = bgp_speaker_new(&(struct bgp_speaker_conf){
				 .as = ROUTER_AS, .router_id = 0x0a000001, .max_paths = 16, .readvertise = true}),
			 .prefix = conf.prefix};
	struct instant now = {NS_PER_S};
	bgp_peer_id peer;

	conf.as = as;
	p.rogue = rogue_new(&conf, what);
	assert_int_equal(bgp_peer_add(p.engine,
				      &(struct bgp_peer_conf){.name = "rogue",
							      .local = local,
							      .remote = conf.local,
							      .remote_as = as,
							      .passive = true,
							      .hold_s = 90},
				      &peer),
			 0);
	bgp_peer_start(p.engine, peer, now);
	assert_true(bgp_in_accepted(p.engine, &local, &conf.local, now, &p.conn));
	rogue_connected(p.rogue, now);
	/* Two hold times. */
	for (int tick = 0; tick < 300; tick++) {
		while (exchange(&p, now))
			;
		now = instant_add(now, 20 * NS_PER_MS);
		rogue_time(p.rogue, now);
		bgp_in_time(p.engine, now);
	}
	assert_true(rogue_done(p.rogue));
	p.out.held = bgp_peer_state(p.engine, peer) == BGP_ESTABLISHED && !p.out.closed;
	bgp_loc_rib(p.engine, route_note, &p);
	rogue_free(p.rogue);
	bgp_speaker_free(p.engine);
	return p.out;
}

static bool answered(const struct rogue_case *what, const struct outcome *o)
{
	for (size_t i = 0; i < ROGUE_ANSWERS_MAX && what->answers[i].code != 0; i++) {
		const struct rogue_answer *a = &what->answers[i];

		if (o->notified && o->code == a->code &&
		    (a->subcode == ROGUE_ANY_SUBCODE || o->subcode == a->subcode) &&
		    (a->data == NULL || strcmp(o->data, a->data) == 0))
			return true;
	}
	return false;
}

static bool reacted(const struct rogue_case *what, const struct outcome *o)
{
	switch (what->reaction) {
	case ROGUE_NOTIFICATION:
		/* Ours offers RFC 8654; what follows the beginning of a long message is part of it, until HoldTimer ends that. */
		if (what->unless_extended)
			return o->routes == 0 && (o->held ? !o->notified : o->code == 4);
		return answered(what, o) && o->closed && o->routes == 0;
	case ROGUE_CLOSES:
		return o->closed && o->routes == 0;
	case ROGUE_STAYS:
		return o->held && !o->notified;
	case ROGUE_WITHDRAWN:
		return o->held && !o->notified && o->routes == 0;
	case ROGUE_INSTALLED:
		return o->held && !o->notified && o->routes == 1;
	}
	return false;
}

static void our_speaker_reacts_as_the_rfcs_ask(void **state)
{
	static const uint32_t ases[] = {ROGUE_AS, ROUTER_AS}; /* an external peer, and an internal one */
	size_t n, wrong = 0, played[2] = {0};
	const struct rogue_case *cases = rogue_cases(&n);

	(void)state;
	for (size_t i = 0; i < 2 * n; i++) {
		const struct rogue_case *what = &cases[i / 2];
		uint32_t as = ases[i % 2];
		struct outcome o;

		if (!rogue_fits(what, as, ROUTER_AS))
			continue;
		played[i % 2]++;
		o = case_play(what, as);
		if (reacted(what, &o))
			continue;
		wrong++;
		print_error("%s of AS %u (%s, %s): session %s, NOTIFICATION %u/%u %s, %zu routes\n", what->name, as,
			    what->about, what->clause, o.held ? "held" : "ended", o.code, o.subcode, o.data, o.routes);
	}
	assert_int_equal(wrong, 0);
	assert_true(played[0] > 100 && played[1] > 80);
}

/* Octets of a paced case go alone, and not before their time; those that are late make up for it. */
static void octets_keep_their_pace(void **state)
{
	static const uint8_t open[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,	 29,   1,    4,
				       0x2a, 0xf8, 0,	 3,    10,   0,	   0,	 1,    0};
	const struct rogue_case what = {
		.name = "send", .bytes = "0102030405", .stage = ROGUE_AS_OPEN, .pace_ms = 50, .then = ROGUE_VANISHES};
	struct rogue_conf conf = conf_make();
	struct rogue *r = rogue_new(&conf, &what);
	const uint8_t *bytes;
	size_t n;

	(void)state;
	rogue_connected(r, (struct instant){0});
	assert_int_equal(rogue_next(r, &bytes, &n), ROGUE_SEND);
	assert_int_equal(n, 1);
	assert_int_equal(bytes[0], 1);
	assert_int_equal(rogue_next(r, &bytes, &n), ROGUE_NOTHING);
	assert_int_equal(rogue_deadline(r).ns, 50 * NS_PER_MS);
	/* What comes in does not hurry it. */
	rogue_bytes(r, open, sizeof(open), (struct instant){10 * NS_PER_MS});
	rogue_time(r, (struct instant){49 * NS_PER_MS});
	assert_int_equal(rogue_next(r, &bytes, &n), ROGUE_NOTHING);
	rogue_time(r, (struct instant){50 * NS_PER_MS});
	assert_int_equal(rogue_next(r, &bytes, &n), ROGUE_SEND);
	assert_int_equal(bytes[0], 2);
	rogue_time(r, (struct instant){190 * NS_PER_MS});
	for (uint8_t late = 3; late <= 4; late++) {
		assert_int_equal(rogue_next(r, &bytes, &n), ROGUE_SEND);
		assert_int_equal(n, 1);
		assert_int_equal(bytes[0], late);
	}
	assert_int_equal(rogue_next(r, &bytes, &n), ROGUE_NOTHING);
	assert_int_equal(rogue_deadline(r).ns, 200 * NS_PER_MS);
	rogue_time(r, (struct instant){200 * NS_PER_MS});
	assert_int_equal(rogue_next(r, &bytes, &n), ROGUE_SEND);
	assert_int_equal(bytes[0], 5);
	rogue_time(r, (struct instant){250 * NS_PER_MS});
	assert_int_equal(rogue_next(r, &bytes, &n), ROGUE_VANISH);
	rogue_free(r);
}

/* A router that is not ready hangs up without a word; whoever has spoken once is not asked again. */
static void who_hangs_up_mute_is_asked_again(void **state)
{
	static const uint8_t keepalive[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    19,   4};
	struct rogue_conf conf = conf_make();
	struct rogue *r = rogue_new(&conf, rogue_case_find("version_3"));
	const uint8_t *bytes;
	size_t n;

	(void)state;
	for (int i = 0; i < 2; i++) {
		rogue_connected(r, (struct instant){0});
		assert_int_equal(rogue_next(r, &bytes, &n), ROGUE_SEND);
		assert_int_equal(bytes[19], 3);
		assert_int_equal(rogue_next(r, &bytes, &n), ROGUE_NOTHING);
		assert_true(rogue_done(r));
		if (i == 0) {
			assert_true(rogue_closed(r));
			assert_false(rogue_done(r));
		}
	}
	rogue_bytes(r, keepalive, sizeof(keepalive), (struct instant){0});
	assert_false(rogue_closed(r));
	assert_true(rogue_done(r));
	rogue_free(r);
}

static void the_catalogue_is_in_order(void **state)
{
	struct rogue_conf conf = conf_make();
	size_t n;
	const struct rogue_case *cases = rogue_cases(&n);

	(void)state;
	assert_true(n >= 80);
	for (size_t i = 0; i < n; i++) {
		struct errmsg err;
		size_t len;
		uint8_t *bytes = rogue_write(cases[i].bytes, &conf, &len, &err);

		if (bytes == NULL)
			print_error("%s: %s\n", cases[i].name, err.text);
		assert_non_null(bytes);
		free(bytes);
		assert_ptr_equal(rogue_case_find(cases[i].name), &cases[i]); /* no name twice */
		assert_true((cases[i].reaction == ROGUE_NOTIFICATION) == (cases[i].answers[0].code != 0));
	}
	assert_null(rogue_case_find("nobody"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_become_octets),
		cmocka_unit_test(the_catalogue_is_in_order),
		cmocka_unit_test(who_hangs_up_mute_is_asked_again),
		cmocka_unit_test(octets_keep_their_pace),
		cmocka_unit_test(our_speaker_reacts_as_the_rfcs_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
