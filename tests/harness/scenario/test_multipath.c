/* SPDX-License-Identifier: GPL-2.0-or-later */
/* router.hash, router.nexthop_groups, the step hash and expect: {paths: predicted}: how they are read, and what is refused. */
#include "row.h"
#include "scenario.h"
#include "support.h"

#include <string.h>

#define ROUTER(words) "lab: {router: {" words "}, manifests: [metallb.yaml, nginx.yaml]}\n"
#define STEPS ROUTER("as: 11000") "steps:\n"

static const char metallb[] = "configInline:\n  peers:\n"
			      "  - {my-asn: 22000, peer-asn: 11000, peer-address: 10.0.0.1}\n"
			      "  address-pools:\n  - {name: a, protocol: bgp, addresses: [172.16.254.0/24]}\n";

static struct plan *read_text(const char *text, struct folder *f, struct diags *d)
{
	*f = folder_new();
	folder_write(f, "scenario.yaml", text, strlen(text));
	folder_write(f, "nginx.yaml", folder_nginx, strlen(folder_nginx));
	folder_write(f, "metallb.yaml", metallb, strlen(metallb));
	return plan_read(f->path, d);
}

static const struct row refused[] = {
	{"policy", ROUTER("hash: l5"), 1, 1, 22, 2, "hash can't be \"l5\"", "did you mean \"l3\"?"},
	{"key", ROUTER("hash: {polcy: l4}"), 1, 1, 23, 5, "hash has no key \"polcy\"", "did you mean \"policy\"?"},
	{"no fields", ROUTER("hash: {policy: custom}"), 1, 1, 31, 6, "policy custom: which fields?",
	 "write fields: [src, dst, protocol, src_port, dst_port], for example"},
	{"fields of l4", ROUTER("hash: {policy: l4, fields: [src]}"), 1, 1, 35, 6, "fields belong to policy custom",
	 "leave out one of the two"},
	{"field", ROUTER("hash: {fields: [src, dts]}"), 1, 1, 37, 3, "fields can't be \"dts\"",
	 "did you mean \"dst\"?"},
	{"nothing", ROUTER("hash: {fields: []}"), 1, 1, 31, 1, "fields: a hash of nothing is one path for all", NULL},
	{"seed", ROUTER("hash: {policy: l4, seed: 0}"), 1, 1, 41, 1,
	 "seed: 0 is not a whole number from 1 to 4294967295", NULL},
	{"twice", ROUTER("multipath_hash: l4, hash: l4"), 1, 1, 16, 14, "hash and multipath_hash say the same thing",
	 "leave out multipath_hash"},
	{"no type", ROUTER("nexthop_groups: {buckets: 8}"), 1, 1, 32, 1, "nexthop_groups needs \"type\"", NULL},
	{"type", ROUTER("nexthop_groups: {type: resilent}"), 1, 1, 39, 8, "type can't be \"resilent\"",
	 "did you mean \"resilient\"?"},
	{"buckets of none", ROUTER("nexthop_groups: {type: multipath, buckets: 8}"), 1, 1, 50, 7,
	 "buckets: a multipath group has no buckets", "write type: resilient"},
	{"buckets", ROUTER("nexthop_groups: {type: resilient, buckets: 65536}"), 1, 1, 59, 5,
	 "buckets: 65536 is not a whole number from 1 to 65535", NULL},
	{"timer", ROUTER("nexthop_groups: {type: resilient, idle_timer: 15ms}"), 1, 1, 62, 4,
	 "idle_timer: a multiple of 10ms, up to a day", NULL},
	{"daemon", ROUTER("daemon: gobgp, nexthop_groups: {type: resilient}"), 1, 1, 31, 14,
	 "GoBGP installs no routes in Linux's kernel, and groups have none to follow",
	 "write daemon: frr, bird2 or bird1, or leave it out for the built-in router"},
	{"OpenBGPD", ROUTER("daemon: openbgpd, nexthop_groups: {type: multipath}"), 1, 1, 34, 14,
	 "OpenBGPD installs no routes in Linux's kernel, and groups have none to follow",
	 "write daemon: frr, bird2 or bird1, or leave it out for the built-in router"},
	{"bandwidth", "lab: {workers: {link_bandwidth: fast}, manifests: [metallb.yaml, nginx.yaml]}\n", 1, 1, 33, 4,
	 "link_bandwidth: expected bits a second",
	 "such as 10G, or a list of them that the workers take in turn: [10G, 10G, 40G]"},
	{"bandwidth of a daemon",
	 "lab: {workers: {speaker: frr, link_bandwidth: 10G}, manifests: [metallb.yaml, nginx.yaml]}\n", 1, 1, 31, 14,
	 "only built-in speakers tell their links' bandwidth, not FRR", "leave out speaker"},
	{"weight of none", STEPS "  - expect: {next_hops: {worker9: 1}}\n", 1, 3, 26, 7,
	 "the lab has no worker \"worker9\"", "it has worker1 to worker3"},
	{"no weight", STEPS "  - expect: {next_hops: {worker1: 0}}\n", 1, 3, 35, 1,
	 "next_hops: 0 is not a whole number from 1 to 65536", NULL},
	{"weight twice", STEPS "  - expect: {next_hops: {worker1: 1, 1: 2}}\n", 1, 3, 38, 1,
	 "next_hops: worker1 is here twice", NULL},
	{"sweep of nothing", STEPS "  - sweep: {seeds: 3}\n", 1, 3, 12, 1, "sweep: no flows step before this one",
	 "begin with - flows: {service: ..., count: 3000}"},
	{"sweep of no seeds", STEPS "  - flows: {}\n  - sweep: {seeds: []}\n", 1, 4, 20, 1,
	 "seeds: from 1 to 1000 of them", NULL},
	{"sweep of seed 0", STEPS "  - flows: {}\n  - sweep: {seeds: [0]}\n", 1, 4, 21, 1,
	 "seeds: 0 is not a whole number from 1 to 4294967295", NULL},
	{"too few addresses", STEPS "  - flows: {count: 4000, vary: [src_addr]}\n", 1, 3, 20, 4,
	 "count: what varies tells 245 flows apart, and 4000 are asked for",
	 "vary another field as well, or write count: auto for as many as what is expected needs"},
	{"empty step", STEPS "  - hash: {}\n", 1, 3, 11, 1, "hash: nothing to change", NULL},
	{"no flows", STEPS "  - expect: {paths: predicted}\n", 1, 3, 14, 5, "no flows or http step before this one",
	 "begin with - flows: {service: ...}"},
	{"paths", STEPS "  - flows: {count: 10}\n  - expect: {paths: guessed}\n", 1, 4, 21, 7,
	 "paths can't be \"guessed\"", "known: predicted"},
	{"never", STEPS "  - flows: {count: 10}\n  - never: {paths: predicted, for: 1s}\n", 1, 4, 13, 5,
	 "never has no meaning with \"paths\"", "it is judged once, after the traffic: use expect"},
};

static void it_is_refused(void **state)
{
	const struct row *row = *state;
	struct diags d = {0};
	struct folder f;
	struct plan *p = read_text(row->text, &f, &d);

	assert_null(p);
	row_compare(row, &d, &f);
	diags_fini(&d);
	folder_remove(&f);
}

static struct plan *good(const char *text)
{
	struct diags d = {0};
	struct folder f;
	struct plan *p = read_text(text, &f, &d);

	if (p == NULL)
		fail_msg("%s", d.list.at[0].message);
	folder_remove(&f);
	return p;
}

static void the_hash_is_read(void **state)
{
	static const struct {
		const char *text;
		struct plan_hashing want;
	} rows[] = {
		{ROUTER("as: 11000"), {0}},
		{ROUTER("hash: l4"), {.policy = PLAN_POLICY_L4}},
		{ROUTER("hash: {policy: inner_l3, seed: 4294967295}"),
		 {.policy = PLAN_POLICY_INNER_L3, .seed = UINT32_MAX}},
		{ROUTER("hash: {policy: socket, use_neighbours: true}"),
		 {.policy = PLAN_POLICY_SOCKET, .use_neighbours = true}},
		/* the kernel's bits, Documentation/networking/ip-sysctl */
		{ROUTER("hash: {policy: custom, fields: [src, dst, protocol, src_port, dst_port]}"),
		 {.policy = PLAN_POLICY_CUSTOM, .fields = 0x37}},
		{ROUTER("hash: {fields: [flow_label, inner_src, inner_dst_port]}"),
		 {.policy = PLAN_POLICY_CUSTOM, .fields = 0x848}},
		{ROUTER("hash: {fields: inner_protocol}"), {.policy = PLAN_POLICY_CUSTOM, .fields = 0x100}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan *p = good(rows[i].text);
		const struct plan_hashing *h = &p->lab.hashing;

		assert_int_equal(h->policy, rows[i].want.policy);
		assert_int_equal(h->fields, rows[i].want.fields);
		assert_int_equal(h->seed, rows[i].want.seed);
		assert_int_equal(h->use_neighbours, rows[i].want.use_neighbours);
		plan_free(p);
	}
}

static void groups_are_read(void **state)
{
	struct plan *p = good(ROUTER("nexthop_groups: {type: resilient, buckets: 256, idle_timer: 1s, "
				     "unbalanced_timer: 10s}"));
	const struct plan_groups *g = &p->lab.groups;

	(void)state;
	assert_true(g->on && g->resilient);
	assert_int_equal(g->buckets, 256);
	assert_int_equal(g->idle_ns, 1000000000);
	assert_true(g->unbalanced_ns == 10000000000);
	plan_free(p);
	p = good(ROUTER("nexthop_groups: {type: multipath}"));
	assert_true(p->lab.groups.on && !p->lab.groups.resilient);
	plan_free(p);
	p = good(ROUTER("as: 11000"));
	assert_false(p->lab.groups.on);
	plan_free(p);
}

static void a_router_left_to_itself(void **state)
{
	struct plan *p =
		good("lab: {router: {daemon: frr, multipath: defaults}, workers: {as: 65001, as_step: 2}, manifests: "
		     "nginx.yaml}\nsteps: []\n");

	(void)state;
	assert_true(p->lab.multipath_own);
	assert_int_equal(p->lab.worker_as_step, 2);
	plan_free(p);
	p = good(ROUTER("multipath: configured"));
	assert_false(p->lab.multipath_own);
	assert_int_equal(p->lab.worker_as_step, 0);
	plan_free(p);
}

static void steps_are_read(void **state)
{
	struct plan *p = good(STEPS "  - hash: {seed: 9}\n  - flows: {count: 10}\n"
				    "  - expect: {paths: predicted, of: flows}\n");

	(void)state;
	assert_int_equal(p->steps[0].kind, PLAN_STEP_HASH);
	assert_int_equal(p->steps[0].hashing.seed, 9);
	assert_int_equal(p->steps[0].hashing.policy, PLAN_POLICY_DEFAULT);
	assert_true(plan_step_needs_kernel(&p->steps[0]));
	assert_int_equal(p->steps[2].expect.kind, PLAN_EXPECT_PREDICTED);
	assert_int_equal(p->steps[2].expect.of, PLAN_OF_FLOWS);
	assert_true(plan_step_needs_kernel(&p->steps[2]));
	assert_string_equal(p->steps[2].expect.text, "paths predicted of flows");
	plan_free(p);
}

static void weights_are_read(void **state)
{
	struct plan *p =
		good("lab: {workers: {link_bandwidth: [2.5G, 100M, 8]}, manifests: [metallb.yaml, nginx.yaml]}\n"
		     "steps:\n  - expect: {next_hops: {worker3: 4, worker1: 1}}\n");
	const struct plan_expect *e = &p->steps[0].expect;

	(void)state;
	assert_int_equal(p->lab.bandwidth_count, 3);
	assert_int_equal(p->lab.bandwidths[0], 312500000);
	assert_int_equal(p->lab.bandwidths[1], 12500000);
	assert_int_equal(p->lab.bandwidths[2], 1);
	assert_int_equal(e->who.count, 2);
	assert_int_equal(e->who.workers[0], 1);
	assert_int_equal(e->who.workers[1], 3);
	assert_int_equal(e->weights[0], 1);
	assert_int_equal(e->weights[1], 0);
	assert_int_equal(e->weights[2], 4);
	plan_free(p);
}

static void a_sweep_is_flows_under_each_seed(void **state)
{
	struct plan *p = good(STEPS "  - flows: {count: 10}\n  - sweep: {seeds: [7, 9], detect: 40%}\n");

	(void)state;
	assert_int_equal(p->step_count, 9);
	for (size_t i = 0; i < 2; i++) {
		const struct plan_step *s = &p->steps[1 + 4 * i];

		assert_int_equal(s[0].kind, PLAN_STEP_HASH);
		assert_int_equal(s[0].hashing.seed, i == 0 ? 7 : 9);
		assert_int_equal(s[0].hashing.policy, PLAN_POLICY_DEFAULT);
		assert_true(s[1].kind == PLAN_STEP_FLOWS && s[1].traffic.again);
		assert_true(s[2].kind == PLAN_STEP_EXPECT && s[2].expect.kind == PLAN_EXPECT_SPREAD);
		assert_int_equal(s[2].expect.spread, PLAN_SPREAD_WEIGHTED);
		assert_true(s[2].expect.detect == 0.4);
		assert_true(s[3].kind == PLAN_STEP_EXPECT && s[3].expect.kind == PLAN_EXPECT_PREDICTED);
	}
	plan_free(p);
}

int main(void)
{
	struct CMUnitTest tests[6 + sizeof(refused) / sizeof(refused[0])] = {
		cmocka_unit_test(the_hash_is_read), cmocka_unit_test(groups_are_read),
		cmocka_unit_test(steps_are_read),   cmocka_unit_test(a_router_left_to_itself),
		cmocka_unit_test(weights_are_read), cmocka_unit_test(a_sweep_is_flows_under_each_seed),
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		tests[6 + i] = (struct CMUnitTest){.name = refused[i].name,
						   .test_func = it_is_refused,
						   .initial_state = (void *)(uintptr_t)&refused[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
