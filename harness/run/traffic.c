/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that send: real connections and crafted flows. What arrived is for the judge to say. */
#include "run_int.h"

#include <errno.h>
#include <string.h>

#define HTTP_WITHIN_NS (10 * NS_PER_S)
#define PARALLEL_DEFAULT 32
#define FIRST_SOURCE_PORT 1024
#define FLOWS_DEFAULT 1000

/* The address and port that traffic for a service goes to. */
static int target(const struct run *r, const struct plan_traffic *t, struct addr *ret_address, uint16_t *ret_port,
		  struct errmsg *err)
{
	const struct run_service *s = run_service_find(r, t->namespace, t->service);

	if (s == NULL || s->address.family == ADDR_NONE)
		return errmsg_say(err, -ENOENT, "service %s has no load-balancer address: %s", t->service,
				  s != NULL && s->pending_reason != NULL ? s->pending_reason : "it does not exist");
	*ret_address = s->address;
	*ret_port = t->port != 0 ? t->port : s->port;
	return 0;
}

/* The clients that send: one, or all in turn. */
static size_t senders(struct run *r, const struct plan_traffic *t, struct net_ns ***ret)
{
	size_t n = t->client != 0 ? 1 : r->lab->conf.clients;

	*ret = arena_array(&r->arena, n, sizeof(struct net_ns *));
	for (size_t i = 0; i < n; i++)
		(*ret)[i] = r->lab->clients[t->client != 0 ? t->client - 1 : i].ns;
	return n;
}

enum run_exit run_step_http(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err)
{
	const struct plan_traffic *t = &step->traffic;
	struct drive_http_load load = {.requests = t->count,
				       .parallel = t->parallel != 0 ? t->parallel : PARALLEL_DEFAULT,
				       .deadline = instant_add(drive_now(r->drive), HTTP_WITHIN_NS)};
	struct drive_http_result result;
	struct net_ns **clients;
	int status;

	if (t->release)
		return run_step_release(r, ret_detail, err);
	if (target(r, t, &load.dst, &load.port, err) < 0)
		return RUN_FAILED;
	load.client_count = senders(r, t, &clients);
	load.clients = clients;
	if (t->hold)
		return run_step_hold(r, t, &(struct run_load){clients, load.client_count, load.dst, load.port},
				     ret_detail, err);
	r->last_http =
		(struct judge_traffic){.count = t->count, .vip = load.dst, .port = load.port, .since = drive_wall()};
	status = drive_http_get(r->drive, &load, &result, err);
	if (status < 0)
		return run_exit_of(status);
	r->last_http.until = drive_wall();
	r->has_http = true;
	r->http_was_last = true;
	*ret_detail = arena_printf(&r->arena, "%u of %u requests answered with 200%s%s", result.ok, t->count,
				   result.failed > 0 ? "; first failure: " : "",
				   result.failed > 0 ? strerror(result.first_error) : "");
	return RUN_PASSED;
}

static int gateway_mac(struct run *r, uint8_t mac[6], struct errmsg *err)
{
	unsigned int index;

	return net_link_info(node_gateway(r->lab)->ns, NODE_ROUTER_CLIENT_LINK, mac, &index, err);
}

static int client_sender(struct run *r, unsigned int client, const struct traffic_flows *flows,
			 struct traffic_sender **ret, struct errmsg *err)
{
	uint8_t mac[6];
	int result = gateway_mac(r, mac, err);

	if (result == 0)
		result = traffic_sender_new(r->lab->clients[client].ns, NODE_HOST_LINK, mac, flows, ret, err);
	if (result == 0)
		VEC_PUSH(&r->senders, *ret);
	return result;
}

static int client_send(struct run *r, unsigned int client, const struct traffic_flows *flows, struct errmsg *err)
{
	struct traffic_sender *sender;
	int result = client_sender(r, client, flows, &sender, err);

	if (result < 0)
		return result;
	r->last_flows.sizes = run_flows_sizes(r, sender, flows);
	return run_flows_send(r, sender, err);
}

void *run_senders_close(void *run)
{
	struct run *r = run;

	for (size_t i = 0; i < r->senders.len; i++)
		traffic_sender_free(r->senders.at[i]);
	VEC_FREE(&r->senders);
	return NULL;
}

/* count: auto */
static enum run_exit flows_count(struct run *r, const struct plan_step *step, struct traffic_flows *flows,
				 struct errmsg *err)
{
	uint64_t spread;
	int result = 0;

	flows->count = run_flows_planned(r, step, &flows->dst, &spread);
	flows->count = flows->count > 0 ? flows->count : FLOWS_DEFAULT;
	if (spread > 0)
		result = run_flows_suffice(r, flows, spread, err);
	if (result == -ERANGE) {
		(void)errmsg_context(err, "what varies can't support what is expected of the flows");
		return RUN_FAILED;
	}
	return result < 0 ? run_exit_of(result) : RUN_PASSED;
}

/* What the step's flows are: drawn for it, or those of the step before. */
static enum run_exit flows_make(struct run *r, const struct plan_step *step, struct traffic_flows *ret,
				unsigned int *ret_client, struct errmsg *err)
{
	const struct plan_traffic *t = &step->traffic;
	unsigned int client = t->client != 0 ? t->client - 1 : 0;
	uint32_t run = ++r->next_run_tag;

	if (t->again) {
		*ret = r->flows_again;
		*ret_client = r->flows_again_client;
		ret->run = run;
		return RUN_PASSED;
	}
	*ret_client = client;
	*ret = (struct traffic_flows){.src = r->lab->clients[client].address,
				      .src_net = r->plan->lab.client_net,
				      .src_port = FIRST_SOURCE_PORT,
				      .vary = t->vary,
				      .count = t->count,
				      .packets = t->packets,
				      .run = run,
				      .seed = r->seed + run};
	if (target(r, t, &ret->dst, &ret->dst_port, err) < 0)
		return RUN_FAILED;
	if (t->background)
		ret->packets = run_background_packets(t->rate, t->count);
	if (run_flows_shape(r, t, ret, err) < 0)
		return RUN_FAILED;
	if (run_shares_tell(r, &ret->dst, err) < 0)
		return RUN_BROKEN;
	/* as many destinations as the router has a route to by what was announced */
	ret->dst_net = r->flows_shares.route.hop_count > 0 ? r->flows_shares.route.prefix : prefix_host(&ret->dst);
	if (ret->count == 0)
		return flows_count(r, step, ret, err);
	return RUN_PASSED;
}

static enum run_exit flows_begin(struct run *r, unsigned int client, const struct traffic_flows *flows,
				 const char **ret_detail, struct errmsg *err)
{
	struct traffic_sender *sender;
	int result = client_sender(r, client, flows, &sender, err);

	if (result == 0) {
		judge_trace(r->judge, flows->run);
		result = run_background_start(r, sender, flows->rate,
					      &(struct judge_traffic){.flows = true,
								      .run = flows->run,
								      .count = flows->count,
								      .packets = flows->packets,
								      .vip = flows->dst,
								      .port = flows->dst_port,
								      .since = drive_wall()},
					      err);
	}
	if (result < 0)
		return run_exit_of(result);
	*ret_detail = arena_printf(&r->arena, "%u flows go on, each with a packet every %s", flows->count,
				   duration_text(NS_PER_S * flows->count / flows->rate).s);
	return RUN_PASSED;
}

enum run_exit run_step_flows(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err)
{
	struct instant began;
	struct traffic_flows flows;
	unsigned int client;
	int result = (int)flows_make(r, step, &flows, &client, err);

	if (result != RUN_PASSED)
		return (enum run_exit)result;
	if (step->traffic.background)
		return flows_begin(r, client, &flows, ret_detail, err);
	result = run_oracle_flows(r, &flows, step->traffic.again, err);
	if (result == -ERANGE)
		return RUN_FAILED;
	if (result < 0)
		return run_exit_of(result);
	began = drive_now(r->drive);
	r->flows_before = r->last_flows;
	r->flows_again = flows;
	r->flows_again_client = client;
	r->last_flows = (struct judge_traffic){.flows = true,
					       .run = flows.run,
					       .count = flows.count,
					       .packets = flows.packets * (flows.fragments ? 2 : 1),
					       .vip = flows.dst,
					       .port = flows.dst_port,
					       .fragments = flows.fragments,
					       .since = drive_wall()};
	if ((flows.vary & TRAFFIC_VARY_DST_ADDR) != 0)
		r->last_flows.net = flows.dst_net;
	result = client_send(r, client, &flows, err);
	if (result == 0)
		result = run_oracle_after(r, &flows.dst, err);
	if (result < 0)
		return run_exit_of(result);
	r->last_flows.until = drive_wall();
	r->has_flows = true;
	r->http_was_last = false;
	*ret_detail = arena_printf(&r->arena, "%u flows sent in %s", flows.count,
				   duration_text(instant_since(drive_now(r->drive), began)).s);
	return RUN_PASSED;
}
