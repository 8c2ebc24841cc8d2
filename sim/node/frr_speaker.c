/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FRR as MetalLB configures it for a worker (METALLB section 4.9): a route map out of each session that lets pass what is
 * to be advertised there, one network statement a prefix, nothing in. A change is told as the difference of lines, as
 * MetalLB's reload does. */
#include "daemon_int.h"

#include <errno.h>
#include <string.h>

/* A line of the configuration that routes make, inside of what it stands in ("" for the top). */
struct line {
	const char *context;
	const char *text;
};

struct lines {
	struct arena *arena;
	VEC(struct line) all;
};

#define FAMILY_CONTEXT "address-family "

static void line_add(struct lines *l, const char *context, const char *text)
{
	for (size_t i = 0; i < l->all.len; i++) {
		if (strcmp(l->all.at[i].context, context) == 0 && strcmp(l->all.at[i].text, text) == 0)
			return;
	}
	VEC_PUSH(&l->all, (struct line){context, text});
}

/* ---- The lines that routes make ---- */

/* A session's route map out: an entry for each attribute that some prefixes have, and a last one that lets them all pass. */
struct out_map {
	const char *name;
	VEC(const char *) lists; /* of the entries, in order */
};

static void prefix_list(struct lines *l, const char *list, const struct node_route *r)
{
	const char *ip = r->prefix.addr.family == ADDR_V6 ? "ipv6" : "ip";

	line_add(l, "", arena_printf(l->arena, "%s prefix-list %s permit %s", ip, list, prefix_text(&r->prefix).s));
}

static void attribute(struct lines *l, struct out_map *map, const char *word, const char *set,
		      const struct node_route *r)
{
	const char *list = arena_printf(l->arena, "%s-%s", map->name, word), *context;
	const char *ip = r->prefix.addr.family == ADDR_V6 ? "ipv6" : "ip";

	prefix_list(l, list, r);
	for (size_t i = 0; i < map->lists.len; i++) {
		if (strcmp(map->lists.at[i], list) == 0)
			return;
	}
	VEC_PUSH(&map->lists, list);
	context = arena_printf(l->arena, "route-map %s permit %zu", map->name, map->lists.len);
	line_add(l, context, arena_printf(l->arena, "match %s address prefix-list %s", ip, list));
	line_add(l, context, set);
	line_add(l, context, "on-match next");
}

static void route_lines(struct lines *l, struct out_map *map, const struct node_route *r)
{
	for (size_t i = 0; i < r->community_count; i++) {
		const char *value =
			arena_printf(l->arena, "%u:%u", r->communities[i] >> 16, r->communities[i] & 0xffff);

		attribute(l, map, arena_printf(l->arena, "community-%s", value),
			  arena_printf(l->arena, "set community %s additive", value), r);
	}
	for (size_t i = 0; i < r->large_count; i++) {
		const char *value = arena_printf(l->arena, "%u:%u:%u", r->large[i][0], r->large[i][1], r->large[i][2]);

		attribute(l, map, arena_printf(l->arena, "large-community-%s", value),
			  arena_printf(l->arena, "set large-community %s additive", value), r);
	}
	if (r->local_pref != 0)
		attribute(l, map, arena_printf(l->arena, "localpref-%u", r->local_pref),
			  arena_printf(l->arena, "set local-preference %u", r->local_pref), r);
	prefix_list(l, arena_printf(l->arena, "%s-all", map->name), r);
}

static void peer_lines(struct lines *l, const struct speaker_view *v, const struct kube_bgp_peer *peer)
{
	struct out_map map = {.name = arena_printf(l->arena, "%s-out", addr_text(&peer->peer_address).s)};
	const char *ip = v->host->address.family == ADDR_V6 ? "ipv6" : "ip";

	for (size_t i = 0; i < v->route_count; i++) {
		if (speaker_tells(&v->routes[i], peer))
			route_lines(l, &map, &v->routes[i]);
	}
	/* Numbered behind every entry that there can be, so that it stays what it is. */
	line_add(l, arena_printf(l->arena, "route-map %s permit 65535", map.name),
		 arena_printf(l->arena, "match %s address prefix-list %s-all", ip, map.name));
	VEC_FREE(&map.lists);
}

/* Lists and maps before networks: a prefix is let out as it should be from the first moment on. */
static void lines_make(struct lines *l, const struct speaker_view *v)
{
	for (size_t i = 0; i < v->peer_count; i++)
		peer_lines(l, v, v->peers[i]);
	for (size_t i = 0; i < v->route_count; i++)
		line_add(l, arena_printf(l->arena, FAMILY_CONTEXT "%s unicast", speaker_family(v)),
			 arena_printf(l->arena, "network %s", prefix_text(&v->routes[i].prefix).s));
}

static bool lines_have(const struct lines *l, const struct line *line, bool text_too)
{
	for (size_t i = 0; i < l->all.len; i++) {
		if (strcmp(l->all.at[i].context, line->context) == 0 &&
		    (!text_too || strcmp(l->all.at[i].text, line->text) == 0))
			return true;
	}
	return false;
}

static void line_write(const struct line *line, uint32_t as, const char *no, FILE *ret)
{
	if (strncmp(line->context, FAMILY_CONTEXT, strlen(FAMILY_CONTEXT)) == 0)
		fprintf(ret, "router bgp %u\n %s\n  %s%s\n exit-address-family\nexit\n", as, line->context, no,
			line->text);
	else if (*line->context != '\0')
		fprintf(ret, "%s\n %s%s\nexit\n", line->context, no, line->text);
	else
		fprintf(ret, "%s%s\n", no, line->text);
}

/* ---- The whole ---- */

static void remote_as(const struct kube_bgp_peer *p, const char *at, FILE *ret)
{
	if (p->dynamic_asn == KUBE_ASN_GIVEN)
		fprintf(ret, " neighbor %s remote-as %u\n", at, p->peer_asn);
	else
		fprintf(ret, " neighbor %s remote-as %s\n", at,
			p->dynamic_asn == KUBE_ASN_INTERNAL ? "internal" : "external");
	if (p->local_asn != 0)
		fprintf(ret, " neighbor %s local-as %u no-prepend replace-as\n", at, p->local_asn);
}

/* Of two times where one is given, a hold time is three keepalive times. */
static void times(const struct kube_bgp_peer *p, const char *at, FILE *ret)
{
	int64_t keepalive = p->keepalive_ns, hold = p->hold_ns;

	if (keepalive != KUBE_TIME_UNSET || hold != KUBE_TIME_UNSET) {
		hold = hold != KUBE_TIME_UNSET ? hold : 3 * keepalive;
		keepalive = keepalive != KUBE_TIME_UNSET ? keepalive : hold / 3;
		fprintf(ret, " neighbor %s timers %u %u\n", at, (unsigned int)(keepalive / NS_PER_S),
			(unsigned int)(hold / NS_PER_S));
	}
	if (p->connect_ns > 0)
		fprintf(ret, " neighbor %s timers connect %u\n", at, (unsigned int)(p->connect_ns / NS_PER_S));
}

/* What MetalLB has no word for. */
static void role(const struct speaker_view *v, const struct kube_bgp_peer *p, const char *at, FILE *ret)
{
	bool internal = p->dynamic_asn == KUBE_ASN_INTERNAL || p->peer_asn == p->my_asn;

	if (v->lab->worker_role != BGP_ROLE_NONE && !internal)
		fprintf(ret, " neighbor %s local-role %s%s\n", at, daemon_role(v->lab->worker_role, "-"),
			v->lab->worker_role_strict ? " strict-mode" : "");
}

static void session(const struct speaker_view *v, const struct kube_bgp_peer *p, FILE *ret)
{
	struct addr_text at = addr_text(&p->peer_address);

	remote_as(p, at.s, ret);
	fprintf(ret, " neighbor %s port %u\n", at.s, p->peer_port != 0 ? p->peer_port : NODE_BGP_PORT);
	if (p->ebgp_multihop)
		fprintf(ret, " neighbor %s ebgp-multihop\n", at.s);
	times(p, at.s, ret);
	role(v, p, at.s, ret);
	if (p->graceful_restart)
		fprintf(ret, " neighbor %s graceful-restart\n", at.s);
	if (p->bfd != NULL)
		fprintf(ret, " neighbor %s bfd\n neighbor %s bfd profile %s\n", at.s, at.s, p->bfd->meta.name);
	if (p->password != NULL)
		fprintf(ret, " neighbor %s password %s\n", at.s, p->password);
	if (p->source_address.family != ADDR_NONE)
		fprintf(ret, " neighbor %s update-source %s\n", at.s, addr_text(&p->source_address).s);
	fprintf(ret,
		" address-family %s unicast\n"
		"  neighbor %s activate\n"
		"  neighbor %s route-map %s-in in\n"
		"  neighbor %s route-map %s-out out\n"
		" exit-address-family\n",
		speaker_family(v), at.s, at.s, at.s, at.s, at.s);
}

static void profiles(const struct speaker_view *v, FILE *ret)
{
	bool any = false;

	for (size_t i = 0; i < v->peer_count; i++) {
		const struct kube_bfd_profile *p = v->peers[i]->bfd;

		if (p != NULL && !any)
			fprintf(ret, "bfd\n");
		if (p != NULL)
			frr_bfd_profile(p->meta.name, p, ret);
		any = any || p != NULL;
	}
	if (any)
		fprintf(ret, "exit\n");
}

void frr_speaker_config(const struct speaker_view *v, FILE *ret)
{
	struct arena memory = {0};
	struct lines lines = {.arena = &memory};
	struct addr id = speaker_router_id(v);

	fprintf(ret,
		"! Made by ecmplab for %s, as MetalLB's FRR mode would.\n"
		"hostname %s\n"
		"ip nht resolve-via-default\n"
		"ipv6 nht resolve-via-default\n",
		v->host->name, v->host->name);
	profiles(v, ret);
	fprintf(ret,
		"router bgp %u\n"
		" no bgp ebgp-requires-policy\n"
		" no bgp network import-check\n"
		" no bgp default ipv4-unicast\n"
		" bgp graceful-restart preserve-fw-state\n"
		" bgp router-id %s\n",
		v->peers[0]->my_asn, addr_text(&id).s);
	for (size_t i = 0; i < v->peer_count; i++)
		session(v, v->peers[i], ret);
	fprintf(ret, "exit\n");
	for (size_t i = 0; i < v->peer_count; i++)
		fprintf(ret, "route-map %s-in deny 20\nexit\n", addr_text(&v->peers[i]->peer_address).s);
	lines_make(&lines, v);
	for (size_t i = 0; i < lines.all.len; i++)
		line_write(&lines.all.at[i], v->peers[0]->my_asn, "", ret);
	if (v->extras != NULL)
		fprintf(ret, "%s\n", v->extras);
	VEC_FREE(&lines.all);
	arena_clear(&memory);
}

static void difference(const struct lines *before, const struct lines *after, uint32_t as, FILE *ret)
{
	for (size_t i = 0; i < after->all.len; i++) {
		const struct line *line = &after->all.at[i];

		if (!lines_have(before, line, true))
			line_write(line, as, "", ret);
	}
	/* Networks go before the lists that let them out, or the map's end would withdraw them by and by. */
	for (size_t i = before->all.len; i > 0; i--) {
		const struct line *line = &before->all.at[i - 1];
		bool map, replaced;

		if (lines_have(after, line, true))
			continue;
		map = strncmp(line->context, "route-map ", 10) == 0;
		/* A new match or set has taken the old one's place. */
		replaced = strncmp(line->text, "match ", 6) == 0 || strncmp(line->text, "set ", 4) == 0;
		if (map && !lines_have(after, line, false))
			fprintf(ret, "no %s\n", line->context);
		else if (!map || !replaced)
			line_write(line, as, "no ", ret);
	}
}

int frr_speaker_change(struct node_daemon *d, const struct speaker_view *v, const struct speaker_view *before,
		       struct arena *arena, struct errmsg *err)
{
	const char *path = arena_printf(arena, "/run/frr/%s/%zu.change", d->instance, d->programs.len);
	FILE *f = fopen(path, "we");
	struct arena memory = {0};
	struct lines old = {.arena = &memory}, new = {.arena = &memory};
	struct node_process *p;

	if (f == NULL)
		return errmsg_set(err, -errno, "%s", path);
	lines_make(&old, before);
	lines_make(&new, v);
	difference(&old, &new, v->peers[0]->my_asn, f);
	VEC_FREE(&old.all);
	VEC_FREE(&new.all);
	arena_clear(&memory);
	if (fclose(f) != 0)
		return errmsg_set(err, -errno, "%s", path);
	p = daemon_program(d, arena, (const char *const[DAEMON_ARGS]){"vtysh", "-N", d->instance, "-f", path});
	p->once = true;
	return 0;
}
