/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenarios read into plans: the project's own, and what the shortest ones mean. */
#include "folder.h"
#include "scenario.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct plan *read_good(const char *path)
{
	struct diags d = {0};
	struct plan *p = plan_read(path, &d);

	for (size_t i = 0; i < d.list.len; i++)
		print_message("%s:%u:%u: %s\n", d.list.at[i].file, d.list.at[i].line, d.list.at[i].column,
			      d.list.at[i].message);
	assert_non_null(p);
	diags_fini(&d);
	return p;
}

/* A scenario beside nginx.yaml and metallb.yaml. */
static struct plan *read_text(const char *text)
{
	static const char metallb[] = "configInline:\n  peers:\n"
				      "  - {my-asn: 22000, peer-asn: 11000, peer-address: 10.0.0.1}\n"
				      "  address-pools:\n  - {name: a, protocol: bgp, addresses: [172.16.254.0/24]}\n";
	struct folder f = folder_new();
	struct plan *p;

	folder_write(&f, "scenario.yaml", text, strlen(text));
	folder_write(&f, "nginx.yaml", folder_nginx, strlen(folder_nginx));
	folder_write(&f, "metallb.yaml", metallb, strlen(metallb));
	p = read_good(f.path);
	folder_remove(&f);
	return p;
}

static void every_scenario_of_the_project_is_read(void **state)
{
	static const struct {
		const char *name;
		enum plan_daemon daemon;
		enum plan_hash hash;
		enum kube_metallb metallb;
		size_t steps;
	} rows[] = {
		{"article", PLAN_BUILTIN, PLAN_HASH_DEFAULT, KUBE_METALLB_LEGACY, 7},
		{"article-bird", PLAN_BIRD1, PLAN_HASH_DEFAULT, KUBE_METALLB_LEGACY, 7},
		{"article-bird2", PLAN_BIRD2, PLAN_HASH_DEFAULT, KUBE_METALLB_LEGACY, 7},
		{"article-frr", PLAN_FRR, PLAN_HASH_L4, KUBE_METALLB_LEGACY, 8},
		{"article-gobgp", PLAN_GOBGP, PLAN_HASH_DEFAULT, KUBE_METALLB_LEGACY, 6},
		{"article-openbgpd", PLAN_OPENBGPD, PLAN_HASH_DEFAULT, KUBE_METALLB_LEGACY, 6},
		{"article-l4", PLAN_BUILTIN, PLAN_HASH_L4, KUBE_METALLB_LEGACY, 9},
		{"service-removed", PLAN_BUILTIN, PLAN_HASH_DEFAULT, KUBE_METALLB_LEGACY, 9},
		{"local-policy", PLAN_BUILTIN, PLAN_HASH_DEFAULT, KUBE_METALLB_NATIVE, 11},
	};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan *p;

		snprintf(path, sizeof(path), "scenarios/%s", rows[i].name);
		p = read_good(path);
		assert_string_equal(p->name, rows[i].name);
		assert_int_equal(p->lab.daemon, rows[i].daemon);
		assert_int_equal(p->lab.hash, rows[i].hash);
		assert_int_equal(p->lab.metallb, rows[i].metallb);
		assert_int_equal(p->step_count, rows[i].steps);
		plan_free(p);
	}
}

static void the_article_step_by_step(void **state)
{
	static const char *const texts[] = {
		"expect sessions established within 5s",
		"apply nginx.yaml",
		"expect service nginx announced_by all within 5s",
		"expect service nginx next_hops all within 5s",
		"http service nginx requests 30",
		"expect http answered all status 200",
		"expect spread pinned over workers of connections",
	};
	struct plan *p = read_good("scenarios/article/scenario.yaml");

	(void)state;
	assert_string_equal(p->file, "scenarios/article/scenario.yaml");
	assert_string_equal(p->dir, "scenarios/article");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_string_equal(p->steps[i].text, texts[i]);
	assert_int_equal(p->steps[0].at.line, 13);
	assert_int_equal(p->steps[0].expect.within_ns, 5 * NS_PER_S);
	assert_string_equal(p->steps[2].expect.text, "service nginx announced_by all within 5s");
	assert_int_equal(p->steps[2].expect.kind, PLAN_EXPECT_ANNOUNCED_BY);
	assert_int_equal(p->steps[1].object_count, 2);
	assert_int_equal(p->steps[4].traffic.count, 30);
	assert_int_equal(p->steps[6].expect.spread, PLAN_SPREAD_PINNED);
	assert_int_equal(p->steps[6].expect.of, PLAN_OF_CONNECTIONS);
	plan_free(p);
}

static void the_shortest_file_is_a_lab_that_must_answer(void **state)
{
	struct plan *p = read_text("lab: {manifests: [metallb.yaml, nginx.yaml]}\n");
	const struct plan_lab *lab = &p->lab;

	(void)state;
	assert_string_equal(prefix_text(&lab->cluster_net).s, "10.0.0.0/24");
	assert_string_equal(prefix_text(&lab->client_net).s, "172.16.0.0/24");
	assert_string_equal(prefix_text(&lab->pod_net).s, "10.244.0.0/16");
	assert_string_equal(prefix_text(&lab->service_net).s, "10.96.0.0/12");
	assert_string_equal(addr_text(&lab->router_cluster).s, "10.0.0.1");
	assert_string_equal(addr_text(&lab->router_client).s, "172.16.0.1");
	assert_string_equal(addr_text(&lab->control_plane).s, "10.0.0.10");
	assert_string_equal(addr_text(&lab->first_worker).s, "10.0.0.51");
	assert_string_equal(addr_text(&lab->first_client).s, "172.16.0.10");
	assert_int_equal(lab->workers, 3);
	assert_int_equal(lab->router_as, 11000);
	assert_int_equal(lab->worker_as, 22000);
	assert_int_equal(lab->max_paths, 16);
	assert_int_equal(lab->metallb, KUBE_METALLB_LEGACY);
	assert_int_equal(p->manifest_count, 3);
	assert_int_equal(p->step_count, 3);
	assert_int_equal(p->steps[0].kind, PLAN_STEP_EXPECT);
	assert_int_equal(p->steps[1].kind, PLAN_STEP_HTTP);
	assert_string_equal(p->steps[1].traffic.service, "nginx");
	assert_int_equal(p->steps[2].expect.kind, PLAN_EXPECT_HTTP);
	assert_true(p->steps[2].expect.http_all);
	plan_free(p);
}

static void names_numbers_and_addresses_are_interchangeable(void **state)
{
	struct plan *p = read_text("lab:\n  manifests: nginx.yaml\n  faults: [{worker: worker3, how: silent}]\n"
				   "steps:\n  - expect: {next_hops: [10.0.0.53, worker2, 1]}\n"
				   "  - http: {client: 172.16.0.10}\n"
				   "  - never: {service: default/nginx, announced_by: worker2, for: 200ms}\n");
	const struct plan_who *who = &p->steps[0].expect.who;

	(void)state;
	assert_string_equal(p->steps[0].expect.service, "nginx");
	assert_int_equal(who->kind, PLAN_WHO_LIST);
	assert_int_equal(who->count, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(who->workers[i], i + 1);
	assert_int_equal(p->steps[1].traffic.client, 1);
	assert_true(p->steps[2].expect.never);
	assert_int_equal(p->steps[2].expect.for_ns, 200 * NS_PER_MS);
	assert_string_equal(p->steps[2].expect.namespace, "default");
	assert_string_equal(p->steps[2].expect.text, "never service default/nginx announced_by worker2 for 200ms");
	assert_int_equal(p->lab.fault_count, 1);
	assert_int_equal(p->lab.faults[0].worker, 3);
	assert_int_equal(p->lab.faults[0].fault, PLAN_FAULT_SILENT);
	plan_free(p);
}

static void every_step_and_its_fields(void **state)
{
	struct plan *p =
		read_text("seed: 7\nlab: {manifests: nginx.yaml, clients: {count: 2}, control_plane: none}\nsteps:\n"
			  "  - flows: {count: 10, vary: [src_port, src_addr], protocol: tcp, packets: 2, port: 80}\n"
			  "  - expect: {spread: equal, of: flows, detect: 0.5}\n"
			  "  - scale: {deployment: nginx, replicas: 1}\n"
			  "  - exec: {on: client2, run: [curl, -s, 172.16.254.1], exit: 7, within: 1s}\n"
			  "  - exec: {run: 'ip route | wc -l'}\n"
			  "  - delete: {deployment: nginx}\n"
			  "  - delete: svc/nginx\n"
			  "  - expect: {service: nginx, withdrawn_by: all}\n");

	(void)state;
	assert_true(p->has_seed);
	assert_int_equal(p->seed, 7);
	assert_false(p->lab.has_control_plane);
	assert_int_equal(p->steps[0].traffic.vary, 5);
	assert_int_equal(p->steps[0].traffic.protocol, PLAN_FLOWS_TCP);
	assert_int_equal(p->steps[0].traffic.packets, 2);
	assert_true(p->steps[1].expect.detect == 0.5);
	assert_int_equal(p->steps[2].replicas, 1);
	assert_string_equal(p->steps[3].node, "client2");
	assert_string_equal(p->steps[3].argv[2], "172.16.254.1");
	assert_null(p->steps[3].argv[3]);
	assert_int_equal(p->steps[3].exit_status, 7);
	assert_string_equal(p->steps[4].node, "client1");
	assert_string_equal(p->steps[4].argv[1], "-c");
	assert_int_equal(p->steps[5].delete_kind, KUBE_DEPLOYMENT);
	assert_int_equal(p->steps[6].delete_kind, KUBE_SERVICE);
	assert_string_equal(p->steps[7].expect.service, "nginx");
	assert_int_equal(p->steps[7].expect.within_ns, 3 * NS_PER_S);
	plan_free(p);
}

static void a_malformed_step_brings_its_expectations(void **state)
{
	struct plan *p =
		read_text("lab: {workers: {count: 120}}\nsteps:\n"
			  "  - malformed: {case: [version_3, bad_marker], worker: worker4, within: 8s}\n"
			  "  - malformed: {case: all, except: version_3}\n"
			  "  - send: {hex: '<02 [] 01>', expect: notification 3/1, when: as_open, then: sends_fin, "
			  "times: 2, bytewise: true, worker: worker9, every: 20ms, two_octet_as: true}\n"
			  "  - send: {hex: 'ff', expect: notification 1}\n");
	const struct rogue_case *sent;
	size_t known, all = 0;
	const struct rogue_case *cases = rogue_cases(&known);

	(void)state;
	for (size_t i = 0; i < known; i++) /* what only peers within one AS can do is left out */
		all += rogue_fits(&cases[i], 22000, 11000);
	assert_true(all < known);
	assert_int_equal(p->step_count, 1 + 2 + 1 + all - 1 + 2 + 2);
	assert_int_equal(p->steps[0].kind, PLAN_STEP_MALFORMED);
	assert_int_equal(p->steps[0].malformed_count, 2);
	assert_int_equal(p->steps[0].malformed[1].worker, 5);
	assert_string_equal(p->steps[0].malformed[1].what->name, "bad_marker");
	assert_int_equal(p->steps[1].kind, PLAN_STEP_EXPECT);
	assert_int_equal(p->steps[1].expect.kind, PLAN_EXPECT_REACTION);
	assert_int_equal(p->steps[1].expect.who.workers[0], 4);
	assert_int_equal(p->steps[1].expect.within_ns, 8 * NS_PER_S);
	assert_ptr_equal(p->steps[1].expect.reaction, rogue_case_find("version_3"));
	assert_string_equal(p->steps[1].text,
			    "version_3, worker4 sends an OPEN of version 3: NOTIFICATION 2/1 data 0004 "
			    "(RFC 4271 section 6.2)");
	assert_int_equal(p->steps[3].malformed_count, all - 1);
	sent = p->steps[p->step_count - 4].malformed[0].what;
	assert_int_equal(p->steps[p->step_count - 4].malformed[0].worker, 9);
	assert_string_equal(sent->bytes, "<02 [] 01>");
	assert_int_equal(sent->stage, ROGUE_AS_OPEN);
	assert_int_equal(sent->then, ROGUE_SENDS_FIN);
	assert_true(sent->times == 2 && sent->bytewise && sent->pace_ms == 20 && sent->old);
	assert_int_equal(sent->answers[0].code, 3);
	assert_int_equal(sent->answers[0].subcode, 1);
	assert_int_equal(p->steps[p->step_count - 1].expect.reaction->answers[0].subcode, ROGUE_ANY_SUBCODE);
	plan_free(p);
}

/* Each pool alone is good; MetalLB refuses the two together, at the second. */
static void metallbs_refusal_has_its_place(void **state)
{
	static const char pools[] = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
				    "metadata: {name: a, namespace: metallb-system}\n"
				    "spec: {addresses: [172.16.254.0/24]}\n---\n"
				    "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
				    "metadata: {name: b, namespace: metallb-system}\n"
				    "spec: {addresses: [172.16.254.128/25]}\n";
	static const char text[] = "lab: {manifests: pools.yaml}\nsteps: []\n";
	struct folder f = folder_new();
	struct diags d = {0};

	(void)state;
	folder_write(&f, "scenario.yaml", text, sizeof(text) - 1);
	folder_write(&f, "pools.yaml", pools, sizeof(pools) - 1);
	assert_null(plan_read(f.path, &d));
	assert_int_equal(d.list.len, 1);
	assert_string_equal(d.list.at[0].file, folder_path(&f, "pools.yaml"));
	assert_in_range(d.list.at[0].line, 6, 9);
	assert_null(strstr(d.list.at[0].message, "pools.yaml:"));
	assert_non_null(strstr(d.list.at[0].message, "172.16.254."));
	diags_fini(&d);
	folder_remove(&f);
}

static void a_scenario_is_told_from_a_manifest(void **state)
{
	(void)state;
	assert_true(plan_is_scenario("scenarios/article"));
	assert_true(plan_is_scenario("scenarios/article/scenario.yaml"));
	assert_false(plan_is_scenario("scenarios/article/nginx.yaml"));
	assert_false(plan_is_scenario("scenarios/article/metallb-values.yaml"));
	assert_false(plan_is_scenario("scenarios/no-such-thing.yaml"));
}

static void the_articles_files_are_unchanged(void **state)
{
	static const char *const copies[][2] = {
		{"article/bird.conf", "scenarios/article-bird/bird.conf"},
		{"article/nginx.yaml", "scenarios/article/nginx.yaml"},
		{"article/metallb-values.yaml", "scenarios/article/metallb-values.yaml"}};

	(void)state;
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		const char *path = support_shared(copies[i][0]); /* first: it may skip */
		size_t n, m;
		char *ours = support_slurp(copies[i][1], &n), *theirs = support_slurp(path, &m);

		assert_string_equal(ours, theirs);
		free(ours);
		free(theirs);
	}
}

static void sessions_of_built_in_speakers(void **state)
{
	static const uint8_t octets[] = {0x49, 2, 1, 2, 0xfe, 0}, without[] = {6, 70};
	struct plan *p = read_text(
		"lab:\n"
		"  router:\n"
		"    always_compare_med: true\n"
		"    multipath_relax: true\n"
		"    graceful_restart: {time: 30s, notification: true}\n"
		"    session: {add_path: receive, extended_next_hop: true, long_lived: 24h, policy: import, "
		"max_prefixes: 5,\n"
		"              excess: ignore, damping: false, delay_open: 1s, mrai: 2s, min_origination: 3s,\n"
		"              connect_retry: 4s, idle_hold: 5s, send_hold: 91s, stale: 6s, deferral: 7s, passive: "
		"false,\n"
		"              automatic_start: false, notify_before_open: false, collision_established: true,\n"
		"              families: [l2vpn_evpn, 1/128, 16388/71]}\n"
		"  workers: {session: {capabilities: [49 02 0102, fe00], without: [extended_message, "
		"enhanced_refresh]}}\n");
	const struct plan_engine *e = &p->lab.router_engine, *w = &p->lab.worker_engine;

	(void)state;
	assert_true(p->lab.always_compare_med && p->lab.multipath_relax && p->lab.router_session.notification);
	assert_true(e->add_path == PLAN_ADD_PATH_RECEIVE && e->policies == PLAN_POLICIES_IMPORT);
	assert_true(e->extended_next_hop && e->ignores_excess && e->no_damping);
	assert_int_equal(e->long_lived_s, 86400);
	assert_int_equal(e->max_prefixes, 5);
	assert_true(e->delay_open_s == 1 && e->mrai_s == 2 && e->min_origination_s == 3 && e->connect_retry_s == 4 &&
		    e->idle_hold_s == 5 && e->send_hold_s == 91);
	assert_true(e->stale_s == 6 && e->deferral_s == 7 && e->dials && !e->waits && e->no_automatic_start &&
		    e->silent_before_open && e->collision_established);
	assert_true(!w->dials && !w->waits && !w->no_automatic_start && !w->silent_before_open &&
		    !w->collision_established);
	support_bytes_equal(w->capabilities, w->capabilities_len, octets, sizeof(octets));
	support_bytes_equal(w->without, w->without_count, without, sizeof(without));
	assert_int_equal(w->family_count, 0);
	assert_int_equal(e->family_count, 3);
	assert_true(e->families[0].afi == 25 && e->families[0].safi == 70);
	assert_true(e->families[1].afi == 1 && e->families[1].safi == 128);
	assert_true(e->families[2].afi == 16388 && e->families[2].safi == 71);
	assert_true(w->add_path == PLAN_ADD_PATH_NONE && w->policies == PLAN_POLICIES_BOTH && w->mrai_s == 0);
	plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scenario_of_the_project_is_read),
		cmocka_unit_test(the_article_step_by_step),
		cmocka_unit_test(the_shortest_file_is_a_lab_that_must_answer),
		cmocka_unit_test(names_numbers_and_addresses_are_interchangeable),
		cmocka_unit_test(every_step_and_its_fields),
		cmocka_unit_test(sessions_of_built_in_speakers),
		cmocka_unit_test(a_malformed_step_brings_its_expectations),
		cmocka_unit_test(metallbs_refusal_has_its_place),
		cmocka_unit_test(a_scenario_is_told_from_a_manifest),
		cmocka_unit_test(the_articles_files_are_unchanged),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
