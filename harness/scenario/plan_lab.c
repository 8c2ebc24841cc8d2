/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lab: the networks, the router, workers and clients, and that their addresses fit and do not clash. */
#include "plan_int.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

/* What lab: may hold beyond the plan's struct. */
enum daemon_word {
	DAEMON_BUILTIN,
	DAEMON_BIRD1,
	DAEMON_BIRD2,
	DAEMON_FRR,
	DAEMON_GOBGP,
	DAEMON_OPENBGPD,
	DAEMON_BIRD, /* the one that the file's syntax is for */
};

struct lab_read {
	struct plan_lab lab;
	enum daemon_word daemon;
	enum plan_family family;
};

#define IN_LAB(member) offsetof(struct lab_read, lab.member)

static const char *const daemon_words[] = {
	[DAEMON_BUILTIN] = "builtin", [DAEMON_BIRD1] = "bird1",	      [DAEMON_BIRD2] = "bird2", [DAEMON_FRR] = "frr",
	[DAEMON_GOBGP] = "gobgp",     [DAEMON_OPENBGPD] = "openbgpd", [DAEMON_BIRD] = "bird"};
static const enum plan_daemon daemon_kinds[] = {
	[DAEMON_BUILTIN] = PLAN_BUILTIN, [DAEMON_BIRD1] = PLAN_BIRD1, [DAEMON_BIRD2] = PLAN_BIRD2,
	[DAEMON_FRR] = PLAN_FRR,	 [DAEMON_GOBGP] = PLAN_GOBGP, [DAEMON_OPENBGPD] = PLAN_OPENBGPD,
	[DAEMON_BIRD] = PLAN_BIRD2};
static const struct words daemons = WORDS(daemon_words);
static const char *const hash_words[] = {[PLAN_HASH_DEFAULT] = "default", [PLAN_HASH_L3] = "l3", [PLAN_HASH_L4] = "l4"};
static const struct words hashes = WORDS(hash_words);
static const char *const metallb_words[] = {[KUBE_METALLB_LEGACY] = "legacy",
					    [KUBE_METALLB_NATIVE] = "native",
					    [KUBE_METALLB_FRR] = "frr",
					    [KUBE_METALLB_STANDARD] = "standard"};
static const struct words metallbs = WORDS(metallb_words);
static const char *const fault_words[] = {
	[PLAN_FAULT_NONE] = "none", [PLAN_FAULT_SILENT] = "silent", [PLAN_FAULT_WRONG_PREFIX] = "wrong_prefix"};
static const struct words fault_kinds = WORDS(fault_words);

/* ---- The tables ---- */

static void field_config(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const char *path = plan_path(plan_state(r), v, f->key);

	if (path != NULL)
		memcpy(ret, &path, sizeof(path));
}

static void field_control_plane(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct lab_read *lab = ret;

	lab->lab.has_control_plane = v->kind != YAML_TEXT || strcmp(v->text, "none") != 0;
	if (lab->lab.has_control_plane)
		field_addr(r, v, f, &lab->lab.control_plane);
}

/* lab.manifests is read when the rest of the lab stands. */
static void field_later(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)r;
	(void)v;
	(void)f;
	(void)ret;
}

static const struct field network_fields[] = {
	{.key = "family", .read = field_word, .offset = offsetof(struct lab_read, family), .more = &plan_families},
	{.key = "cluster", .read = field_prefix, .offset = IN_LAB(cluster_net)},
	{.key = "clients", .read = field_prefix, .offset = IN_LAB(client_net)},
	{.key = "pods", .read = field_prefix, .offset = IN_LAB(pod_net)},
	{.key = "services", .read = field_prefix, .offset = IN_LAB(service_net)},
};
static const struct record networks = {.what = "networks", RECORD_FIELDS(network_fields)};
static const struct field router_address_fields[] = {
	{.key = "cluster", .read = field_addr, .offset = IN_LAB(router_cluster)},
	{.key = "clients", .read = field_addr, .offset = IN_LAB(router_client)},
};
static const struct record router_addresses = {.what = "router.addresses", RECORD_FIELDS(router_address_fields)};
static const struct field router_fields[] = {
	{.key = "daemon", .read = field_word, .offset = offsetof(struct lab_read, daemon), .more = &daemons},
	{.key = "config", .read = field_config, .offset = IN_LAB(router_config)},
	{.key = "password", .read = plan_password_read, .offset = IN_LAB(router_password)},
	{.key = "as", .read = field_u32, .offset = IN_LAB(router_as), .min = 1},
	{.key = "bfd", .read = plan_bfd_read, .offset = IN_LAB(router_session.bfd)},
	{.key = "hold", .read = plan_hold_read, .offset = IN_LAB(router_session.hold_ns)},
	{.key = "graceful_restart", .read = plan_restart_read, .offset = IN_LAB(router_session)},
	{.key = "ttl_security", .read = plan_ttl_read, .offset = IN_LAB(router_session.ttl_security)},
	{.key = "multihop", .read = field_bool, .offset = IN_LAB(router_session.multihop)},
	{.key = "role", .read = field_word, .offset = IN_LAB(router_session.role), .more = &plan_roles},
	{.key = "role_strict", .read = field_bool, .offset = IN_LAB(router_session.role_strict)},
	{.key = "session", .read = plan_engine_read, .offset = IN_LAB(router_engine)},
	{.key = "always_compare_med", .read = field_bool, .offset = IN_LAB(always_compare_med)},
	{.key = "multipath_relax", .read = field_bool, .offset = IN_LAB(multipath_relax)},
	{.key = "group_update", .read = plan_update_read, .offset = IN_LAB(delete_add)},
	{.key = "multipath_hash", .read = field_word, .offset = IN_LAB(hash), .more = &hashes},
	{.key = "hash", .read = plan_hash_read, .offset = IN_LAB(hashing)},
	{.key = "nexthop_groups", .read = plan_groups_read, .offset = IN_LAB(groups)},
	{.key = "multipath", .read = plan_multipath_read, .offset = IN_LAB(multipath_own)},
	{.key = "max_paths", .read = field_u32, .offset = IN_LAB(max_paths), .min = 1, .max = 1024},
	{.key = "addresses", .read = field_record, .more = &router_addresses},
};
static const struct record router = {.what = "router", RECORD_FIELDS(router_fields)};
static const struct field worker_fields[] = {
	{.key = "count", .read = field_u32, .offset = IN_LAB(workers), .min = 1, .max = PLAN_WORKERS_MAX},
	{.key = "as", .read = field_u32, .offset = IN_LAB(worker_as), .min = 1},
	{.key = "as_step", .read = field_u32, .offset = IN_LAB(worker_as_step), .max = 1000},
	{.key = "first", .read = field_addr, .offset = IN_LAB(first_worker)},
	{.key = "metallb", .read = field_word, .offset = IN_LAB(metallb), .more = &metallbs},
	{.key = "role", .read = field_word, .offset = IN_LAB(worker_role), .more = &plan_roles},
	{.key = "role_strict", .read = field_bool, .offset = IN_LAB(worker_role_strict)},
	{.key = "session", .read = plan_engine_read, .offset = IN_LAB(worker_engine)},
	{.key = "switches", .read = plan_switches_read, .offset = IN_LAB(switches)},
	{.key = "link_bandwidth",
	 .read = plan_bandwidths_read,
	 .offset = SPAN(struct lab_read, lab.bandwidths, lab.bandwidth_count)},
	{.key = "speaker",
	 .read = plan_speakers_read,
	 .offset = SPAN(struct lab_read, lab.speakers, lab.speaker_count)},
};
static const struct record workers = {.what = "workers", RECORD_FIELDS(worker_fields)};
static const struct field client_fields[] = {
	{.key = "count", .read = field_u32, .offset = IN_LAB(clients), .min = 1, .max = PLAN_CLIENTS_MAX},
	{.key = "first", .read = field_addr, .offset = IN_LAB(first_client)},
};
static const struct record clients = {.what = "clients", RECORD_FIELDS(client_fields)};
static void field_upstream(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_upstream *u = ret;

	*u = (struct plan_upstream){.routers = 2, .as = 64512}; /* its network is of the lab's family */
	record_read_over(r, v, f->more, u);
}

static const struct field lab_fields[] = {
	{.key = "networks", .read = field_record, .more = &networks},
	{.key = "router", .read = field_record, .more = &router},
	{.key = "upstream", .read = field_upstream, .offset = IN_LAB(upstream), .more = &plan_upstream_record},
	{.key = "control_plane", .read = field_control_plane},
	{.key = "workers", .read = field_record, .more = &workers},
	{.key = "clients", .read = field_record, .more = &clients},
	{.key = "manifests", .read = field_later},
	{.key = "faults", .read = field_later},
};
static const struct record lab_record = {.what = "lab", RECORD_FIELDS(lab_fields)};

/* ---- Defaults and checks ---- */

/* The value at a path of keys, or the nearest one around it that is written. */
static const struct yaml_node *where(const struct yaml_node *lab, const char *a, const char *b, const char *c)
{
	const char *const keys[] = {a, b, c};
	const struct yaml_node *at = lab;

	for (size_t i = 0; i < 3 && keys[i] != NULL; i++) {
		const struct yaml_node *next = yaml_get(at, keys[i]);

		if (next == NULL)
			return i == 0 ? lab : yaml_get_key(lab, keys[0]);
		at = next;
	}
	return at;
}

struct network {
	const char *key;
	const struct prefix *net;
	unsigned int min, max;	 /* prefix lengths */
	unsigned int min6, max6; /* those of IPv6 */
};

static bool networks_check(struct reader *r, const struct yaml_node *map, const struct plan_lab *lab)
{
	const struct network nets[] = {{"cluster", &lab->cluster_net, 8, 29, 32, 125},
				       {"clients", &lab->client_net, 8, 29, 32, 125},
				       {"pods", &lab->pod_net, 8, 24, 32, 120},
				       {"services", &lab->service_net, 8, 28, 108, 124}};
	size_t before = r->diags->list.len + r->diags->dropped;

	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		const struct yaml_node *at = where(map, "networks", nets[i].key, NULL);
		const struct prefix *p = nets[i].net;

		bool v6 = p->addr.family == ADDR_V6;
		unsigned int min = v6 ? nets[i].min6 : nets[i].min, max = v6 ? nets[i].max6 : nets[i].max;

		if (p->addr.family != lab->cluster_net.addr.family)
			diag_hint(r,
				  reader_fault(r, at, "networks.%s: %s is not of the family of networks.cluster %s",
					       nets[i].key, prefix_text(p).s, prefix_text(&lab->cluster_net).s),
				  "a lab is of one family: family: ipv6 makes all four IPv6");
		else if (p->len < min || p->len > max)
			reader_fault(r, at, "networks.%s: the length must be from /%u to /%u", nets[i].key, min, max);
		for (size_t j = 0; j < i; j++) {
			if (prefix_overlaps(p, nets[j].net))
				reader_fault(r, at, "networks.%s %s overlaps networks.%s %s", nets[i].key,
					     prefix_text(p).s, nets[j].key, prefix_text(nets[j].net).s);
		}
	}
	return r->diags->list.len + r->diags->dropped == before;
}

static unsigned int host_bits(const struct prefix *net)
{
	return (unsigned int)addr_len(net->addr.family) * 8 - net->len;
}

/* The address so far into the network, or nearer to its start where the network is smaller. */
static struct addr nth(const struct prefix *net, uint32_t n, uint32_t small)
{
	unsigned int bits = host_bits(net);
	uint64_t size = UINT64_C(1) << (bits < 32 ? bits : 32);

	return addr_add(&net->addr, n < size / 2 ? n : small);
}

static void addresses_default(struct plan_lab *lab)
{
	if (lab->router_cluster.family == ADDR_NONE)
		lab->router_cluster = nth(&lab->cluster_net, 1, 1);
	if (lab->router_client.family == ADDR_NONE)
		lab->router_client = nth(&lab->client_net, 1, 1);
	if (lab->has_control_plane && lab->control_plane.family == ADDR_NONE)
		lab->control_plane = nth(&lab->cluster_net, 10, 2);
	if (lab->first_worker.family == ADDR_NONE)
		lab->first_worker = nth(&lab->cluster_net, 51, host_bits(&lab->cluster_net) > 4 ? 12 : 3);
	if (lab->first_client.family == ADDR_NONE)
		lab->first_client = nth(&lab->client_net, 10, 2);
}

/* Neighbouring addresses of one role. */
struct role {
	const char *what;
	struct addr first;
	unsigned int count;
	const struct prefix *net;
	const struct yaml_node *at;
};

static struct addr role_last(const struct role *role)
{
	return addr_add(&role->first, role->count - 1);
}

static bool role_check(struct reader *r, const struct role *role)
{
	struct addr last = role_last(role), end = prefix_last(role->net);
	struct diag *d;

	if (prefix_contains(role->net, &role->first) && prefix_contains(role->net, &last) &&
	    !addr_equal(&role->first, &role->net->addr) && !addr_equal(&last, &end))
		return true;
	if (role->count == 1) {
		d = reader_fault(r, role->at, "%s %s is no host address of %s", role->what, addr_text(&last).s,
				 prefix_text(role->net).s);
	} else {
		d = reader_fault(r, role->at, "%u %s from %s to %s do not fit into %s", role->count, role->what,
				 addr_text(&role->first).s, addr_text(&last).s, prefix_text(role->net).s);
		diag_hint(r, d, "take fewer, begin earlier (first:) or give the network a shorter length");
	}
	return false;
}

static const char *role_text(struct reader *r, const struct role *role)
{
	struct addr last = role_last(role);

	if (role->count == 1)
		return arena_printf(r->arena, "%s %s", role->what, addr_text(&last).s);
	return arena_printf(r->arena, "%s %s-%s", role->what, addr_text(&role->first).s, addr_text(&last).s);
}

static void roles_check(struct reader *r, const struct yaml_node *map, const struct plan_lab *lab)
{
	const struct prefix *cluster = &lab->cluster_net, *clients_net = &lab->client_net;
	const struct role roles[] = {
		{"the router", lab->router_cluster, 1, cluster, where(map, "router", "addresses", "cluster")},
		{"the control plane", lab->control_plane, 1, cluster, where(map, "control_plane", NULL, NULL)},
		{"workers", lab->first_worker, lab->workers, cluster,
		 where(map, "workers", yaml_get(yaml_get(map, "workers"), "first") != NULL ? "first" : "count", NULL)},
		{"the router", lab->router_client, 1, clients_net, where(map, "router", "addresses", "clients")},
		{"clients", lab->first_client, lab->clients, clients_net,
		 where(map, "clients", yaml_get(yaml_get(map, "clients"), "first") != NULL ? "first" : "count", NULL)},
	};
	bool good[sizeof(roles) / sizeof(roles[0])];

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		struct addr last = role_last(&roles[i]);

		good[i] = roles[i].first.family != ADDR_NONE && role_check(r, &roles[i]);
		for (size_t j = 0; good[i] && j < i; j++) {
			struct addr other = role_last(&roles[j]);

			if (!good[j] || roles[i].net != roles[j].net || addr_compare(&roles[i].first, &other) > 0 ||
			    addr_compare(&last, &roles[j].first) < 0)
				continue;
			diag_hint(r,
				  reader_fault(r, roles[i].at, "%s and %s have an address in common",
					       role_text(r, &roles[i]), role_text(r, &roles[j])),
				  "move one of them");
		}
	}
}

/* Every node has 256 addresses of the pod network. */
static void pods_check(struct reader *r, const struct yaml_node *map, const struct plan_lab *lab)
{
	unsigned int nodes = lab->workers + (lab->has_control_plane ? 1 : 0);
	unsigned int bits = host_bits(&lab->pod_net) - 8, room = 1U << (bits < 16 ? bits : 16);

	if (nodes > room)
		diag_hint(r,
			  reader_fault(r, where(map, "networks", "pods", NULL),
				       "%u nodes need 256 pod addresses each, and %s has room for %u", nodes,
				       prefix_text(&lab->pod_net).s, room),
			  "write networks: {pods: %s}",
			  lab->pod_net.addr.family == ADDR_V6 ? "fd00:244::/64" : "10.240.0.0/12");
}

/* ---- Router ---- */

/* The word for the daemon in whose language the file is written, or "bird", which looks into it. */
static const char *daemon_word(enum plan_daemon syntax)
{
	for (size_t i = DAEMON_BIRD1; i < DAEMON_BIRD; i++) {
		if (daemon_kinds[i] == syntax)
			return daemon_words[i];
	}
	return "bird";
}

static void router_check(struct plan_state *s, const struct yaml_node *map, struct lab_read *lab)
{
	const struct yaml_node *config = yaml_get(yaml_get(map, "router"), "config");
	const char *path = lab->lab.router_config;
	enum plan_daemon syntax = PLAN_DAEMON_COUNT;
	unsigned int line = 0;

	if (path != NULL && lab->lab.router_password != NULL)
		diag_hint(&s->r,
			  reader_fault(&s->r, yaml_get(yaml_get(map, "router"), "password"),
				       "a router with its own configuration has its passwords there"),
			  "leave out password, or config");
	if (path != NULL)
		syntax = plan_config_syntax(s, path, &line);
	lab->lab.daemon = daemon_kinds[lab->daemon];
	if (lab->daemon == DAEMON_BIRD && syntax == PLAN_BIRD1)
		lab->lab.daemon = PLAN_BIRD1;
	if (path != NULL && lab->daemon == DAEMON_BUILTIN) {
		struct diag *d = reader_fault(&s->r, config, "the built-in router takes no configuration file");

		if (syntax == PLAN_DAEMON_COUNT)
			diag_hint(&s->r, d, "write daemon: bird, which runs the BIRD that the file's syntax is for");
		else
			diag_hint(&s->r, d, "write daemon: %s, in whose language the file is written",
				  daemon_word(syntax));
		return;
	}
	if (syntax != PLAN_DAEMON_COUNT && syntax != lab->lab.daemon)
		diag_hint(&s->r,
			  reader_fault(&s->r, config, "%s is written for %s (line %u)", path, plan_daemon_name(syntax),
				       line),
			  "write daemon: %s", daemon_word(syntax));
}

/* ---- Names of nodes ---- */

/* "worker12" or "12": the number behind the word, 0 where there is none. */
static unsigned int numbered(const char *text, const char *word)
{
	uint64_t n;

	if (strncmp(text, word, strlen(word)) == 0)
		text += strlen(word);
	return text_number(text, &n) && n <= PLAN_WORKERS_MAX ? (unsigned int)n : 0;
}

static bool member(struct plan_state *s, const struct yaml_node *v, const char *word, const struct addr *first,
		   unsigned int count, unsigned int *ret)
{
	unsigned int n = v->kind == YAML_TEXT ? numbered(v->text, word) : 0;
	struct addr a;

	if (v->kind != YAML_TEXT) {
		reader_wrong_type(&s->r, v, word, "a name");
		return false;
	}
	for (unsigned int i = 1; n == 0 && addr_parse(v->text, &a) == 0 && i <= count; i++) {
		struct addr own = addr_add(first, i - 1);

		n = addr_equal(&a, &own) ? i : 0;
	}
	if (n >= 1 && n <= count) {
		*ret = n;
		return true;
	}
	if (count == 1)
		diag_hint(&s->r, reader_fault(&s->r, v, "the lab has no %s \"%s\"", word, v->text), "it has %s1 alone",
			  word);
	else
		diag_hint(&s->r, reader_fault(&s->r, v, "the lab has no %s \"%s\"", word, v->text),
			  "it has %s1 to %s%u", word, word, count);
	return false;
}

bool plan_worker(struct plan_state *s, const struct yaml_node *v, unsigned int *ret)
{
	return member(s, v, "worker", &s->plan->lab.first_worker, s->plan->lab.workers, ret);
}

bool plan_client(struct plan_state *s, const struct yaml_node *v, unsigned int *ret)
{
	return member(s, v, "client", &s->plan->lab.first_client, s->plan->lab.clients, ret);
}

bool plan_is_node(const struct plan_state *s, const char *name)
{
	const struct plan_lab *lab = &s->plan->lab;
	unsigned int n;

	if (lab->upstream.routers > 0 && strcmp(name, "upstream") == 0)
		return true;
	n = strncmp(name, "router", 6) == 0 ? numbered(name, "router") : 0;
	if (n >= 2 && n <= lab->upstream.routers)
		return true;
	if (strcmp(name, "router") == 0 || (strcmp(name, "control-plane") == 0 && lab->has_control_plane))
		return true;
	n = strncmp(name, "worker", 6) == 0 ? numbered(name, "worker") : 0;
	if (n >= 1 && n <= lab->workers)
		return true;
	n = strncmp(name, "client", 6) == 0 ? numbered(name, "client") : 0;
	return n >= 1 && n <= lab->clients;
}

/* ---- Faults ---- */

static void field_worker(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)f;
	plan_worker(plan_state(r), v, ret);
}

static void fault_finish(struct reader *r, const struct yaml_node *map, void *ret)
{
	struct plan_worker_fault *fault = ret;

	fault->at = (struct plan_at){r->src->path, map->at.line, map->at.column};
}

static const struct field fault_fields[] = {
	{.key = "worker", .read = field_worker, .offset = offsetof(struct plan_worker_fault, worker), .required = true},
	{.key = "how",
	 .read = field_word,
	 .offset = offsetof(struct plan_worker_fault, fault),
	 .more = &fault_kinds,
	 .required = true},
};
static const struct record fault_record = {.what = "a fault",
					   RECORD_FIELDS(fault_fields),
					   .size = sizeof(struct plan_worker_fault),
					   .finish = fault_finish};

static void faults_read(struct plan_state *s, const struct yaml_node *v)
{
	const struct field row = {.key = "faults", .more = &fault_record};
	struct plan_lab *lab = &s->plan->lab;
	struct span span = {0};

	field_records(&s->r, v, &row, &span);
	lab->faults = span.at;
	lab->fault_count = span.count;
	for (size_t i = 0; i < span.count; i++) {
		if (lab->faults[i].worker != 0 && lab->speaker_count > 0 &&
		    lab->speakers[(lab->faults[i].worker - 1) % lab->speaker_count] != PLAN_BUILTIN)
			reader_fault(&s->r, v->items[i], "worker%u has a real speaker, which tells no lies",
				     lab->faults[i].worker);
		for (size_t j = 0; j < i; j++) {
			if (lab->faults[i].worker == lab->faults[j].worker && lab->faults[i].worker != 0)
				reader_fault(&s->r, v->items[i], "worker%u has a fault already", lab->faults[i].worker);
		}
	}
}

static const struct lab_read lab_defaults = {
	.lab = {.cluster_net = {{ADDR_V4, {10, 0, 0}}, 24},
		.client_net = {{ADDR_V4, {172, 16, 0}}, 24},
		.pod_net = {{ADDR_V4, {10, 244}}, 16},
		.service_net = {{ADDR_V4, {10, 96}}, 12},
		.has_control_plane = true,
		.router_as = 11000,
		.router_session = {.bfd = {.transmit_ms = 300, .receive_ms = 300, .multiplier = 3},
				   .hold_ns = KUBE_TIME_UNSET,
				   .restart_s = 120},
		.max_paths = 16,
		.workers = 3,
		.worker_as = 22000,
		.metallb = KUBE_METALLB_NATIVE,
		.clients = 1},
};

void plan_lab_read(struct plan_state *s, const struct yaml_node *map)
{
	struct lab_read lab = lab_defaults;
	struct plan *p = s->plan;

	if (map != NULL)
		record_read_over(&s->r, map, &lab_record, &lab);
	plan_family_default(yaml_get(map, "networks"), lab.family, &lab.lab);
	if (map == NULL || networks_check(&s->r, map, &lab.lab)) {
		addresses_default(&lab.lab);
		if (map != NULL && map->kind == YAML_MAP) {
			roles_check(&s->r, map, &lab.lab);
			pods_check(&s->r, map, &lab.lab);
		}
	}
	router_check(s, map, &lab);
	p->lab = lab.lab;
	plan_family_check(s, map, &p->lab);
	plan_bandwidths_check(s, yaml_get(map, "workers"), &p->lab);
	plan_session_check(s, yaml_get(map, "router"), &p->lab);
	plan_engine_check(s, map, &p->lab);
	plan_multipath_check(s, yaml_get(map, "router"), &p->lab);
	plan_upstream_check(s, map, &p->lab);
	s->failed = arena_array(s->r.arena, p->lab.workers, sizeof(*s->failed));
	s->metallb_said =
		yaml_get(yaml_get(map, "workers"), "metallb") != NULL || p->lab.cluster_net.addr.family == ADDR_V6;
	if (yaml_get(map, "manifests") != NULL)
		plan_objects(s, yaml_get(map, "manifests"), "manifests", &p->manifests, &p->manifest_count);
	if (yaml_get(map, "faults") != NULL)
		faults_read(s, yaml_get(map, "faults"));
}

/* ---- Another router ---- */

bool plan_daemon_of(const char *word, enum plan_daemon *ret)
{
	for (size_t i = 0; i < DAEMON_BIRD; i++) {
		if (strcmp(daemon_words[i], word) != 0)
			continue;
		*ret = daemon_kinds[i];
		return true;
	}
	return false;
}

void plan_set_router(struct plan *p, enum plan_daemon daemon)
{
	p->name = arena_printf(&p->arena, "%s-%s", p->name, daemon_word(daemon));
	if (p->lab.daemon == daemon)
		return;
	p->lab.daemon = daemon;
	p->lab.router_config = NULL;
}
