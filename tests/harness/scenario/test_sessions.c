/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session: what is refused of it, with the place and a hint. */
#include "row.h"
#include "scenario.h"
#include "support.h"

#include <string.h>

static const struct row refused[] = {
	{"session key",
	 "lab:\n"
	 "  router: {session: {add_pth: both}}\n",
	 1, 2, 22, 7, "session has no key \"add_pth\"", "did you mean \"add_path\"?"},
	{"session time",
	 "lab:\n"
	 "  router: {session: {delay_open: 1500ms}}\n",
	 1, 2, 34, 6, "delay_open: whole seconds from 1s to 65535s", NULL},
	{"session word",
	 "lab:\n"
	 "  router: {session: {policy: imports}}\n",
	 1, 2, 30, 7, "policy can't be \"imports\"", "did you mean \"import\"?"},
	{"no such capability",
	 "lab:\n"
	 "  workers: {session: {without: [as4, add_paths]}}\n",
	 1, 2, 38, 9, "without: no capability is called \"add_paths\"", "did you mean \"add_path\"?"},
	{"no such family",
	 "lab:\n"
	 "  router: {session: {families: [25/70, l2vpn_evp]}}\n",
	 1, 2, 40, 9, "families: neither AFI/SAFI in numbers nor one that is called \"l2vpn_evp\"",
	 "did you mean \"l2vpn_evpn\"?"},
	{"family beyond its numbers",
	 "lab:\n"
	 "  router: {session: {families: [1/256]}}\n",
	 1, 2, 33, 5, "families: neither AFI/SAFI in numbers nor one that is called \"1/256\"",
	 "known: ipv4_multicast, ipv4_labeled, ipv4_vpn, ipv4_flowspec, ipv6_multicast, ipv6_labeled, ipv6_vpn, "
	 "ipv6_flowspec, "
	 "l2vpn_vpls, l2vpn_evpn, link_state"},
	{"unicast is no further family",
	 "lab:\n"
	 "  router: {session: {families: [2/1]}}\n",
	 1, 2, 33, 3, "families: unicast is no further family", "sessions carry it without a word"},
	{"family named twice",
	 "lab:\n"
	 "  router: {session: {families: [ipv4_vpn, 1/128]}}\n",
	 1, 2, 43, 5, "families: 1/128 stands there twice", NULL},
	{"five families",
	 "lab:\n"
	 "  router: {session: {families: [1/2, 1/3, 1/4, 1/5, 1/6]}}\n",
	 1, 2, 53, 3, "families: more than 4", NULL},
	{"capability that is no hex",
	 "lab:\n"
	 "  workers: {session: {capabilities: [4x]}}\n",
	 1, 2, 38, 2, "capabilities: character 1: neither hex nor a known word",
	 "a code, a length and as many octets: \"49 02 0102\""},
	{"send hold time",
	 "lab:\n"
	 "  router: {hold: 30s, session: {send_hold: 30s}}\n",
	 1, 2, 33, 9, "send_hold: not longer than the hold time of 30s",
	 "RFC 9687 section 4.4 wants it longer; router: {hold: 9s} shortens the other"},
	{"long lived alone",
	 "lab:\n"
	 "  router: {session: {long_lived: 1h}}\n",
	 1, 2, 22, 10, "long_lived has no meaning without graceful_restart (RFC 9494 section 4.1)",
	 "write router: {graceful_restart: true}"},
	{"session of a daemon",
	 "lab:\n"
	 "  router: {daemon: bird2, session: {mrai: 5s}}\n",
	 1, 2, 27, 7, "BIRD 2 has no session", NULL},
	{"decision of a daemon",
	 "lab:\n"
	 "  router: {daemon: frr, multipath_relax: true}\n",
	 1, 2, 25, 15, "FRR has no multipath_relax", NULL},
	{"notification of a daemon",
	 "lab:\n"
	 "  router: {daemon: frr, graceful_restart: {notification: true}}\n",
	 1, 2, 44, 12, "FRR decides itself on notification (RFC 8538)", NULL},
	{"session of a real speaker",
	 "lab:\n"
	 "  workers: {speaker: gobgp, session: {mrai: 5s}}\n",
	 1, 2, 29, 7, "a real speaker has its own sessions: GoBGP takes no \"session\"", NULL},
	{"what native has not",
	 "lab:\n"
	 "  workers: {metallb: native, session: {add_path: send}}\n",
	 1, 2, 40, 8, "MetalLB's native speaker has no add_path", "write workers: {metallb: frr}"},
	{"passive MetalLB",
	 "lab:\n"
	 "  workers: {metallb: frr, session: {passive: true}}\n",
	 1, 2, 37, 7, "MetalLB's speakers listen to nobody", "write workers: {metallb: standard}"},
	{"a router below another dials",
	 "lab:\n"
	 "  upstream: {routers: 2}\n"
	 "  router: {session: {passive: false}}\n",
	 1, 3, 22, 7, "routers below lab.upstream wait for their workers", NULL},
	{"words of the mute",
	 "lab: {}\n"
	 "steps:\n"
	 "  - session: {node: worker1, do: reset, cease: resources, words: bye}\n",
	 1, 3, 59, 5, "words: of a shutdown or a reset alone, and not of cease: resources (RFC 9003 section 2)", NULL},
};
#define ROWS (sizeof(refused) / sizeof(refused[0]))

static void it_is_refused(void **state)
{
	const struct row *row = *state;
	struct folder f = folder_new();
	struct diags d = {0};

	folder_write(&f, "scenario.yaml", row->text, strlen(row->text));
	assert_null(plan_read(f.path, &d));
	row_compare(row, &d, &f);
	diags_fini(&d);
	folder_remove(&f);
}

int main(void)
{
	struct CMUnitTest tests[ROWS] = {{0}};

	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){.name = refused[i].name,
					       .test_func = it_is_refused,
					       .initial_state = (void *)(uintptr_t)&refused[i]};
	return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
