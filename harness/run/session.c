/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a scenario says of the built-in speakers' sessions, in the engine's words; and the step session. */
#include "run_int.h"

static enum bgp_add_path add_path_of(enum plan_add_path add_path)
{
	static const enum bgp_add_path modes[] = {[PLAN_ADD_PATH_NONE] = BGP_ADD_PATH_NONE,
						  [PLAN_ADD_PATH_RECEIVE] = BGP_ADD_PATH_RECEIVE,
						  [PLAN_ADD_PATH_SEND] = BGP_ADD_PATH_SEND,
						  [PLAN_ADD_PATH_BOTH] = BGP_ADD_PATH_BOTH};

	return modes[add_path];
}

struct bgp_peer_conf run_engine(const struct plan_engine *e)
{
	struct bgp_peer_conf conf = {
		.passive = e->waits,
		.connect_retry_s = (uint16_t)e->connect_retry_s,
		.idle_hold_s = (uint16_t)e->idle_hold_s,
		.delay_open_s = (uint16_t)e->delay_open_s,
		.max_prefixes = e->max_prefixes,
		.session = {.no_automatic_stop = e->ignores_excess,
			    .no_damping = e->no_damping,
			    .no_automatic_start = e->no_automatic_start,
			    .silent_before_open = e->silent_before_open,
			    .collision_established = e->collision_established,
			    .mrai_s = (uint16_t)e->mrai_s,
			    .send_hold_s = e->send_hold_s},
		.extended_next_hop = e->extended_next_hop,
		.add_path_v4 = add_path_of(e->add_path),
		.add_path_v6 = add_path_of(e->add_path),
		.restart = {.long_lived_s = e->long_lived_s, .stale_s = e->stale_s},
		.requires_policy = e->policies != PLAN_POLICIES_BOTH,
		.import_policy = e->policies == PLAN_POLICIES_IMPORT,
		.export_policy = e->policies == PLAN_POLICIES_EXPORT,
		.extra_capabilities = e->capabilities,
		.extra_capabilities_len = e->capabilities_len,
		.no_capabilities = e->without,
		.no_capabilities_count = e->without_count,
	};

	_Static_assert(PLAN_FAMILIES_MAX == BGP_OTHER_FAMILIES, "a session of a scenario has as many families");
	for (size_t i = 0; i < e->family_count; i++)
		conf.other_families[i] = (struct bgp_family){e->families[i].afi, e->families[i].safi};
	return conf;
}

struct node_lab_conf run_lab_conf(const struct plan_lab *lab)
{
	return (struct node_lab_conf){
		.cluster_net = lab->cluster_net,
		.client_net = lab->client_net,
		.router_cluster = lab->router_cluster,
		.router_client = lab->router_client,
		.first_worker = lab->first_worker,
		.workers = lab->workers,
		.worker_role = run_worker_role(lab),
		.worker_role_strict = lab->worker_role_strict,
		.switches = run_switches(&lab->switches),
		.worker_restart = run_switch(lab->switches.graceful_restart),
		.bandwidths = lab->bandwidths,
		.bandwidth_count = lab->bandwidth_count,
		.worker_session = run_engine(&lab->worker_engine),
		.worker_min_origination_s = (uint16_t)lab->worker_engine.min_origination_s,
		.worker_deferral_s = lab->worker_engine.deferral_s,
	};
}

/* ---- session: {node: worker1, do: drain} ---- */

static enum bgp_cease_subcode subcode_of(const struct plan_step *step)
{
	static const enum bgp_cease_subcode named[] = {[PLAN_CEASE_MAX_PREFIXES] = BGP_CEASE_MAX_PREFIXES,
						       [PLAN_CEASE_SHUTDOWN] = BGP_CEASE_SHUTDOWN,
						       [PLAN_CEASE_DECONFIGURED] = BGP_CEASE_DECONFIGURED,
						       [PLAN_CEASE_RESET] = BGP_CEASE_RESET,
						       [PLAN_CEASE_REJECTED] = BGP_CEASE_REJECTED,
						       [PLAN_CEASE_CONFIGURATION] = BGP_CEASE_CONFIGURATION,
						       [PLAN_CEASE_COLLISION] = BGP_CEASE_COLLISION,
						       [PLAN_CEASE_RESOURCES] = BGP_CEASE_RESOURCES,
						       [PLAN_CEASE_BFD_DOWN] = BGP_CEASE_BFD_DOWN};

	if (step->cease != PLAN_CEASE_AS_DONE)
		return named[step->cease];
	return step->action == PLAN_DO_SHUTDOWN ? BGP_CEASE_SHUTDOWN : BGP_CEASE_RESET;
}

/* Of each family that the session has. */
static bool peer_refresh(struct bgp_speaker *s, bgp_peer_id peer, struct instant now)
{
	struct bgp_peer_info info = bgp_peer_info(s, peer);
	bool v4 = info.ipv4 && bgp_peer_refresh(s, peer, ADDR_V4, now);
	bool v6 = info.ipv6 && bgp_peer_refresh(s, peer, ADDR_V6, now);

	return v4 || v6;
}

/* False when the peer can't do it. */
static bool peer_do(struct bgp_speaker *s, bgp_peer_id peer, const struct plan_step *step, struct instant now)
{
	struct bgp_cease why = {.subcode = subcode_of(step), .text = step->words, .hard = step->hard};

	switch (step->action) {
	case PLAN_DO_REFRESH:
		return peer_refresh(s, peer, now);
	case PLAN_DO_DRAIN:
	case PLAN_DO_UNDRAIN:
		bgp_peer_graceful_shutdown(s, peer, step->action == PLAN_DO_DRAIN, now);
		return true;
	case PLAN_DO_SHUTDOWN:
		bgp_peer_shutdown(s, peer, &why, now);
		return true;
	case PLAN_DO_RESET:
		bgp_peer_reset(s, peer, &why, now);
		return true;
	case PLAN_DO_START:
		bgp_peer_start(s, peer, now);
		return true;
	}
	return false;
}

static void flush(struct run *r, const struct plan_step *step)
{
	if (r->virtual != NULL && step->worker == 0)
		run_virtual_flush_router(r);
	else if (r->virtual != NULL)
		run_virtual_flush(r, step->worker - 1);
	else
		drive_speaker_flush(step->worker == 0 ? r->router : r->workers[step->worker - 1].driver);
}

enum run_exit run_step_session(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err)
{
	struct bgp_speaker *s = step->worker == 0 ? r->router_engine : r->lab->workers[step->worker - 1].speaker;
	size_t n = s != NULL ? bgp_peer_count(s) : 0, done = 0;

	(void)err;
	for (bgp_peer_id peer = 0; peer < n; peer++)
		done += peer_do(s, peer, step, run_clock(r));
	if (n > 0)
		flush(r, step);
	if (done < n || n == 0)
		*ret_detail = arena_printf(&r->arena, "%zu of %zu sessions", done, n);
	return RUN_PASSED;
}
