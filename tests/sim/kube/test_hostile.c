/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manifests that mean harm, or were damaged: read or refused with a place and a reason, never a crash; what is read goes into
 * a cluster, and everything is asked of it. */
#include "rng.h"
#include "scenario.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEED 20261123
#define ROUNDS 2000

/* Each kind and nearly each field. */
static const char rich[] =
	"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: peer1, namespace: metallb-system}\n"
	"spec:\n  myASN: 22000\n  peerASN: 11000\n  peerAddress: 10.0.0.1\n  peerPort: 179\n  holdTime: 90s\n"
	"  routerID: 10.10.10.1\n  nodeSelectors:\n  - matchExpressions:\n    - key: rack\n      operator: NotIn\n"
	"      values: [a, b]\n"
	"---\napiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: pool, namespace: metallb-system}\n"
	"spec:\n  addresses:\n  - 172.16.254.0/24\n  - 10.9.0.1-10.9.0.9\n  avoidBuggyIPs: true\n  autoAssign: true\n"
	"  serviceAllocation:\n    priority: 5\n    namespaces: [default]\n    serviceSelectors:\n"
	"    - matchLabels: {team: red}\n"
	"---\napiVersion: metallb.io/v1beta1\nkind: Community\nmetadata: {name: c, namespace: metallb-system}\n"
	"spec:\n  communities:\n  - name: vpn\n    value: '1234:1'\n"
	"---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\nmetadata: {name: adv, namespace: "
	"metallb-system}\n"
	"spec:\n  ipAddressPools: [pool]\n  aggregationLength: 32\n  localPref: 100\n  communities: [vpn, "
	"'65535:65281']\n"
	"  peers: [peer1]\n"
	"---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {tier: gold}}\n"
	"---\napiVersion: v1\nkind: Node\nmetadata: {name: worker1, labels: {rack: c}}\n"
	"spec: {unschedulable: false}\nstatus:\n  conditions:\n  - type: NetworkUnavailable\n    status: 'False'\n"
	"---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 3\n  selector:\n"
	"    matchLabels:\n      app: web\n  template:\n    metadata:\n      labels:\n        app: web\n    spec:\n"
	"      nodeSelector:\n        kubernetes.io/os: linux\n      containers:\n      - name: nginx\n"
	"        image: nginx\n        ports:\n        - containerPort: 8080\n          name: http\n"
	"---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  labels: {team: red}\n  annotations:\n"
	"    metallb.io/allow-shared-ip: key\n    metallb.io/loadBalancerIPs: 172.16.254.7\nspec:\n  type: "
	"LoadBalancer\n"
	"  externalTrafficPolicy: Local\n  internalTrafficPolicy: Cluster\n  sessionAffinity: ClientIP\n"
	"  sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}\n  loadBalancerSourceRanges: [10.0.0.0/8]\n"
	"  ipFamilyPolicy: SingleStack\n  ipFamilies: [IPv4]\n  clusterIP: 10.96.0.7\n  selector:\n    app: web\n"
	"  ports:\n  - name: http\n    port: 80\n    targetPort: http\n    nodePort: 30080\n    protocol: TCP\n"
	"---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
	"metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}\naddressType: IPv4\n"
	"ports:\n- name: http\n  port: 8080\n  protocol: TCP\nendpoints:\n- addresses: [10.244.0.9]\n"
	"  nodeName: worker1\n  conditions:\n    ready: false\n    serving: true\n    terminating: true\n";

static const char legacy[] =
	"configInline:\n  peers:\n  - my-asn: 22000\n    peer-asn: 11000\n    peer-address: 10.0.0.1\n    hold-time: "
	"90s\n"
	"    node-selectors:\n    - match-labels: {rack: a}\n  address-pools:\n  - name: my-ip-space\n    protocol: "
	"bgp\n"
	"    avoid-buggy-ips: true\n    auto-assign: true\n    addresses:\n    - 172.16.254.0/24\n"
	"    bgp-advertisements:\n    - aggregation-length: 32\n      localpref: 100\n      communities: [vpn]\n"
	"  bgp-communities:\n    vpn: 1234:1\n"
	"---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  type: LoadBalancer\n  ports:\n  - port: "
	"80\n"
	"---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: web}\nsubsets:\n- addresses:\n  - ip: 10.244.0.9\n"
	"    nodeName: worker1\n  ports:\n  - port: 8080\n";

static void everything_is_asked(struct world *w)
{
	static const char *const nodes[] = {"worker1", "worker2", "worker3", "control-plane"};
	size_t n, total = 0;
	const struct kube_pod *pods = kube_pods(w->cluster, &n);

	if (n > 0)
		kube_pod_ready(w->cluster, pods[n - 1].uid, true);
	for (size_t i = 0; i < 4; i++) {
		(void)kube_announcements(w->cluster, nodes[i], &n);
		(void)kube_sessions(w->cluster, nodes[i], &n);
		total += strlen(kube_proxy_rules(w->cluster, nodes[i]));
		assert_non_null(kube_announce_reason(w->cluster, nodes[i], NULL, "web"));
	}
	assert_true(total > 0);
	(void)kube_warnings(w->cluster, &n);
}

/* Reads the text and gives it to a fresh cluster. Returns whether all of it was taken; fails where a refusal has no place. */
static bool survives(const char *text, size_t len, bool old)
{
	char path[] = "/tmp/ecmplab-hostile-XXXXXX";
	const struct kube_object *objects;
	struct diags diags = {0};
	struct world *w;
	void *fresh;
	size_t n;
	bool taken;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	(void)(old ? world_setup_legacy(&fresh) : world_setup(&fresh));
	w = fresh;
	taken = manifest_read(path, &w->arena, &diags, &objects, &n) == 0;
	assert_int_equal(taken, diags.list.len == 0);
	for (size_t i = 0; i < diags.list.len; i++) {
		const struct diag *d = &diags.list.at[i];

		/* what is too large is refused unread: the whole has no line */
		if (d->message == NULL || d->file == NULL ||
		    ((d->line == 0 || d->column == 0) && strstr(d->message, "larger than") == NULL))
			fail_msg("a refusal without a place or reason: %s", d->message != NULL ? d->message : "?");
	}
	if (taken) {
		taken = kube_apply_all(w->cluster, objects, n, &w->err) == 0;
		if (!taken && strncmp(w->err.text, path, strlen(path)) != 0)
			fail_msg("a refusal without a place: %s", w->err.text);
		everything_is_asked(w);
	}
	diags_fini(&diags);
	unlink(path);
	world_teardown(&fresh);
	return taken;
}

static void the_sound_ones_are_taken(void **state)
{
	(void)state;
	assert_true(survives(rich, sizeof(rich) - 1, false));
	assert_true(survives(legacy, sizeof(legacy) - 1, true));
}

/* ---- Large and deep ---- */

static char *repeated(const char *head, const char *unit, size_t n, const char *tail)
{
	size_t head_len = strlen(head), unit_len = strlen(unit), tail_len = strlen(tail);
	char *text = malloc(head_len + unit_len * n + tail_len + 1);

	assert_non_null(text);
	memcpy(text, head, head_len);
	for (size_t i = 0; i < n; i++)
		memcpy(text + head_len + i * unit_len, unit, unit_len);
	memcpy(text + head_len + n * unit_len, tail, tail_len + 1);
	return text;
}

#define NAMESPACE "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: x\n"
#define POOL "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: x}\nspec: {addresses: ["

/* What may be taken or not, but not harm: sizes that a naive reader's stack, memory or patience does not survive. */
static void masses_do_no_harm(void **state)
{
	static const struct {
		const char *head, *unit;
		size_t n;
		const char *tail;
	} rows[] = {
		{"", "[", 200000, ""},
		{"", "{a: ", 100000, ""},
		{"a: ", "[", 100000, "]\n"},
		{"", "- ", 400000, "x\n"},
		{"", "? ", 100000, "x\n"},
		{"", "---\n", 50000, ""},
		{"", "!!str ", 20000, "x\n"},
		{"", "&a ", 20000, "x\n"},
		{"# ", "x", 1000000, "\n"},
		{"\"", "\\n", 500000, "\"\n"},
		{"kind: ", "Service", 140000, "\n"},
		{NAMESPACE "  annotations: {a: ", "x", 1000000, "}\n"},
		{NAMESPACE "  annotations: {a: ", "x", 3000000, "}\n"},
		{"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ", "x", 100000, "\n"},
		{POOL, "10.0.0.0/8, ", 20000, "10.0.0.0/8]}\n"},
		{POOL, "0.0.0.1-255.255.255.254, ", 2000, "]}\n"},
		{POOL, "'::1-ffff::', ", 500, "]}\n"},
		{POOL, "10.0.0.1-10.0.0.2, ", 5000, "]}\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = repeated(rows[i].head, rows[i].unit, rows[i].n, rows[i].tail);

		(void)survives(text, strlen(text), false);
		free(text);
	}
}

/* Ten aliases of ten aliases of ten ...: small to read, too large to hold. */
static void laughs_are_not_multiplied(void **state)
{
	char text[4096] = NAMESPACE "  labels:\n    a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";

	(void)state;
	for (int i = 1; i < 12; i++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "    a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s*a%d", k > 0 ? ", " : "", i - 1);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "]\n");
	}
	assert_false(survives(text, strlen(text), false));
	assert_false(survives("a: &a [*a]\n", 11, false));
	assert_false(survives("&a {*a : *a}\n", 13, false));
	assert_false(survives("kind: *nobody\n", 14, false));
}

static void strange_bytes_are_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
#define ROW(literal) {literal, sizeof(literal) - 1}
		ROW(""),
		ROW("\0"),
		ROW("\0\0\0\0"),
		ROW(NAMESPACE "\0"),
		ROW("apiVersion: v1\nkind: Name\0space\nmetadata: {name: x}\n"),
		ROW("apiVersion: v1\nkind: Namespace\nmetadata: {name: \"x\\0y\"}\n"),
		ROW("apiVersion: v1\nkind: Namespace\nmetadata: {name: \"\\x00\"}\n"),
		ROW("\xff\xfe\x00"),
		ROW("\xef\xbb\xbf\xef\xbb\xbf"),
		ROW("a: \xc0\x80\n"),
		ROW("a: \xed\xa0\x80\n"),
		ROW("a: \xf5\x80\x80\x80\n"),
		ROW("a: \x1b[31m\n"),
		ROW("\t- a\n"),
		ROW("%YAML 9.9\n---\nx\n"),
		ROW("%TAG ! tag:x,2000:\n---\n!x y\n"),
		ROW("<<: {a: b}\nkind: Service\n"),
		ROW("kind: Service\nkind: Service\n"),
		ROW("apiVersion: v1\nkind: Namespace\nmetadata: {name: x, name: y}\n"),
		ROW("kind: [Service]\n"),
		ROW("kind: {Service: Service}\n"),
		ROW("kind: 7\n"),
		ROW("kind: null\n"),
		ROW("kind: Pod\napiVersion: v1\n"),
		ROW("kind: service\napiVersion: v1\n"),
		ROW("kind: List\napiVersion: v1\nitems: [{kind: List, apiVersion: v1, items: []}]\n"),
		ROW("kind: List\napiVersion: v1\nitems: {}\n"),
		ROW("[]\n"),
		ROW("just words\n"),
		ROW("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {config: 'peers: [[['}\n"),
		ROW("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {config: \"a: &a [*a]\"}\n"),
		ROW("configInline: 'peers'\n"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (survives(rows[i].text, rows[i].len, false))
			fail_msg("row %zu was taken", i);
	}
}

/* ---- Damage ---- */

/* Where a value begins: behind ": " and "- ", and how long it is, to the end of the line. */
static size_t value_next(const char *text, size_t from, size_t *ret_len)
{
	for (size_t i = from; text[i] != '\0'; i++) {
		if ((text[i] != ':' && text[i] != '-') || text[i + 1] != ' ')
			continue;
		*ret_len = strcspn(text + i + 2, "\n");
		return i + 2;
	}
	return 0;
}

/* Every value of the manifest in turn becomes something of another type, or an extreme of its own. */
static void every_value_may_be_wrong(void **state)
{
	static const char *const wrong[] = {"",
					    "[]",
					    "{}",
					    "[[]]",
					    "[{}]",
					    "[~]",
					    "{'': ''}",
					    "~",
					    "''",
					    "true",
					    "-1",
					    "0",
					    "4294967296",
					    "99999999999999999999",
					    "1e309",
					    ".nan",
					    "'10.0.0.1'",
					    "'::/0'",
					    "0.0.0.0/0",
					    "255.255.255.255-0.0.0.0",
					    "%s%n%s",
					    "'../../etc/passwd'",
					    "\"\\n; drop\"",
					    "!!binary AAAA",
					    "*nobody"};
	const char *texts[] = {rich, legacy};

	(void)state;
	for (size_t t = 0; t < 2; t++) {
		size_t len, taken = 0, refused = 0;

		for (size_t at = value_next(texts[t], 0, &len); at != 0; at = value_next(texts[t], at, &len)) {
			for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
				char changed[sizeof(rich) + 64];
				int n = snprintf(changed, sizeof(changed), "%.*s%s%s", (int)at, texts[t], wrong[i],
						 texts[t] + at + len);

				if (survives(changed, (size_t)n, t == 1))
					taken++;
				else
					refused++;
			}
		}
		assert_true(refused > 300);
		assert_true(taken > 20); /* names and labels may be anything */
	}
}

/* A few bytes lost, doubled or changed, words and lines exchanged. */
static size_t damage(struct rng *rng, char *text, size_t len)
{
	static const char likely[] = "\t\n :-,[]{}\"'#&*|>!%@`0123456789./ab";
	size_t at = rng_below(rng, len), n = 1 + rng_below(rng, 8);

	n = at + n > len ? len - at : n;
	switch (rng_below(rng, 16)) {
	case 0: /* lost */
		memmove(text + at, text + at + n, len - at - n);
		return len - n;
	case 1: /* twice */
		memmove(text + at + n, text + at, len - at);
		return len + n;
	case 2: /* what stands elsewhere */
		memmove(text + at, text + rng_below(rng, len - n), n);
		return len;
	case 3:
		text[at] = likely[rng_below(rng, sizeof(likely) - 1)];
		return len;
	default: /* another number, which YAML takes and the model must judge */
		while (at < len && (text[at] < '0' || text[at] > '9'))
			at++;
		if (at < len)
			text[at] = (char)('0' + rng_below(rng, 10));
		return len;
	}
}

static void damaged_manifests_do_no_harm(void **state)
{
	struct rng rng = {SEED};
	size_t taken = 0, refused = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		bool old = round % 4 == 3;
		char text[sizeof(rich) + 64];
		size_t len = old ? sizeof(legacy) - 1 : sizeof(rich) - 1;

		memcpy(text, old ? legacy : rich, len);
		for (uint64_t i = 1 + rng_below(&rng, 3); i > 0; i--)
			len = damage(&rng, text, len);
		if (survives(text, len, old))
			taken++;
		else
			refused++;
	}
	if (taken < 50 || refused < 50)
		fail_msg("%zu taken, %zu refused", taken, refused);
}

/* ---- The article ---- */

/* As printed it has lost its indentation: the place, and words that help. */
static void the_printed_values_are_refused(void **state)
{
	const char *path = support_shared("article/metallb-values-as-printed.yaml");
	const struct kube_object *objects;
	struct arena arena = {0};
	struct diags diags = {0};
	size_t n;
	bool helped = false;

	(void)state;
	assert_int_not_equal(manifest_read(path, &arena, &diags, &objects, &n), 0);
	assert_true(diags.list.len > 0);
	assert_string_equal(diags.list.at[0].file, path);
	assert_true(diags.list.at[0].line > 0 && diags.list.at[0].column > 0);
	for (size_t i = 0; i < diags.list.len; i++) {
		const struct diag *d = &diags.list.at[i];

		helped = helped || strstr(d->message, "indent") != NULL ||
			 (d->hint != NULL && strstr(d->hint, "indent"));
	}
	assert_true(helped);
	diags_fini(&diags);
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sound_ones_are_taken),	  cmocka_unit_test(masses_do_no_harm),
		cmocka_unit_test(laughs_are_not_multiplied),	  cmocka_unit_test(strange_bytes_are_refused),
		cmocka_unit_test(every_value_may_be_wrong),	  cmocka_unit_test(damaged_manifests_do_no_harm),
		cmocka_unit_test(the_printed_values_are_refused),
	};

	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
