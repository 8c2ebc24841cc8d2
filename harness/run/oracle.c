/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router's kernel promises, and what it says that it would do with each flow. The answers go beside the captures, and to
 * the judge, who compares them with what the packets did. */
#include "run_int.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A lookup takes some microseconds; more flows than these are asked for only where an expectation wants it. */
#define ASKED_UNASKED 32768U
#define ASKED_MAX 2000000U

/* ---- Promises ---- */

static bool same_shares(const struct net_fib_shares *a, const struct net_fib_shares *b)
{
	size_t n = a->route.hop_count;

	return a->buckets == b->buckets && n == b->route.hop_count &&
	       prefix_equal(&a->route.prefix, &b->route.prefix) &&
	       memcmp(a->weights, b->weights, n * sizeof(a->weights[0])) == 0;
}

/* Weights come with the route, as it changes; buckets move in silence. */
static int shares_tell(struct run *r, const struct addr *vip, struct net_fib_shares *ret, struct errmsg *err)
{
	const struct net_fib_route *route = &ret->route;
	struct addr gateways[NET_FIB_HOPS_MAX];
	int result = net_fib_shares(r->lab->router.ns, vip, ret, err);

	if (result < 0 || ret->buckets == 0 || same_shares(ret, &r->told_shares))
		return result;
	r->told_shares = *ret;
	for (size_t i = 0; i < route->hop_count; i++)
		gateways[i] = route->hops[i].gateway;
	judge_fib_weighted(r->judge, run_wall(r), &route->prefix, gateways, ret->weights, route->hop_count);
	return 0;
}

const unsigned int *run_shares_of(struct run *r, const struct net_fib_route *route, struct errmsg *err)
{
	struct net_fib_shares *now = &r->told_shares;

	if (net_fib_shares(r->lab->router.ns, &route->prefix.addr, now, err) < 0)
		return NULL;
	if (!prefix_equal(&now->route.prefix, &route->prefix) || now->route.hop_count != route->hop_count)
		return NULL;
	return now->weights;
}

/* Changes of routes that lie in the monitor still are older than what is told now. */
static int shares_of(struct run *r, const struct addr *vip, struct net_fib_shares *ret, struct errmsg *err)
{
	int result = run_evidence_routes(r, err);

	return result < 0 ? result : shares_tell(r, vip, ret, err);
}

int run_shares_tell(struct run *r, const struct addr *vip, struct errmsg *err)
{
	return shares_of(r, vip, &r->flows_shares, err);
}

/* ---- Questions ---- */

static uint32_t worker_of(const struct run *r, const struct addr *gateway)
{
	for (uint32_t i = 0; i < r->judge_lab.worker_count; i++) {
		if (addr_equal(&r->judge_lab.workers[i].address, gateway))
			return i;
	}
	return JUDGE_NO_WORKER;
}

/* Which of the routers each tuple comes to, by the word of the one above; 0 where there is one only. */
static int ask_upstream(struct run *r, const struct net_tuple *tuples, size_t n, struct net_fate *fates,
			unsigned int *ret, struct errmsg *err)
{
	const struct node_lab *lab = r->lab;
	int result = lab->conf.routers > 0
			     ? net_oracle(lab->upstream.ns, NODE_ROUTER_CLIENT_LINK, tuples, n, fates, err)
			     : 0;

	memset(ret, 0, n * sizeof(*ret));
	for (size_t i = 0; result == 0 && lab->conf.routers > 0 && i < n; i++) {
		for (ret[i] = 0; ret[i] < lab->conf.routers; ret[i]++) {
			struct addr uplink = node_uplink(lab, ret[i]);

			if (fates[i].error == 0 && addr_equal(&fates[i].gateway, &uplink))
				break;
		}
	}
	return result;
}

/* Fills in who would get each. */
static int ask(struct run *r, const struct net_tuple *tuples, size_t n, struct judge_prediction *ret,
	       struct errmsg *err)
{
	struct net_fate *fates = memory_grow(NULL, n + 1, sizeof(*fates));
	unsigned int *router = memory_grow(NULL, n + 1, sizeof(*router));
	int result = ask_upstream(r, tuples, n, fates, router, err);

	for (size_t i = 0; i < n; i++)
		ret[i].worker = JUDGE_NO_WORKER;
	for (unsigned int k = 0; result == 0 && node_router_at(r->lab, k) != NULL; k++) {
		result = net_oracle(node_router_at(r->lab, k)->ns, NODE_ROUTER_CLIENT_LINK, tuples, n, fates, err);
		for (size_t i = 0; result == 0 && i < n; i++) {
			if (router[i] == k && fates[i].error == 0)
				ret[i].worker = worker_of(r, &fates[i].gateway);
		}
	}
	free(router);
	free(fates);
	return result;
}

/* A doubt about one is a doubt about all: what is worth something is told as a whole. */
static int doubt_of(struct run *r, const struct net_tuple *tuples, size_t n, const char **ret, struct errmsg *err)
{
	struct net_hash hash, above;
	int result = net_hash_get(r->lab->router.ns, &hash, err);

	if (result == 0)
		result = net_hash_get(node_gateway(r->lab)->ns, &above, err);
	*ret = NULL;
	for (size_t i = 0; result == 0 && i < n && *ret == NULL; i++) {
		*ret = net_oracle_doubt(&hash, &tuples[i]);
		*ret = *ret != NULL ? *ret : net_oracle_doubt(&above, &tuples[i]);
	}
	return result;
}

/* ---- Beside the captures ---- */

static void answers_put(FILE *out, const struct run *r, const struct judge_oracle *o, const struct net_tuple *tuples)
{
	if (o->doubt != NULL)
		fprintf(out, "# worth nothing: %s\n", o->doubt);
	if (o->learned)
		fputs("# learned from the packets of the same flows, sent before, not looked up\n", out);
	fputs("flow\tprotocol\tsource\tsource_port\tdestination\tdestination_port\tpredicted\n", out);
	for (size_t i = 0; i < o->n; i++) {
		uint32_t worker = o->at[i].worker;

		fprintf(out, "%zu\t%u\t%s\t%u\t%s\t%u\t%s\n", i, tuples[i].protocol, addr_text(&tuples[i].src).s,
			tuples[i].src_port, addr_text(&tuples[i].dst).s, tuples[i].dst_port,
			worker != JUDGE_NO_WORKER ? r->judge_lab.workers[worker].name : "-");
	}
}

static int answers_save(struct run *r, const struct judge_oracle *o, const struct net_tuple *tuples, struct errmsg *err)
{
	char name[40];
	FILE *out;
	int fd, failed;

	snprintf(name, sizeof(name), "oracle-%u.tsv", ++r->oracles_saved);
	fd = openat(r->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (out == NULL) {
		failed = errno;
		if (fd >= 0)
			close(fd);
		return errmsg_set(err, -failed, "%s/%s", r->dir, name);
	}
	answers_put(out, r, o, tuples);
	failed = ferror(out) ? EIO : 0;
	if (fclose(out) != 0)
		failed = errno;
	return failed != 0 ? errmsg_set(err, -failed, "%s/%s", r->dir, name) : 0;
}

static int answer(struct run *r, const struct net_tuple *tuples, size_t n, struct judge_prediction *at,
		  struct judge_oracle *ret, struct errmsg *err)
{
	int result;

	*ret = (struct judge_oracle){.asked = run_wall(r), .at = at, .n = n};
	result = doubt_of(r, tuples, n, &ret->doubt, err);
	if (result == 0)
		result = ask(r, tuples, n, at, err);
	return result < 0 ? result : answers_save(r, ret, tuples, err);
}

/* ---- Flows ---- */

/* Does an expectation between these flows and the next ones rest on the answers? */
static bool is_wanted(const struct run *r)
{
	const struct plan_step *end = r->plan->steps + r->plan->step_count;

	for (const struct plan_step *s = r->plan->steps; s < end; s++) {
		if (s->kind == PLAN_STEP_EXPECT && s->expect.kind == PLAN_EXPECT_PREDICTED)
			return true;
	}
	return false;
}

static struct net_tuple tuple_of(const struct traffic_flows *flows, const struct traffic_tuple *t)
{
	static const uint8_t numbers[TRAFFIC_PROTOCOLS] = {
		[TRAFFIC_UDP] = IPPROTO_UDP, [TRAFFIC_TCP_SYN] = IPPROTO_TCP, [TRAFFIC_ICMP_ECHO] = IPPROTO_ICMP};
	bool icmp6 = t->protocol == TRAFFIC_ICMP_ECHO && t->dst.family == ADDR_V6;

	return (struct net_tuple){.src = t->src,
				  .dst = t->dst,
				  .protocol = icmp6 ? IPPROTO_ICMPV6 : numbers[t->protocol],
				  .fragment = flows->fragments,
				  .src_port = t->src_port,
				  .dst_port = t->dst_port,
				  .flow_label = t->flow_label};
}

static struct net_tuple *flows_tuples(const struct traffic_flows *flows, struct errmsg *err)
{
	struct traffic_tuple *drawn = memory_grow(NULL, (size_t)flows->count + 1, sizeof(*drawn));
	struct net_tuple *ret = NULL;

	if (traffic_tuples(flows, drawn, err) == 0) {
		ret = memory_grow(NULL, (size_t)flows->count + 1, sizeof(*ret));
		for (uint32_t i = 0; i < flows->count; i++)
			ret[i] = tuple_of(flows, &drawn[i]);
	}
	free(drawn);
	return ret;
}

static int flows_keys(const struct traffic_flows *flows, const struct net_hash *hash, uint32_t *ret, struct errmsg *err)
{
	struct net_tuple *tuples = flows_tuples(flows, err);

	if (tuples == NULL)
		return err->code;
	*ret = run_flows_keys(hash, tuples, flows->count);
	free(tuples);
	return 0;
}

/* Two drawn flows may meet in all that the hash looks at. A few that do are made up for by more; many mean that what varies
 * has no more to give, and flows that go together are no sample. */
#define MEETING_MAX 100U /* one in so many */

int run_flows_suffice(struct run *r, struct traffic_flows *flows, uint64_t needed, struct errmsg *err)
{
	struct net_hash hash;
	uint32_t keys = 0;
	int result = net_hash_get(r->lab->router.ns, &hash, err);

	while (result == 0) {
		result = flows_keys(flows, &hash, &keys, err);
		if (result < 0 || keys >= needed)
			return result;
		if (flows->count - keys > flows->count / MEETING_MAX)
			break;
		flows->count += (uint32_t)(needed - keys);
	}
	if (result < 0)
		return result;
	return errmsg_say(err, -ERANGE,
			  "of these %u flows the router's hash (%s) can tell %u apart, and what is expected of their "
			  "spread needs %llu; vary what it looks at, or write detect: with a larger bias",
			  flows->count, r->hash_text, keys, (unsigned long long)needed);
}

/* Puts the paths of their earlier packets in place of answers that are worth nothing; says of flows without such that they teach
 * theirs. What the kernel chooses by holds until a route, a bucket or the hash changes. */
static int learn(struct run *r, const struct net_tuple *tuples, bool again, struct judge_oracle *o, struct errmsg *err)
{
	struct judge_traffic *taught = &r->flows_taught;
	bool known = again && taught->count == o->n;
	int result = known ? run_evidence_settle(r, err) : 0;

	if (result < 0)
		return result;
	if (known && instant_before(r->routing_changed, taught->since) &&
	    same_shares(&r->taught_shares, &r->flows_shares)) {
		*o = (struct judge_oracle){.asked = taught->since,
					   .at = judge_flow_paths(r->judge, taught, &r->arena),
					   .n = o->n,
					   .learned = true};
		r->oracles_saved--; /* in the place of the answers that are worth nothing */
		return answers_save(r, o, tuples, err);
	}
	*taught = (struct judge_traffic){0};
	o->doubt = arena_printf(&r->arena,
				"%s; %sthese packets teach their paths, which the same flows, sent again, "
				"are to follow",
				o->doubt, known ? "a route or the hash changed since they were sent before, so " : "");
	r->flows_teach = true;
	return 0;
}

int run_oracle_flows(struct run *r, const struct traffic_flows *flows, bool again, struct errmsg *err)
{
	bool wanted = is_wanted(r);
	struct net_tuple *tuples;
	int result = run_shares_tell(r, &flows->dst, err);

	r->flows_oracle = (struct judge_oracle){0};
	r->flows_teach = false;
	if (!again)
		r->flows_taught = (struct judge_traffic){0};
	if (result < 0)
		return result;
	if (flows->count > ASKED_MAX || (!wanted && flows->count > ASKED_UNASKED)) {
		r->flows_oracle.doubt = "so many are not asked about";
		return 0;
	}
	tuples = flows_tuples(flows, err);
	if (tuples == NULL)
		return err->code;
	result = answer(r, tuples, flows->count, arena_array(&r->arena, flows->count, sizeof(struct judge_prediction)),
			&r->flows_oracle, err);
	if (result == 0 && r->flows_oracle.doubt != NULL)
		result = learn(r, tuples, again, &r->flows_oracle, err);
	free(tuples);
	return result;
}

int run_oracle_after(struct run *r, const struct addr *vip, struct errmsg *err)
{
	struct net_fib_shares *after;
	int result = 0;

	if (r->flows_teach) {
		r->flows_taught = r->last_flows;
		r->taught_shares = r->flows_shares;
	}
	if (r->flows_shares.buckets == 0)
		return 0;
	after = memory_new(sizeof(*after));
	result = shares_of(r, vip, after, err);
	if (result == 0 && !same_shares(&r->flows_shares, after)) {
		r->flows_oracle.doubt = "the resilient group moved buckets while they were sent";
		run_tell(r, "router", "the resilient group moved buckets while the flows were sent");
	}
	free(after);
	return result;
}

void run_oracle_note(struct run *r, const struct judge_expect *expect)
{
	struct judge_expect asked = *expect;
	struct judge_finding finding;

	if (!expect->traffic.flows || expect->traffic.run != r->last_flows.run || r->flows_oracle.n == 0 ||
	    r->flows_oracle.doubt != NULL)
		return;
	asked.kind = JUDGE_PREDICTED;
	asked.never = false;
	asked.oracle = r->flows_oracle;
	finding = judge_evaluate(r->judge, &asked, asked.deadline, &r->arena);
	if (finding.verdict == JUDGE_FAIL)
		run_tell(r, "router", finding.seen);
}

/* ---- Connections ---- */

int run_oracle_connections(struct run *r, const struct judge_traffic *traffic, struct judge_oracle *ret,
			   struct errmsg *err)
{
	size_t n;
	struct judge_prediction *at;
	struct net_tuple *tuples;
	bool changed;
	int result = run_evidence_settle(r, err);

	if (result < 0)
		return result;
	at = judge_connections(r->judge, traffic, &r->arena, &n);
	changed = !instant_before(r->routing_changed, traffic->since);
	tuples = memory_grow(NULL, n + 1, sizeof(*tuples));
	for (size_t i = 0; i < n; i++)
		tuples[i] = (struct net_tuple){.src = at[i].client,
					       .dst = traffic->vip,
					       .protocol = IPPROTO_TCP,
					       .origin = NET_CONNECTED_SOCKET,
					       .src_port = at[i].client_port,
					       .dst_port = traffic->port};
	result = answer(r, tuples, n, at, ret, err);
	ret->asked = traffic->since;
	if (changed) /* asked afterwards, the kernel tells of what it would do now */
		ret->doubt = "the router's routes or its hash changed after they began";
	free(tuples);
	return result;
}
