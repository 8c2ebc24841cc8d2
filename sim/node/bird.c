/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is special about BIRD: two incompatible configuration languages under one program name. */
#include "daemon_int.h"

#include <errno.h>
#include <unistd.h>

#define PATHS_MAX 255U /* what "merge paths" takes */

static void head(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret)
{
	struct addr id = addr_v4(node_router_own_id(lab, conf));

	fprintf(ret,
		"# Made by ecmplab for this lab.\n"
		"router id %s;\n"
		"protocol device {\n"
		"  scan time 10;\n"
		"}\n",
		addr_text(&id).s);
}

/* Of all sessions, in milliseconds. */
static void bfd_protocol(const struct node_bfd *b, FILE *ret)
{
	fprintf(ret,
		"protocol bfd {\n"
		"  interface \"*\" {\n"
		"    min rx interval %u ms;\n"
		"    min tx interval %u ms;\n"
		"    idle tx interval 1000 ms;\n"
		"    multiplier %u;\n"
		"    passive %s;\n"
		"  };\n"
		"}\n",
		b->receive_ms, b->transmit_ms, b->multiplier, b->passive ? "yes" : "no");
}

static void router_session(const struct node_router_conf *conf, FILE *ret)
{
	if (conf->password != NULL)
		fprintf(ret, "  password \"%s\";\n", conf->password);
	if (conf->bfd.on)
		fprintf(ret, "  bfd on;\n");
	if (conf->hold_set)
		fprintf(ret, "  hold time %u;\n", conf->hold_s);
	if (conf->graceful_restart)
		fprintf(ret, "  graceful restart on;\n  graceful restart time %u;\n", conf->restart_s);
	/* BIRD counts hops by multihop: without it the peer is a neighbour */
	if (conf->ttl_security > 1)
		fprintf(ret, "  multihop %u;\n", conf->ttl_security);
	else if (conf->multihop)
		fprintf(ret, "  multihop;\n");
	if (conf->ttl_security > 0)
		fprintf(ret, "  ttl security on;\n");
	if (conf->role != BGP_ROLE_NONE)
		fprintf(ret, "  local role %s;\n", daemon_role(conf->role, "_"));
	if (conf->role_strict)
		fprintf(ret, "  require roles on;\n");
}

/* The tier above, which dials and has nothing to tell. */
static void upstream_session(const struct node_lab *lab, const struct node_router_conf *conf, const char *opened,
			     const char *closed, FILE *ret)
{
	struct addr own = node_uplink(lab, conf->number);
	struct addr_text local = addr_text(&own);

	fprintf(ret,
		"protocol bgp upstream {\n"
		"  local %s as %u;\n"
		"  neighbor %s as %u;\n"
		"  passive on;\n"
		"  %snext hop self; import none; export all;%s\n"
		"}\n",
		local.s, conf->as, addr_text(&lab->upstream.address).s, conf->upstream_as, opened, closed);
}

static void router_config(const struct node_lab *lab, const struct node_router_conf *conf, bool channels, FILE *ret)
{
	/* BIRD 2 moved import and export into channels. */
	bool v6 = lab->conf.cluster_net.addr.family == ADDR_V6;
	const char *opened = !channels ? "" : v6 ? "ipv6 { " : "ipv4 { ", *closed = channels ? " };" : "";

	struct addr own = addr_add(&lab->conf.router_cluster, conf->number);
	char limit[32] = ""; /* BIRD's own: 16 */

	if (!conf->multipath_own)
		snprintf(limit, sizeof(limit), " limit %u", conf->max_paths < PATHS_MAX ? conf->max_paths : PATHS_MAX);
	head(lab, conf, ret);
	fprintf(ret,
		"protocol kernel {\n"
		"  scan time 20;\n"
		"  merge paths on%s;\n"
		"  %simport none; export all;%s\n"
		"}\n",
		limit, opened, closed);
	if (conf->bfd.on)
		bfd_protocol(&conf->bfd, ret);
	if (conf->upstream_as != 0)
		upstream_session(lab, conf, opened, closed, ret);
	for (unsigned int i = 0; i < lab->conf.workers; i++) {
		const struct node_host *w = &lab->workers[i].host;

		fprintf(ret,
			"protocol bgp %s {\n"
			"  local %s as %u;\n"
			"  neighbor %s as %u;\n"
			"  %simport all; export all;%s\n",
			w->name, addr_text(&own).s, conf->as, addr_text(&w->address).s, node_router_worker_as(conf, i),
			opened, closed);
		router_session(conf, ret);
		fprintf(ret, "}\n");
	}
}

void bird1_router_config(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret)
{
	router_config(lab, conf, false, ret);
}

void bird2_router_config(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret)
{
	router_config(lab, conf, true, ret);
}

/* BIRD 1 is two programs, of which the one called so speaks IPv4 alone. */
static const char *six(const struct node_daemon *d)
{
	return d->kind == NODE_BIRD1 && d->family == ADDR_V6 ? "6" : "";
}

/* -d: in the foreground, with its log on stderr when the user's file names none. */
int bird_programs(struct node_daemon *d, const char *config_path, struct arena *arena, struct errmsg *err)
{
	const char *name = d->instance != NULL ? d->instance : "bird";
	const char *socket = arena_printf(arena, "/run/bird/%s%s.ctl", name, six(d));
	const char *path = arena_printf(arena, "%s%s", d->path, six(d));

	if (access(path, X_OK) != 0)
		return errmsg_set(err, -errno, "%s, which is BIRD 1 for IPv6", path);
	daemon_program(d, arena, (const char *const[DAEMON_ARGS]){path, "-d", "-c", config_path, "-s", socket});
	return daemon_folder("/run/bird", err);
}

/* ---- A worker's speaker ---- */

static void export_filter(const struct speaker_view *v, const struct kube_bgp_peer *peer, FILE *ret)
{
	fprintf(ret, "export filter {\n");
	for (size_t i = 0; i < v->route_count; i++) {
		const struct node_route *r = &v->routes[i];

		if (!speaker_tells(r, peer))
			continue;
		fprintf(ret, "    if net = %s then {\n", prefix_text(&r->prefix).s);
		for (size_t k = 0; k < r->community_count; k++)
			fprintf(ret, "      bgp_community.add((%u, %u));\n", r->communities[k] >> 16,
				r->communities[k] & 0xffff);
		for (size_t k = 0; k < r->large_count; k++)
			fprintf(ret, "      bgp_large_community.add((%u, %u, %u));\n", r->large[k][0], r->large[k][1],
				r->large[k][2]);
		if (r->local_pref != 0)
			fprintf(ret, "      bgp_local_pref = %u;\n", r->local_pref);
		fprintf(ret, "      accept;\n    }\n");
	}
	fprintf(ret, "    reject;\n  };");
}

static void speaker_session(const struct speaker_view *v, size_t which, bool channels, FILE *ret)
{
	const struct kube_bgp_peer *p = v->peers[which];
	const struct addr *local = p->source_address.family != ADDR_NONE ? &p->source_address : &v->host->address;

	fprintf(ret,
		"protocol bgp peer%zu {\n"
		"  local %s as %u;\n"
		"  neighbor %s as %u;\n"
		"  hold time %u;\n"
		"  connect delay time 1;\n",
		which + 1, addr_text(local).s, p->my_asn, addr_text(&p->peer_address).s, p->peer_asn,
		speaker_hold(p, 90));
	if (p->peer_port != 0 && p->peer_port != NODE_BGP_PORT)
		fprintf(ret, "  neighbor port %u;\n", p->peer_port);
	if (p->password != NULL)
		fprintf(ret, "  password \"%s\";\n", p->password);
	if (p->ebgp_multihop)
		fprintf(ret, "  multihop;\n");
	if (p->bfd != NULL)
		fprintf(ret, "  bfd on;\n");
	if (p->graceful_restart)
		fprintf(ret, "  graceful restart on;\n");
	if (v->lab->worker_role != BGP_ROLE_NONE && p->peer_asn != p->my_asn)
		fprintf(ret, "  local role %s;\n%s", daemon_role(v->lab->worker_role, "_"),
			v->lab->worker_role_strict ? "  require roles on;\n" : "");
	if (channels)
		fprintf(ret, "  %s { import none;\n  ", speaker_family(v));
	else
		fprintf(ret, "  import none;\n  ");
	export_filter(v, p, ret);
	fprintf(ret, "%s\n}\n", channels ? " };" : "");
}

/* BIRD has its parameters by interface, and so those of the first profile there is. */
static void speaker_bfd(const struct speaker_view *v, FILE *ret)
{
	for (size_t i = 0; i < v->peer_count; i++) {
		const struct kube_bfd_profile *p = v->peers[i]->bfd;

		if (p == NULL)
			continue;
		bfd_protocol(&(struct node_bfd){.transmit_ms = p->transmit_ms,
						.receive_ms = p->receive_ms,
						.multiplier = (uint8_t)p->multiplier,
						.passive = p->passive},
			     ret);
		return;
	}
}

static void speaker_config(const struct speaker_view *v, bool channels, FILE *ret)
{
	struct addr id = speaker_router_id(v);

	fprintf(ret,
		"# Made by ecmplab for %s.\n"
		"router id %s;\n"
		"protocol device {\n"
		"}\n"
		"protocol static {\n",
		v->host->name, addr_text(&id).s);
	if (channels)
		fprintf(ret, "  %s;\n", speaker_family(v));
	for (size_t i = 0; i < v->route_count; i++)
		fprintf(ret, "  route %s blackhole;\n", prefix_text(&v->routes[i].prefix).s);
	fprintf(ret, "}\n");
	speaker_bfd(v, ret);
	for (size_t i = 0; i < v->peer_count; i++)
		speaker_session(v, i, channels, ret);
}

void bird1_speaker_config(const struct speaker_view *v, FILE *ret)
{
	speaker_config(v, false, ret);
}

void bird2_speaker_config(const struct speaker_view *v, FILE *ret)
{
	speaker_config(v, true, ret);
}

int bird_speaker_change(struct node_daemon *d, const struct speaker_view *v, const struct speaker_view *before,
			struct arena *arena, struct errmsg *err)
{
	const char *socket = arena_printf(arena, "/run/bird/%s%s.ctl", d->instance, six(d));
	const char *birdc = arena_printf(arena, "%sc%s", d->path, six(d));
	struct node_process *p =
		daemon_program(d, arena, (const char *const[DAEMON_ARGS]){birdc, "-s", socket, "configure"});

	(void)v;
	(void)before;
	(void)err;
	p->awaits_file = socket;
	p->once = true;
	return 0;
}
