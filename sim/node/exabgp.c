/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is special about ExaBGP: it speaks for a worker and is no router; its settings come from the environment, and its
 * routes from a program of ours whose output it reads: tail, which follows a file of commands. */
#include "daemon_int.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FOLDER "/run/exabgp"

int exabgp_programs(struct node_daemon *d, const char *config_path, struct arena *arena, struct errmsg *err)
{
	const char *path = arena_printf(arena, FOLDER "/%s.commands", d->instance);
	int r = daemon_folder(FOLDER, err), fd;

	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return errmsg_set(err, -errno, "%s", path);
	close(fd);
	daemon_program(d, arena,
		       (const char *const[DAEMON_ARGS]){"env", "exabgp.daemon.drop=false", "exabgp.daemon.user=root",
							"exabgp.log.destination=stdout", "exabgp.api.cli=false",
							"exabgp.api.ack=false", d->path, config_path});
	return 0;
}

void exabgp_speaker_config(const struct speaker_view *v, FILE *ret)
{
	struct addr id = speaker_router_id(v);
	char tail[256] = "tail";

	(void)net_program_find("tail", tail, sizeof(tail));
	fprintf(ret,
		"# Made by ecmplab for %s.\n"
		"process routes {\n"
		"  run %s -n +1 -s 0.05 -f " FOLDER "/%s.commands;\n"
		"  encoder text;\n"
		"}\n",
		v->host->name, tail, v->host->name);
	for (size_t i = 0; i < v->peer_count; i++) {
		const struct kube_bgp_peer *p = v->peers[i];
		const struct addr *local =
			p->source_address.family != ADDR_NONE ? &p->source_address : &v->host->address;

		fprintf(ret,
			"neighbor %s {\n"
			"  router-id %s;\n"
			"  local-address %s;\n"
			"  local-as %u;\n"
			"  peer-as %u;\n"
			"  hold-time %u;\n",
			addr_text(&p->peer_address).s, addr_text(&id).s, addr_text(local).s, p->my_asn, p->peer_asn,
			speaker_hold(p, 90));
		if (p->password != NULL)
			fprintf(ret, "  md5-password \"%s\";\n", p->password);
		if (p->peer_port != 0 && p->peer_port != NODE_BGP_PORT)
			fprintf(ret, "  connect %u;\n", p->peer_port);
		if (p->graceful_restart)
			fprintf(ret, "  capability { graceful-restart 120; }\n");
		fprintf(ret,
			"  family { %s unicast; }\n"
			"  api { processes [ routes ]; }\n"
			"}\n",
			speaker_family(v));
	}
}

static void announce(const struct kube_bgp_peer *p, const struct node_route *r, FILE *ret)
{
	fprintf(ret, "neighbor %s announce route %s next-hop self origin igp", addr_text(&p->peer_address).s,
		prefix_text(&r->prefix).s);
	if (r->local_pref != 0)
		fprintf(ret, " local-preference %u", r->local_pref);
	if (r->community_count > 0) {
		fprintf(ret, " community [ ");
		for (size_t i = 0; i < r->community_count; i++)
			fprintf(ret, "%u:%u ", r->communities[i] >> 16, r->communities[i] & 0xffff);
		fprintf(ret, "]");
	}
	if (r->large_count > 0) {
		fprintf(ret, " large-community [ ");
		for (size_t i = 0; i < r->large_count; i++)
			fprintf(ret, "%u:%u:%u ", r->large[i][0], r->large[i][1], r->large[i][2]);
		fprintf(ret, "]");
	}
	fprintf(ret, "\n");
}

/* All that is new first, then all that goes, as the other speakers do it. */
int exabgp_speaker_change(struct node_daemon *d, const struct speaker_view *v, const struct speaker_view *before,
			  struct arena *arena, struct errmsg *err)
{
	const char *path = arena_printf(arena, FOLDER "/%s.commands", d->instance);
	FILE *f = fopen(path, "ae");

	if (f == NULL)
		return errmsg_set(err, -errno, "%s", path);
	for (size_t p = 0; p < v->peer_count; p++) {
		for (size_t i = 0; i < v->route_count; i++) {
			if (speaker_tells(&v->routes[i], v->peers[p]) && speaker_same(before, &v->routes[i]) == NULL)
				announce(v->peers[p], &v->routes[i], f);
		}
		for (size_t i = 0; i < before->route_count; i++) {
			const struct node_route *now = speaker_prefix(v, &before->routes[i].prefix);

			if (now == NULL ||
			    (speaker_tells(&before->routes[i], v->peers[p]) && !speaker_tells(now, v->peers[p])))
				fprintf(f, "neighbor %s withdraw route %s next-hop self\n",
					addr_text(&v->peers[p]->peer_address).s,
					prefix_text(&before->routes[i].prefix).s);
		}
	}
	return fclose(f) == 0 ? 0 : errmsg_set(err, -errno, "%s", path);
}
