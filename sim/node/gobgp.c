/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is special about GoBGP: one configuration in three notations, which it must be told. */
#include "daemon_int.h"

#include <errno.h>
#include <string.h>

static void router_session(const struct node_router_conf *conf, FILE *ret)
{
	if (conf->hold_set)
		fprintf(ret,
			"  [neighbors.timers.config]\n"
			"    hold-time = %u\n"
			"    keepalive-interval = %u\n",
			conf->hold_s, conf->hold_s / 3U);
	if (conf->graceful_restart)
		fprintf(ret,
			"  [neighbors.graceful-restart.config]\n"
			"    enabled = true\n"
			"    restart-time = %u\n",
			conf->restart_s);
	/* RFC 5082 section 3 */
	if (conf->ttl_security > 0)
		fprintf(ret,
			"  [neighbors.ttl-security.config]\n"
			"    enabled = true\n"
			"    ttl-min = %u\n",
			256U - conf->ttl_security);
	if (conf->multihop)
		fprintf(ret, "  [neighbors.ebgp-multihop.config]\n"
			     "    enabled = true\n"
			     "    multihop-ttl = 255\n");
}

void gobgp_router_config(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret)
{
	struct addr id = addr_v4(node_router_own_id(lab, conf));
	const char *family = lab->conf.cluster_net.addr.family == ADDR_V6 ? "ipv6" : "ipv4";

	fprintf(ret,
		"# Made by ecmplab for this lab.\n"
		"[global.config]\n"
		"  as = %u\n"
		"  router-id = \"%s\"\n"
		"  local-address-list = [\"%s\"]\n",
		conf->as, addr_text(&id).s, addr_text(&lab->conf.router_cluster).s);
	fprintf(ret, "[global.use-multiple-paths.config]\n"
		     "  enabled = true\n");
	for (unsigned int i = 0; i < lab->conf.workers; i++) {
		const struct node_host *w = &lab->workers[i].host;

		fprintf(ret,
			"[[neighbors]]\n"
			"  [neighbors.config]\n"
			"    neighbor-address = \"%s\"\n"
			"    peer-as = %u\n"
			"    description = \"%s\"\n",
			addr_text(&w->address).s, node_router_worker_as(conf, i), w->name);
		if (conf->password != NULL)
			fprintf(ret, "    auth-password = \"%s\"\n", conf->password);
		router_session(conf, ret);
		fprintf(ret,
			"  [[neighbors.afi-safis]]\n"
			"    [neighbors.afi-safis.config]\n"
			"      afi-safi-name = \"%s-unicast\"\n",
			family);
		if (conf->graceful_restart)
			fprintf(ret, "    [neighbors.afi-safis.mp-graceful-restart.config]\n"
				     "      enabled = true\n");
	}
}

/* A table's head stands in TOML, a brace in JSON; YAML has neither where a line begins. */
static const char *notation(const char *text)
{
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *word = line + strspn(line, " \t\r");

		if (*word == '[')
			return "toml";
		if (*word == '{')
			return "json";
		if (*word != '#' && *word != '\n' && *word != '\0' && strncmp(word, "---", 3) != 0)
			return strchr(word, ':') != NULL && strcspn(word, ":") < strcspn(word, "=\n") ? "yaml" : "toml";
	}
	return "toml";
}

int gobgp_programs(struct node_daemon *d, const char *config_path, struct arena *arena, struct errmsg *err)
{
	const char *text;
	int r = daemon_file(config_path, arena, &text, err);

	if (r < 0)
		return r;
	daemon_program(
		d, arena,
		(const char *const[DAEMON_ARGS]){d->path, "-f", config_path, "-t", notation(text), "--pprof-disable"});
	return 0;
}

/* ---- A worker's speaker ---- */

#define API_PORT 50051

static void speaker_restart(const struct speaker_view *v, FILE *ret)
{
	fprintf(ret,
		"  [neighbors.graceful-restart.config]\n"
		"    enabled = true\n"
		"    restart-time = 120\n"
		"  [[neighbors.afi-safis]]\n"
		"    [neighbors.afi-safis.config]\n"
		"      afi-safi-name = \"%s-unicast\"\n"
		"    [neighbors.afi-safis.mp-graceful-restart.config]\n"
		"      enabled = true\n",
		speaker_family(v));
}

void gobgp_speaker_config(const struct speaker_view *v, FILE *ret)
{
	struct addr id = speaker_router_id(v);

	fprintf(ret,
		"# Made by ecmplab for %s.\n"
		"[global.config]\n"
		"  as = %u\n"
		"  router-id = \"%s\"\n",
		v->host->name, v->peers[0]->my_asn, addr_text(&id).s);
	for (size_t i = 0; i < v->peer_count; i++) {
		const struct kube_bgp_peer *p = v->peers[i];

		fprintf(ret,
			"[[neighbors]]\n"
			"  [neighbors.config]\n"
			"    neighbor-address = \"%s\"\n"
			"    peer-as = %u\n",
			addr_text(&p->peer_address).s, p->peer_asn);
		if (p->password != NULL)
			fprintf(ret, "    auth-password = \"%s\"\n", p->password);
		fprintf(ret,
			"  [neighbors.timers.config]\n"
			"    connect-retry = 1\n"
			"    hold-time = %u\n"
			"    keepalive-interval = %u\n"
			"  [neighbors.transport.config]\n"
			"    remote-port = %u\n",
			speaker_hold(p, 90), speaker_hold(p, 90) / 3, p->peer_port != 0 ? p->peer_port : NODE_BGP_PORT);
		if (p->source_address.family != ADDR_NONE)
			fprintf(ret, "    local-address = \"%s\"\n", addr_text(&p->source_address).s);
		if (p->ebgp_multihop)
			fprintf(ret,
				"  [neighbors.ebgp-multihop.config]\n    enabled = true\n    multihop-ttl = 255\n");
		if (p->graceful_restart)
			speaker_restart(v, ret);
	}
}

static char *communities(const struct node_route *r, struct arena *arena)
{
	char *text = arena_strdup(arena, "");

	for (size_t i = 0; i < r->community_count; i++)
		text = arena_printf(arena, "%s%s%u:%u", text, i > 0 ? "," : "", r->communities[i] >> 16,
				    r->communities[i] & 0xffff);
	return text;
}

static char *larges(const struct node_route *r, struct arena *arena)
{
	char *text = arena_strdup(arena, "");

	for (size_t i = 0; i < r->large_count; i++)
		text = arena_printf(arena, "%s%s%u:%u:%u", text, i > 0 ? "," : "", r->large[i][0], r->large[i][1],
				    r->large[i][2]);
	return text;
}

static void tell(struct node_daemon *d, struct arena *arena, const char *what, const struct node_route *r)
{
	const char *argv[DAEMON_ARGS + 1] = {"gobgp",
					     "global",
					     "rib",
					     what,
					     "-a",
					     r->prefix.addr.family == ADDR_V6 ? "ipv6" : "ipv4",
					     arena_strdup(arena, prefix_text(&r->prefix).s)};
	bool add = strcmp(what, "add") == 0;
	struct node_process *p;
	size_t n = 7;

	if (add) {
		argv[n++] = "origin";
		argv[n++] = "igp";
	}
	if (add && r->local_pref != 0) {
		argv[n++] = "local-pref";
		argv[n++] = arena_printf(arena, "%u", r->local_pref);
	}
	if (add && r->community_count > 0) {
		argv[n++] = "community";
		argv[n++] = communities(r, arena);
	}
	if (add && r->large_count > 0) {
		argv[n++] = "large-community";
		argv[n++] = larges(r, arena);
	}
	p = daemon_program(d, arena, argv);
	p->awaits_port = API_PORT;
	p->once = true;
}

int gobgp_speaker_change(struct node_daemon *d, const struct speaker_view *v, const struct speaker_view *before,
			 struct arena *arena, struct errmsg *err)
{
	for (size_t i = 0; i < v->route_count; i++) {
		/* Its table is one for all neighbours; per neighbour it would take policies. */
		if (v->routes[i].peers.len > 0 && v->peer_count > 1)
			return errmsg_say(err, -EOPNOTSUPP,
					  "%s: an advertisement that names its peers can't be given to GoBGP",
					  d->instance);
		if (speaker_same(before, &v->routes[i]) == NULL)
			tell(d, arena, "add", &v->routes[i]);
	}
	for (size_t i = 0; i < before->route_count; i++) {
		if (speaker_prefix(v, &before->routes[i].prefix) == NULL)
			tell(d, arena, "del", &before->routes[i]);
	}
	return 0;
}
