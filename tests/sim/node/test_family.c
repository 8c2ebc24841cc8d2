/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The made configurations over IPv6: every address and every family word is of IPv6, and identifiers still have four octets
 * (RFC 6286). Expected words are those of each daemon's manual. */
#include "article.h"
#include "daemon_int.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define WORDS 5

static const struct made {
	const char *name;
	enum node_daemon_kind kind;
	bool speaker;
	const char *identifier; /* what stands before it */
	const char *words[WORDS];
} mades[] = {
	{"BIRD 1.6 routes",
	 NODE_BIRD1,
	 false,
	 "router id ",
	 {"local fd00:10::1 as 11000;", "neighbor fd00:10::33 as 22000;", "  import all; export all;"}},
	{"BIRD 2 routes",
	 NODE_BIRD2,
	 false,
	 "router id ",
	 {"local fd00:10::1 as 11000;", "neighbor fd00:10::33 as 22000;", "ipv6 { import all; export all; };",
	  "ipv6 { import none; export all; };"}},
	{"FRR routes",
	 NODE_FRR,
	 false,
	 "bgp router-id ",
	 {"neighbor fd00:10::33 remote-as 22000", "address-family ipv6 unicast", "neighbor fd00:10::33 activate",
	  "neighbor fd00:10::34 activate"}},
	{"GoBGP routes",
	 NODE_GOBGP,
	 false,
	 "router-id = \"",
	 {"local-address-list = [\"fd00:10::1\"]", "neighbor-address = \"fd00:10::34\"", "\"ipv6-unicast\""}},
	{"OpenBGPD routes",
	 NODE_OPENBGPD,
	 false,
	 "router-id ",
	 {"listen on fd00:10::1", "neighbor fd00:10::33 {", "neighbor fd00:10::34 {"}},
	{"BIRD 1.6 speaks",
	 NODE_BIRD1,
	 true,
	 "router id ",
	 {"route fd00:254::1/128 blackhole;", "local fd00:10::33 as 22000;", "neighbor fd00:10::1 as 11000;",
	  "  import none;\n", "if net = fd00:254::1/128 then {"}},
	{"BIRD 2 speaks",
	 NODE_BIRD2,
	 true,
	 "router id ",
	 {"protocol static {\n  ipv6;", "route fd00:254::1/128 blackhole;", "neighbor fd00:10::1 as 11000;",
	  "ipv6 { import none;", "if net = fd00:254::1/128 then {"}},
	{"FRR speaks",
	 NODE_FRR,
	 true,
	 "bgp router-id ",
	 {"address-family ipv6 unicast\n  neighbor fd00:10::1 activate",
	  "address-family ipv6 unicast\n  network fd00:254::1/128",
	  "ipv6 prefix-list fd00:10::1-out-community-22000:77 permit fd00:254::1/128",
	  "match ipv6 address prefix-list fd00:10::1-out-community-22000:77",
	  "match ipv6 address prefix-list fd00:10::1-out-all"}},
	{"GoBGP speaks",
	 NODE_GOBGP,
	 true,
	 "router-id = \"",
	 {"neighbor-address = \"fd00:10::1\"", "afi-safi-name = \"ipv6-unicast\""}},
	{"ExaBGP speaks",
	 NODE_EXABGP,
	 true,
	 "router-id ",
	 {"neighbor fd00:10::1 {", "local-address fd00:10::33;", "family { ipv6 unicast; }"}},
};

static char *router_text(const struct made *m, struct node_lab *lab)
{
	struct node_router_conf conf = {
		.as = ARTICLE_ROUTER_AS, .worker_as = ARTICLE_WORKER_AS, .max_paths = 16, .graceful_restart = true};

	return node_router_config(lab, &conf, m->kind, &lab->arena);
}

static char *speaker_text(const struct made *m, struct node_lab *lab)
{
	static const uint32_t community = 22000U << 16 | 77;
	const struct node_route route = {
		.prefix = article_prefix("fd00:254::1/128"), .communities = &community, .community_count = 1};
	struct kube_object peer = article_peer("router");
	const struct kube_bgp_peer *peers[] = {&peer.peer};
	struct speaker_view v = {.host = &lab->workers[0].host,
				 .lab = &lab->conf,
				 .peers = peers,
				 .peer_count = 1,
				 .routes = &route,
				 .route_count = 1};
	char *text = NULL, *kept;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	peer.peer.peer_address = lab->conf.router_cluster;
	peer.peer.graceful_restart = true;
	assert_non_null(f);
	daemon_kind(m->kind)->speaker_config(&v, f);
	assert_int_equal(fclose(f), 0);
	kept = arena_strdup(&lab->arena, text);
	free(text);
	return kept;
}

static void test_words(void **state)
{
	static const char *const others[] = {"ipv4", "10.0.0.", "172.16.", "\nip prefix-list", "match ip address"};
	const struct made *m = *state;
	struct node_lab lab;
	const char *text, *id;
	char octets[16];
	struct addr parsed;

	article_paper_lab6(&lab, 2);
	text = m->speaker ? speaker_text(m, &lab) : router_text(m, &lab);
	for (size_t i = 0; i < WORDS && m->words[i] != NULL; i++) {
		if (strstr(text, m->words[i]) == NULL)
			fail_msg("\"%s\" is missing in\n%s", m->words[i], text);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const char *at = strstr(text, others[i]);

		/* FRR has no other words to turn IPv4 off */
		while (at != NULL && strncmp(at, "ipv4-unicast\n", 13) == 0)
			at = strstr(at + 1, others[i]);
		if (at != NULL)
			fail_msg("\"%s\" is of IPv4 in\n%s", others[i], text);
	}
	id = strstr(text, m->identifier);
	assert_non_null(id);
	id += strlen(m->identifier);
	snprintf(octets, sizeof(octets), "%.*s", (int)strspn(id, "0123456789."), id);
	assert_int_equal(addr_parse(octets, &parsed), 0);
	assert_int_equal(parsed.family, ADDR_V4);
	arena_clear(&lab.arena);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int main(void)
{
	struct CMUnitTest tests[COUNT(mades)];

	for (size_t i = 0; i < COUNT(mades); i++)
		tests[i] = (struct CMUnitTest){mades[i].name, test_words, NULL, NULL, (void *)(uintptr_t)&mades[i]};
	return cmocka_run_group_tests_name("node: IPv6 configurations", tests, NULL, NULL);
}
