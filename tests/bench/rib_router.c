/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The built-in router as a process of its own: the engine on the live driver, in a namespace that it makes. It says
 * "namespace", waits for a line while somebody else puts the links and addresses in, then listens and says "listening".
 * With --originate it has a table of its own to tell the listener: an injecting speaker; with --dial it goes there by itself
 * and says "dials", when, and what CPU it had used by then. The line "count" is answered with prefixes and next hops of the loc-rib; the end of stdin ends
 * it. */
#include "arena.h"
#include "drive.h"
#include "feed.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATHS_MAX 16

struct router {
	struct drive *drive;
	struct net_ns *ns;
	struct bgp_speaker *engine;
	struct drive_speaker *live;
	const char *name; /* of the namespace */
	struct addr address, first, listener;
	unsigned int peers;
	uint32_t first_as, listener_as;
	bool fib, dials, done;
	uint64_t seed;
	size_t originates;
	enum bgp_profile profile;
	size_t prefixes, hops, queued;
};

static void count_route(void *ctx, const struct prefix *prefix, const struct addr *next_hops, size_t n)
{
	struct router *r = ctx;

	(void)prefix;
	(void)next_hops;
	r->prefixes++;
	r->hops += n;
}

static void on_line(void *ctx, int fd)
{
	struct router *r = ctx;
	char line[64];
	ssize_t n = read(fd, line, sizeof(line));

	if (n <= 0) {
		r->done = true;
		return;
	}
	r->prefixes = r->hops = 0;
	bgp_loc_rib(r->engine, count_route, r);
	printf("%zu %zu\n", r->prefixes, r->hops);
	fflush(stdout);
}

static void on_route(void *ctx, const struct bgp_output *route)
{
	struct router *r = ctx;

	net_route_weighted(r->ns, &route->prefix, route->next_hops, route->weights, route->next_hop_count);
	r->queued++;
}

static void on_routes_told(void *ctx)
{
	struct router *r = ctx;
	struct errmsg err;

	if (r->queued > 0 && net_flush(r->ns, &err) < 0)
		fprintf(stderr, "rib_router: %s\n", err.text);
	r->queued = 0;
}

static void on_notice(void *ctx, const struct bgp_output *notice)
{
	(void)ctx;
	if (notice->notice == BGP_NOTICE_ERROR)
		fprintf(stderr, "rib_router: peer %u: %s\n", notice->peer, notice->text);
	if (notice->notice == BGP_NOTICE_STATE && notice->from == BGP_ESTABLISHED)
		fprintf(stderr, "rib_router: peer %u: the session ended: %s\n", notice->peer,
			notice->text != NULL ? notice->text : "no reason");
}

static void on_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port, struct addr *ret_source)
{
	struct router *r = ctx;

	*ret_remote = bgp_peer_conf(r->engine, peer)->remote;
	*ret_port = WIRE_BGP_PORT;
	*ret_source = r->address;
	if (r->dials) {
		struct timespec cpu;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
		printf("dials %lld %lld\n", (long long)drive_now(r->drive).ns,
		       (long long)cpu.tv_sec * NS_PER_S + cpu.tv_nsec);
		fflush(stdout);
	}
}

static void peer_add(struct router *r, const struct addr *remote, uint32_t as, bool gets_routes)
{
	struct bgp_peer_conf conf = {.name = "peer",
				     .local = r->address,
				     .remote = *remote,
				     .remote_as = as,
				     .passive = !r->dials,
				     .connect_retry_s = 1,
				     .hold_s = 240,
				     .requires_policy = true,
				     .import_policy = true,
				     .export_policy = gets_routes};
	bgp_peer_id id;

	if (bgp_peer_add(r->engine, &conf, &id) < 0)
		abort(); /* the script's addresses differ */
}

/* A table of its own, with as many sets of communities as a feed has of attributes. */
static void originate(struct router *r)
{
	struct bgp_originated *routes = memory_new(r->originates * sizeof(*routes));
	uint32_t *communities;
	struct feed feed;

	feed_init(&feed, r->seed, r->originates, FEED_SETS_PER_MILLION);
	communities = memory_new(feed.set_count * sizeof(*communities));
	for (size_t i = 0; i < feed.set_count; i++)
		communities[i] = FEED_MARKER_COMMUNITY + (uint32_t)i;
	for (size_t i = 0; i < feed.count; i++)
		routes[i] = (struct bgp_originated){.prefix = feed.routes[i].prefix,
						    .communities = &communities[feed.sets[i]],
						    .community_count = 1};
	bgp_originate(r->engine, routes, feed.count);
	bgp_routes_commit(r->engine, drive_now(r->drive));
	bgp_outputs_clear(r->engine);
	feed_fini(&feed);
	free(communities);
	free(routes);
}

static int serve(struct router *r, uint32_t as, struct errmsg *err)
{
	static const struct drive_speaker_ops plain = {.notice = on_notice, .dial = on_dial};
	static const struct drive_speaker_ops fib = {
		.route = on_route, .routes_told = on_routes_told, .notice = on_notice, .dial = on_dial};
	int result;

	r->engine = bgp_speaker_new(&(struct bgp_speaker_conf){.as = as,
							       .router_id = addr_v4_value(&r->address),
							       .max_paths = PATHS_MAX,
							       .multipath_relax = true,
							       .readvertise = true,
							       .profile = r->profile,
							       .seed = 1});
	for (unsigned int i = 0; i < r->peers; i++) {
		struct addr a = addr_add(&r->first, i);

		peer_add(r, &a, r->first_as + i, false);
	}
	peer_add(r, &r->listener, r->listener_as, true);
	if (r->originates > 0)
		originate(r);
	result = drive_speaker_new(r->drive,
				   &(struct drive_speaker_conf){.engine = r->engine,
								.ns = r->ns,
								.listens = true,
								.listen_address = r->address,
								.ops = r->fib ? &fib : &plain,
								.ctx = r},
				   &r->live, err);
	if (result < 0)
		return result;
	printf("listening\n");
	fflush(stdout);
	(void)drive_watch(r->drive, STDIN_FILENO, on_line, r);
	while (!r->done && drive_wait(r->drive, INSTANT_NEVER))
		;
	return 0;
}

static int run(struct router *r, uint32_t as, struct errmsg *err)
{
	char line[64];
	int result = net_ns_new(r->name, &r->ns, err);

	if (result < 0)
		return result;
	printf("namespace\n");
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return errmsg_say(err, -EPIPE, "nobody said when the links are there");
	result = drive_new(&r->drive, err);
	return result < 0 ? result : serve(r, as, err);
}

int main(int argc, char **argv)
{
	static const struct option words[] = {
		{"address", required_argument, NULL, 'a'},
		{"as", required_argument, NULL, 's'},
		{"first", required_argument, NULL, 'f'},
		{"first-as", required_argument, NULL, 'F'},
		{"listener", required_argument, NULL, 'l'},
		{"peers", required_argument, NULL, 'n'},
		{"fib", no_argument, NULL, 'k'},
		{"originate", required_argument, NULL, 'o'},
		{"seed", required_argument, NULL, 'e'},
		{"native", no_argument, NULL, 'N'},
		{"name", required_argument, NULL, 'm'},
		{"dial", no_argument, NULL, 'd'},
		{"listener-as", required_argument, NULL, 'L'},
		{0},
	};
	struct router r = {.name = "router", .listener_as = 64999, .seed = 1};
	struct errmsg err;
	uint32_t as = 65000;
	int c, bad = 0;

	while ((c = getopt_long(argc, argv, "", words, NULL)) >= 0) {
		if (c == 'a')
			bad |= addr_parse(optarg, &r.address);
		else if (c == 'f')
			bad |= addr_parse(optarg, &r.first);
		else if (c == 'l')
			bad |= addr_parse(optarg, &r.listener);
		else if (c == 's')
			as = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'F')
			r.first_as = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'n')
			r.peers = (unsigned int)strtoul(optarg, NULL, 10);
		else if (c == 'k')
			r.fib = true;
		else if (c == 'o')
			r.originates = strtoul(optarg, NULL, 10);
		else if (c == 'e')
			r.seed = strtoull(optarg, NULL, 0);
		else if (c == 'N')
			r.profile = BGP_PROFILE_METALLB_NATIVE;
		else if (c == 'm')
			r.name = optarg;
		else if (c == 'd')
			r.dials = true;
		else if (c == 'L')
			r.listener_as = (uint32_t)strtoul(optarg, NULL, 10);
		else
			bad = 1;
	}
	if (bad != 0 || r.peers + r.originates == 0 || r.address.family == ADDR_NONE) {
		fprintf(stderr, "rib_router --address A --as N --first A --first-as N --peers N --listener A [--fib]\n"
				"           [--originate PREFIXES [--native] [--dial]] [--seed N] [--name NAMESPACE] "
				"[--listener-as N]\n");
		return 2;
	}
	if (run(&r, as, &err) < 0) {
		fprintf(stderr, "rib_router: %s\n", err.text);
		return 5;
	}
	drive_speaker_free(r.live);
	drive_free(r.drive);
	bgp_speaker_free(r.engine);
	net_ns_free(r.ns);
	return 0;
}
