/* SPDX-License-Identifier: GPL-2.0-or-later */
/* After the cluster changed: pods, proxy rules and speakers follow, as kubelet, kube-proxy and MetalLB would. */
#include "run_int.h"

#include <errno.h>
#include <string.h>

static bool pod_runs(const struct run *r, unsigned int uid)
{
	for (size_t i = 0; i < r->pods.len; i++) {
		if (r->pods.at[i].uid == uid)
			return true;
	}
	return false;
}

static bool pod_wanted(const struct kube_pod *pods, size_t n, unsigned int uid)
{
	for (size_t i = 0; i < n; i++) {
		if (pods[i].uid == uid)
			return true;
	}
	return false;
}

static void pods_stop(struct run *r, const struct kube_pod *wanted, size_t n)
{
	for (size_t i = 0; i < r->pods.len;) {
		struct run_pod pod = r->pods.at[i];

		if (pod_wanted(wanted, n, pod.uid)) {
			i++;
			continue;
		}
		drive_http_stop(pod.server);
		node_pod_remove(r->lab, pod.uid);
		r->pods.at[i] = r->pods.at[--r->pods.len];
	}
}

/* A pod's network and server. Its link is captured before anything can reach it. */
static int pod_start(struct run *r, const struct kube_pod *pod, struct capture_link *ret_link, struct net_ns **ret_ns,
		     struct errmsg *err)
{
	struct node_pod *node;
	struct run_pod added = {.uid = pod->uid};
	int result = node_pod_add(r->lab, pod, r->cluster, &node, err);

	if (result == 0)
		result = drive_http_serve(r->drive, node->ns, &node->address, node->port, node->name, node->node,
					  &added.server, err);
	if (result < 0)
		return result;
	VEC_PUSH(&r->pods, added);
	*ret_link = (struct capture_link){.name = node->name,
					  .ns_fd = net_ns_fd(node->ns),
					  .interface = NODE_HOST_LINK,
					  .file = arena_printf(&r->arena, "%s.pcap", node->name)};
	*ret_ns = node->ns;
	return 0;
}

static int pods_start(struct run *r, const struct kube_pod *wanted, size_t n, struct errmsg *err)
{
	struct capture_link *links = arena_array(&r->arena, n, sizeof(*links));
	struct net_ns **ns = arena_array(&r->arena, n, sizeof(struct net_ns *));
	size_t started = 0;
	unsigned int first_link = r->link_count;
	int result;

	for (size_t i = 0; i < n; i++) {
		if (pod_runs(r, wanted[i].uid))
			continue;
		result = pod_start(r, &wanted[i], &links[started], &ns[started], err);
		if (result < 0)
			return result;
		judge_pod(r->judge, &(struct judge_pod){.address = wanted[i].address,
							.name = links[started].name,
							.node = wanted[i].node,
							.link = first_link + (unsigned int)started});
		started++;
	}
	return started > 0 ? run_evidence_links(r, links, ns, started, err) : 0;
}

static int pods_follow(struct run *r, struct errmsg *err)
{
	struct arena scratch = {0};
	size_t n;
	const struct kube_pod *pods = kube_pods(r->cluster, &n);
	/* Readiness changes the cluster, and with it the list. */
	struct kube_pod *wanted = arena_memdup(&scratch, pods, n * sizeof(*pods));
	int result;

	pods_stop(r, wanted, n);
	result = pods_start(r, wanted, n, err);
	for (size_t i = 0; i < n && result == 0; i++) {
		if (!wanted[i].ready)
			kube_pod_ready(r->cluster, wanted[i].uid, true);
	}
	arena_clear(&scratch);
	return result;
}

static void on_worker_notice(void *ctx, const struct bgp_output *notice)
{
	struct run_worker *w = ctx;
	const struct node_worker *node = &w->run->lab->workers[w->index];

	run_tell_session(w->run, node->host.name, node->peers[notice->peer].name, notice);
}

static void on_worker_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port,
			   struct addr *ret_source)
{
	struct run_worker *w = ctx;
	const struct node_peer *p = &w->run->lab->workers[w->index].peers[peer];

	*ret_remote = p->remote;
	*ret_port = p->port;
	*ret_source = p->source;
}

const struct drive_speaker_ops run_worker_ops = {.notice = on_worker_notice, .dial = on_worker_dial};

/* Its BFD. */
static int worker_watch(struct run *r, struct run_worker *w, struct errmsg *err)
{
	const struct node_worker *node = &r->lab->workers[w->index];
	struct run_bfd_session *sessions = arena_array(&r->arena, node->peer_count, sizeof(*sessions));

	for (size_t i = 0; i < node->peer_count; i++)
		sessions[i] = (struct run_bfd_session){.name = node->peers[i].name,
						       .local = node->peers[i].source,
						       .remote = node->peers[i].remote,
						       .bfd = node->peers[i].bfd};
	return run_bfd_new(r,
			   &(struct run_bfd_conf){.node = node->host.name,
						  .ns = node->host.ns,
						  .seed = r->seed + 1 + w->index,
						  .sessions = sessions,
						  .session_count = node->peer_count,
						  .speaker = node->speaker,
						  .driver = w->driver},
			   &w->bfd, err);
}

static int worker_speak(struct run *r, struct run_worker *w, struct errmsg *err)
{
	struct node_worker *node = &r->lab->workers[w->index];
	struct drive_guard *guards;
	int result;

	w->generation = node->generation;
	if (node->speaker == NULL)
		return 0;
	guards = arena_array(&r->arena, node->peer_count, sizeof(*guards));
	for (size_t i = 0; i < node->peer_count; i++)
		guards[i] = (struct drive_guard){.password = node->peers[i].password, .ttl = node->peers[i].ttl};
	result =
		drive_speaker_new(r->drive,
				  &(struct drive_speaker_conf){.engine = node->speaker,
							       .ns = node->host.ns,
							       .ops = &run_worker_ops,
							       .listens = r->plan->lab.metallb == KUBE_METALLB_STANDARD,
							       .listen_address = node->host.address,
							       .ctx = w,
							       .guards = guards,
							       .guard_count = node->peer_count},
				  &w->driver, err);
	return result < 0 ? result : worker_watch(r, w, err);
}

void run_worker_silence(struct run_worker *w)
{
	if (w->run->virtual != NULL) {
		run_virtual_silence(w);
		return;
	}
	run_bfd_free(w->bfd);
	w->bfd = NULL;
	drive_speaker_free(w->driver);
	w->driver = NULL;
}

static int worker_follow(struct run *r, struct run_worker *w, struct errmsg *err)
{
	struct node_worker *node = &r->lab->workers[w->index];
	bool changed;
	int result;

	if (r->virtual != NULL)
		return run_virtual_follow(r, w, err);
	/* The driver must go before the engine that it runs. */
	if (node_worker_sessions_changed(node, r->cluster))
		run_worker_silence(w);
	result = node_worker_sync(r->lab, w->index, r->cluster, r->plan->lab.metallb, r->seed, &changed, err);
	if (result == 0 && w->generation != node->generation)
		result = worker_speak(r, w, err);
	if (result == 0 && changed) {
		bgp_routes_commit(node->speaker, drive_now(r->drive));
		drive_speaker_flush(w->driver);
	}
	return result;
}

/* The prefix under which workers announce a service: its address, or the aggregate that an advertisement makes of it. */
static struct prefix announced_prefix(struct run *r, const struct addr *vip, const char *service)
{
	for (unsigned int i = 0; i < r->lab->conf.workers; i++) {
		size_t n;
		const struct kube_announcement *a = kube_announcements(r->cluster, r->lab->workers[i].host.name, &n);

		for (size_t k = 0; k < n; k++) {
			if (strcmp(a[k].service, service) == 0 && prefix_contains(&a[k].prefix, vip))
				return a[k].prefix;
		}
	}
	return prefix_host(vip);
}

static struct run_service *service_slot(struct run *r, const char *namespace, const char *name)
{
	for (size_t i = 0; i < r->services.len; i++) {
		struct run_service *s = &r->services.at[i];

		if (strcmp(s->namespace, namespace) == 0 && strcmp(s->name, name) == 0)
			return s;
	}
	VEC_PUSH(&r->services, (struct run_service){.namespace = arena_strdup(&r->arena, namespace),
						    .name = arena_strdup(&r->arena, name)});
	return &r->services.at[r->services.len - 1];
}

/* Addresses are remembered past the service's end: what was withdrawn must still be named. */
static void services_note(struct run *r)
{
	size_t n;
	const struct kube_service_view *views = kube_services(r->cluster, &n);

	for (size_t i = 0; i < n; i++) {
		const struct kube_meta *meta = &views[i].service->meta;
		struct run_service *s = service_slot(r, meta->namespace, meta->name);
		char full[512];

		s->pending_reason =
			views[i].pending_reason != NULL ? arena_strdup(&r->arena, views[i].pending_reason) : NULL;
		if (views[i].ingress_count == 0)
			continue;
		snprintf(full, sizeof(full), "%s/%s", meta->namespace, meta->name);
		if (s->address.family == ADDR_NONE || !addr_equal(&s->address, &views[i].ingress[0]))
			run_tell_service(r, full, &views[i].ingress[0]);
		s->address = views[i].ingress[0];
		s->prefix = announced_prefix(r, &s->address, full);
		s->port = views[i].service->port_count > 0 ? views[i].service->ports[0].port : 0;
	}
}

static bool warned(const struct run *r, const char *text)
{
	for (size_t i = 0; i < r->warned.len; i++) {
		if (strcmp(r->warned.at[i], text) == 0)
			return true;
	}
	return false;
}

/* What MetalLB accepts in silence and the user will regret, once each. */
static void warnings_note(struct run *r)
{
	size_t n;
	const char *const *warnings = kube_warnings(r->cluster, &n);

	for (size_t i = 0; i < n; i++) {
		if (warned(r, warnings[i]))
			continue;
		VEC_PUSH(&r->warned, arena_printf(&r->arena, "%s", warnings[i]));
		run_tell(r, NULL, arena_printf(&r->arena, "mind: %s", warnings[i]));
	}
}

static int proxies_follow(struct run *r, struct errmsg *err)
{
	int result = 0;

	for (unsigned int i = 0; i < r->lab->conf.workers && result == 0; i++)
		result = node_proxy_sync(r->lab, i, r->cluster, err);
	return result;
}

static int workers_follow(struct run *r, struct errmsg *err)
{
	int result = 0;

	for (unsigned int i = 0; i < r->lab->conf.workers && result == 0; i++)
		result = run_speaker_is_real(r, i) ? 0 : worker_follow(r, &r->workers[i], err);
	return result;
}

static int64_t debounce_ns(const struct plan_lab *lab)
{
	return lab->metallb == KUBE_METALLB_FRR ? lab->switches.frr_debounce_ns : 0;
}

/* What is there before the first step is there in time. */
static int at_once_or_later(struct run *r, enum run_lag what, int64_t ns, int (*fn)(struct run *r, struct errmsg *err),
			    struct errmsg *err)
{
	return ns > 0 && r->cause.ns != 0 && r->virtual == NULL ? run_later(r, what, ns, fn, err) : fn(r, err);
}

int run_settle_cluster(struct run *r, struct errmsg *err)
{
	bool live = r->virtual == NULL;
	int result = live ? pods_follow(r, err) : 0;

	if (!live)
		run_virtual_pods(r);
	/* Rules before routes: a packet that a new route brings must find them (metallb issue 496). */
	if (result == 0 && live)
		result =
			at_once_or_later(r, RUN_LAG_RULES, r->plan->lab.switches.kubeproxy_lag_ns, proxies_follow, err);
	services_note(r);
	if (result == 0)
		result = at_once_or_later(r, RUN_LAG_ROUTES, debounce_ns(&r->plan->lab), workers_follow, err);
	if (result == 0)
		result = run_speakers_follow(r, err);
	warnings_note(r);
	return result;
}

const struct run_service *run_service_find(const struct run *r, const char *namespace, const char *name)
{
	for (size_t i = 0; i < r->services.len; i++) {
		const struct run_service *s = &r->services.at[i];

		if (strcmp(s->namespace, namespace) == 0 && strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}
