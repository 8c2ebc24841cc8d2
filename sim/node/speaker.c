/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker's real speaker: which sessions and routes it is to have, and what changed since it was told last. */
#include "community.h"
#include "daemon_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What may stand in a password in every daemon's language, unquoted. */
#define PASSWORD_TROUBLE " \t\r\n\"'\\;{}#$"

/* ---- What adapters ask ---- */

bool speaker_tells(const struct node_route *r, const struct kube_bgp_peer *peer)
{
	for (size_t i = 0; i < r->peers.len; i++) {
		if (strcmp(r->peers.at[i], peer->meta.name) == 0)
			return true;
	}
	return r->peers.len == 0;
}

const struct node_route *speaker_prefix(const struct speaker_view *v, const struct prefix *p)
{
	for (size_t i = 0; i < v->route_count; i++) {
		if (prefix_equal(&v->routes[i].prefix, p))
			return &v->routes[i];
	}
	return NULL;
}

static bool peers_equal(const struct kube_strings *a, const struct kube_strings *b)
{
	for (size_t i = 0; i < a->len && a->len == b->len; i++) {
		if (strcmp(a->at[i], b->at[i]) != 0)
			return false;
	}
	return a->len == b->len;
}

const struct node_route *speaker_same(const struct speaker_view *v, const struct node_route *r)
{
	const struct node_route *o = speaker_prefix(v, &r->prefix);

	if (o == NULL || o->local_pref != r->local_pref || o->community_count != r->community_count ||
	    o->large_count != r->large_count || !peers_equal(&o->peers, &r->peers))
		return NULL;
	if (r->community_count > 0 &&
	    memcmp(o->communities, r->communities, r->community_count * sizeof(*r->communities)) != 0)
		return NULL;
	return r->large_count == 0 || memcmp(o->large, r->large, r->large_count * sizeof(*r->large)) == 0 ? o : NULL;
}

unsigned int speaker_hold(const struct kube_bgp_peer *peer, unsigned int other)
{
	return peer->hold_ns == KUBE_TIME_UNSET ? other : (unsigned int)(peer->hold_ns / NS_PER_S);
}

struct addr speaker_router_id(const struct speaker_view *v)
{
	for (size_t i = 0; i < v->peer_count; i++) {
		if (v->peers[i]->router_id.family == ADDR_V4)
			return v->peers[i]->router_id;
	}
	return addr_v4(node_router_id(v->host, &v->host->address));
}

const char *speaker_family(const struct speaker_view *v)
{
	return v->host->address.family == ADDR_V6 ? "ipv6" : "ipv4";
}

/* ---- Routes from announcements ---- */

/* The two lists one behind the other, in memory of their own. */
static void *join(const void *a, size_t a_count, const void *b, size_t b_count, size_t size, struct arena *memory)
{
	uint8_t *all = arena_array(memory, a_count + b_count + 1, size);

	if (a_count > 0)
		memcpy(all, a, a_count * size);
	if (b_count > 0)
		memcpy(all + a_count * size, b, b_count * size);
	return all;
}

static void communities_unite(struct node_route *r, const struct kube_announcement *a, struct arena *memory)
{
	uint32_t *all =
		join(r->communities, r->community_count, a->communities, a->community_count, sizeof(*all), memory);
	uint32_t(*large)[3] = join(r->large, r->large_count, a->large, a->large_count, sizeof(*large), memory);

	r->communities = all;
	r->community_count = community_sort(all, r->community_count + a->community_count);
	r->large = (const uint32_t(*)[3])large;
	r->large_count = community_large_sort(large, r->large_count + a->large_count);
}

static struct kube_strings strings_keep(const struct kube_strings *s, struct arena *memory)
{
	const char **at = arena_array(memory, s->len + 1, sizeof(*at));

	for (size_t i = 0; i < s->len; i++)
		at[i] = arena_strdup(memory, s->at[i]);
	return (struct kube_strings){.at = at, .len = s->len};
}

static void routes_make(struct speaker_view *v, struct kube_cluster *cluster, struct arena *memory)
{
	size_t n;
	const struct kube_announcement *a = kube_announcements(cluster, v->host->name, &n);
	struct node_route *routes = arena_array(memory, n + 1, sizeof(*routes));

	v->routes = routes;
	for (size_t i = 0; i < n; i++) {
		size_t at = 0;

		if (a[i].prefix.addr.family != v->host->address.family) /* nodes have addresses of one family */
			continue;
		while (at < v->route_count && !prefix_equal(&routes[at].prefix, &a[i].prefix))
			at++;
		if (at == v->route_count)
			routes[v->route_count++] =
				(struct node_route){.prefix = a[i].prefix, .peers = strings_keep(&a[i].peers, memory)};
		else if (a[i].peers.len == 0)
			routes[at].peers.len = 0; /* one of them is for everybody */
		if (routes[at].local_pref == 0)
			routes[at].local_pref = a[i].local_pref;
		communities_unite(&routes[at], &a[i], memory);
	}
}

/* ---- Following ---- */

static int config_write(const struct node_speaker *s, const struct speaker_view *v, struct errmsg *err)
{
	int fd = open(s->config_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (f == NULL) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		return errmsg_set(err, -error, "%s", s->config_path);
	}
	daemon_kind(s->daemon->kind)->speaker_config(v, f);
	return fclose(f) == 0 ? 0 : errmsg_set(err, -errno, "%s", s->config_path);
}

/* What only MetalLB's own FRR can be told. */
static int engine_check(const struct speaker_view *v, const struct kube_bgp_peer *p, const struct node_daemon *d,
			struct errmsg *err)
{
	const char *what = NULL;

	if (p->bfd != NULL && !daemon_kind(d->kind)->speaks_bfd)
		what = "bfdProfile";
	else if (d->kind != NODE_FRR && p->local_asn != 0)
		what = "localASN";
	else if (d->kind != NODE_FRR && p->dynamic_asn != KUBE_ASN_GIVEN)
		what = "dynamicASN";
	if (v->lab->worker_role != BGP_ROLE_NONE && d->kind != NODE_FRR && d->kind != NODE_BIRD2)
		return errmsg_say(err, -EOPNOTSUPP, "%s: %s has no roles (RFC 9234)", v->host->name, d->name);
	if (what != NULL)
		return errmsg_say(err, -EOPNOTSUPP, "%s: %s of BGPPeer %s can't be written for %s", v->host->name, what,
				  p->meta.name, d->name);
	if (p->bfd != NULL && strpbrk(p->bfd->meta.name, PASSWORD_TROUBLE) != NULL)
		return errmsg_say(err, -EINVAL, "%s: the name of BFDProfile %s can't be written for %s", v->host->name,
				  p->bfd->meta.name, d->name);
	return 0;
}

static int peers_check(const struct speaker_view *v, const struct node_daemon *d, struct errmsg *err)
{
	int r;

	for (size_t i = 0; i < v->peer_count; i++) {
		const struct kube_bgp_peer *p = v->peers[i];

		if (p->my_asn != v->peers[0]->my_asn)
			return errmsg_say(err, -EINVAL, "%s: %s has one AS, and the BGPPeers %s and %s want two",
					  v->host->name, d->name, v->peers[0]->meta.name, p->meta.name);
		if (p->password != NULL && strpbrk(p->password, PASSWORD_TROUBLE) != NULL)
			return errmsg_say(err, -EINVAL, "%s: the password of BGPPeer %s can't be written for %s",
					  v->host->name, p->meta.name, d->name);
		r = engine_check(v, p, d, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int restart(struct node_lab *lab, struct node_speaker *s, const struct speaker_view *v, struct errmsg *err)
{
	static const struct speaker_view nothing = {0};
	const struct daemon_kind *kind = daemon_kind(s->daemon->kind);
	int r = 0;

	node_daemon_end(s->daemon);
	if (v->peer_count == 0)
		return 0;
	r = config_write(s, v, err);
	if (r == 0)
		r = kind->programs(s->daemon, s->config_path, &lab->arena, err);
	if (r == 0 && kind->routes_told)
		r = kind->speaker_change(s->daemon, v, &nothing, &lab->arena, err);
	return r;
}

static int change(struct node_lab *lab, struct node_speaker *s, const struct speaker_view *v, struct errmsg *err)
{
	const struct speaker_view before = {.host = v->host,
					    .peers = v->peers,
					    .peer_count = v->peer_count,
					    .routes = s->routes,
					    .route_count = s->route_count};
	bool same = v->route_count == s->route_count;
	int r;

	for (size_t i = 0; i < v->route_count && same; i++)
		same = speaker_same(&before, &v->routes[i]) != NULL;
	if (same || v->peer_count == 0)
		return 0;
	r = config_write(s, v, err);
	return r == 0 ? daemon_kind(s->daemon->kind)->speaker_change(s->daemon, v, &before, &lab->arena, err) : r;
}

int node_speaker_sync(struct node_lab *lab, unsigned int worker, struct kube_cluster *cluster, struct node_speaker *s,
		      int run_dir_fd, struct errmsg *err)
{
	struct speaker_view v = {.host = &lab->workers[worker].host, .lab = &lab->conf, .config_path = s->config_path};
	struct arena memory = {0};
	uint64_t sessions;
	int r;

	v.peers = kube_sessions(cluster, v.host->name, &v.peer_count);
	v.extras = kube_extras(cluster);
	sessions = node_sessions_fingerprint(v.peers, v.peer_count);
	if (v.extras != NULL)
		sessions = node_fingerprint(sessions, v.extras, strlen(v.extras) + 1);
	routes_make(&v, cluster, &memory);
	s->daemon->ns = v.host->ns;
	s->daemon->family = v.host->address.family;
	s->daemon->instance = v.host->name;
	s->daemon->dials = true;
	r = peers_check(&v, s->daemon, err);
	if (r == 0)
		r = sessions != s->sessions ? restart(lab, s, &v, err) : change(lab, s, &v, err);
	if (r == 0)
		r = node_daemon_proceed(s->daemon, run_dir_fd, err);
	arena_clear(&s->memory);
	s->memory = memory;
	s->routes = v.routes;
	s->route_count = v.route_count;
	s->sessions = sessions;
	return r < 0 ? r : 0;
}

void node_speaker_free(struct node_speaker *s)
{
	node_daemon_end(s->daemon);
	arena_clear(&s->memory);
}
