/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real daemons in a scenario: whose language a configuration is in, what follows when it is another's, who speaks. */
#include "folder.h"
#include "scenario.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- Languages ---- */

/* The beginnings of configurations as their projects' manuals have them. */
static const struct language {
	const char *name;
	const char *text;
	const char *daemon;	   /* as the scenario says */
	enum plan_daemon expected; /* PLAN_DAEMON_COUNT: refused, with these words */
	const char *words, *hint;
} languages[] = {
	{"FRR", "frr version 8.4\nhostname r\nrouter bgp 65001\n neighbor 10.0.0.2 remote-as 65002\n", "frr", PLAN_FRR,
	 NULL, NULL},
	{"FRR without a head", "!\nrouter bgp 65001 vrf red\n", "frr", PLAN_FRR, NULL, NULL},
	{"GoBGP in TOML", "[global.config]\n  as = 65001\n", "gobgp", PLAN_GOBGP, NULL, NULL},
	{"GoBGP in YAML", "global:\n  config:\n    as: 65001\n", "gobgp", PLAN_GOBGP, NULL, NULL},
	{"GoBGP in JSON", "{\n  \"global\": {\"config\": {\"as\": 65001}}\n}\n", "gobgp", PLAN_GOBGP, NULL, NULL},
	{"OpenBGPD", "# mine\nAS 65001\nneighbor 10.0.0.2 {\n\tremote-as 65002\n}\n", "openbgpd", PLAN_OPENBGPD, NULL,
	 NULL},
	{"BIRD 1 by bird", "protocol bgp a {\n  import all;\n}\n", "bird", PLAN_BIRD1, NULL, NULL},
	{"BIRD 2 by bird", "protocol bgp a {\n  ipv4 { import all; };\n}\n", "bird", PLAN_BIRD2, NULL, NULL},
	{"a comment tells nothing", "/* was:\nrouter bgp 1\n*/\nprotocol bgp a {\n  ipv4 { import all; };\n}\n",
	 "bird2", PLAN_BIRD2, NULL, NULL},
	{"nothing tells", "log syslog all;\n", "frr", PLAN_FRR, NULL, NULL},
	{"FRR's for BIRD", "!\nrouter bgp 65001\n", "bird", PLAN_DAEMON_COUNT, "is written for FRR (line 2)",
	 "write daemon: frr"},
	{"BIRD 2's for FRR", "protocol bgp a {\n  ipv4 { import all; };\n}\n", "frr", PLAN_DAEMON_COUNT,
	 "is written for BIRD 2 (line 2)", "write daemon: bird2"},
	{"GoBGP's for OpenBGPD", "[global.config]\n  as = 1\n", "openbgpd", PLAN_DAEMON_COUNT,
	 "is written for GoBGP (line 1)", "write daemon: gobgp"},
	{"OpenBGPD's for GoBGP", "AS 65001\n", "gobgp", PLAN_DAEMON_COUNT, "is written for OpenBGPD (line 1)",
	 "write daemon: openbgpd"},
	{"FRR's for none", "router bgp 65001\n", "builtin", PLAN_DAEMON_COUNT,
	 "the built-in router takes no configuration file", "write daemon: frr, in whose language the file is written"},
};

static struct plan *read_lab(const char *text, const char *config, struct diags *diags)
{
	struct folder f = folder_new();
	struct plan *p;

	folder_write(&f, "scenario.yaml", text, strlen(text));
	folder_write(&f, "r.conf", config, strlen(config));
	folder_write(&f, "m.yaml", folder_nginx, strlen(folder_nginx));
	p = plan_read(f.path, diags);
	folder_remove(&f);
	return p;
}

static void test_language(void **state)
{
	const struct language *l = *state;
	struct diags diags = {0};
	char text[256];
	struct plan *p;

	snprintf(text, sizeof(text), "lab:\n  router: {daemon: %s, config: r.conf}\n  manifests: [m.yaml]\n",
		 l->daemon);
	p = read_lab(text, l->text, &diags);
	if (l->words == NULL) {
		assert_non_null(p);
		assert_int_equal(p->lab.daemon, l->expected);
	} else {
		assert_null(p);
		assert_true(diags.list.len >= 1);
		assert_non_null(strstr(diags.list.at[0].message, l->words));
		assert_string_equal(diags.list.at[0].hint, l->hint);
	}
	plan_free(p);
	diags_fini(&diags);
}

/* ---- Speakers ---- */

static const struct speakers {
	const char *name;
	const char *text;
	size_t count;
	enum plan_daemon first, last;
	const char *words, *hint; /* of the refusal */
} speakers[] = {
	{"none said", "lab: {manifests: [m.yaml]}\n", 0, PLAN_BUILTIN, PLAN_BUILTIN, NULL, NULL},
	{"one for all", "lab: {workers: {speaker: frr}, manifests: [m.yaml]}\n", 1, PLAN_FRR, PLAN_FRR, NULL, NULL},
	{"in turn", "lab: {workers: {speaker: [builtin, bird1, exabgp]}, manifests: [m.yaml]}\n", 3, PLAN_BUILTIN,
	 PLAN_EXABGP, NULL, NULL},
	{"bird is BIRD 2", "lab: {workers: {speaker: [gobgp, bird]}, manifests: [m.yaml]}\n", 2, PLAN_GOBGP, PLAN_BIRD2,
	 NULL, NULL},
	{"over IPv6, any router and any speaker",
	 "lab: {networks: {family: ipv6}, router: {daemon: openbgpd}, workers: {speaker: [builtin, bird1, exabgp]}, "
	 "manifests: [m.yaml]}\n",
	 3, PLAN_BUILTIN, PLAN_EXABGP, NULL, NULL},
	{"over IPv6, in a mode that has none",
	 "lab: {networks: {family: ipv6}, workers: {metallb: native, speaker: frr}, manifests: [m.yaml]}\n", 0, 0, 0,
	 "MetalLB announces IPv6 in its FRR mode alone", "write workers: {metallb: frr}"},
	{"a misspelt one", "lab: {workers: {speaker: gobpg}, manifests: [m.yaml]}\n", 0, 0, 0,
	 "speaker can't be \"gobpg\"", "did you mean \"gobgp\"?"},
	{"no speaker of ours", "lab: {workers: {speaker: openbgpd}, manifests: [m.yaml]}\n", 0, 0, 0,
	 "speaker can't be \"openbgpd\"", NULL},
	{"an empty list", "lab: {workers: {speaker: []}, manifests: [m.yaml]}\n", 0, 0, 0, "an empty list", NULL},
	{"a mapping", "lab: {workers: {speaker: {a: 1}}, manifests: [m.yaml]}\n", 0, 0, 0, "speaker: expected", NULL},
	{"a password", "lab: {router: {daemon: frr, password: s3cret}, manifests: [m.yaml]}\n", 0, 0, 0, NULL, NULL},
	{"an empty password", "lab: {router: {password: \"\"}, manifests: [m.yaml]}\n", 0, 0, 0,
	 "password: from 1 to 80 characters", NULL},
	{"a password of two words", "lab: {router: {password: two words}, manifests: [m.yaml]}\n", 0, 0, 0,
	 "password: no blanks", NULL},
	{"a password beside a configuration",
	 "lab: {router: {daemon: frr, config: r.conf, password: a}, manifests: [m.yaml]}\n", 0, 0, 0,
	 "a router with its own configuration has its passwords there", "leave out password, or config"},
	{"a liar that is real",
	 "lab: {workers: {speaker: [builtin, frr]}, faults: [{worker: 2, how: silent}], manifests: [m.yaml]}\n", 0, 0,
	 0, "worker2 has a real speaker, which tells no lies", NULL},
	{"a liar that is built in",
	 "lab: {workers: {speaker: [builtin, frr]}, faults: [{worker: 3, how: silent}], manifests: [m.yaml]}\n", 2,
	 PLAN_BUILTIN, PLAN_FRR, NULL, NULL},
};

static void test_speakers(void **state)
{
	const struct speakers *s = *state;
	struct diags diags = {0};
	struct plan *p = read_lab(s->text, "", &diags);

	if (s->words == NULL) {
		assert_non_null(p);
		assert_int_equal(p->lab.speaker_count, s->count);
		if (s->count > 0) {
			assert_int_equal(p->lab.speakers[0], s->first);
			assert_int_equal(p->lab.speakers[s->count - 1], s->last);
		}
	} else {
		assert_null(p);
		assert_non_null(strstr(diags.list.at[0].message, s->words));
		if (s->hint != NULL)
			assert_string_equal(diags.list.at[0].hint, s->hint);
	}
	plan_free(p);
	diags_fini(&diags);
}

int main(void)
{
	struct CMUnitTest tests[COUNT(languages) + COUNT(speakers)];
	size_t n = 0;

	for (size_t i = 0; i < COUNT(languages); i++)
		tests[n++] = (struct CMUnitTest){languages[i].name, test_language, NULL, NULL,
						 (void *)(uintptr_t)&languages[i]};
	for (size_t i = 0; i < COUNT(speakers); i++)
		tests[n++] = (struct CMUnitTest){speakers[i].name, test_speakers, NULL, NULL,
						 (void *)(uintptr_t)&speakers[i]};
	return cmocka_run_group_tests_name("scenario: daemons", tests, NULL, NULL);
}
