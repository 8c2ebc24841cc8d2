/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is special about FRR: several programs that find each other in /run/frr, and one configuration for all of them,
 * which vtysh hands out. */
#include "daemon_int.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define ROUTER_PROFILE "lab"
#define OWN_ETC "/run/ecmplab.frr"
#define PATHS_MAX 64U /* what "maximum-paths" takes in any build; more must be compiled in */

/* The words of RFC 9234, as FRR and BIRD spell them alike but for one. */
const char *daemon_role(enum bgp_role role, const char *between)
{
	if (role == BGP_ROLE_RS_CLIENT)
		return *between == '_' ? "rs_client" : "rs-client";
	return role == BGP_ROLE_PROVIDER   ? "provider"
	       : role == BGP_ROLE_RS	   ? *between == '_' ? "rs_server" : "rs-server"
	       : role == BGP_ROLE_CUSTOMER ? "customer"
					   : "peer";
}

void frr_bfd_profile(const char *name, const struct kube_bfd_profile *p, FILE *ret)
{
	fprintf(ret,
		" profile %s\n"
		"  receive-interval %u\n"
		"  transmit-interval %u\n"
		"  detect-multiplier %u\n"
		"  minimum-ttl %u\n",
		name, p->receive_ms, p->transmit_ms, p->multiplier, p->minimum_ttl);
	if (p->echo_mode)
		fprintf(ret, "  echo-mode\n  echo transmit-interval %u\n", p->echo_ms);
	if (p->passive)
		fprintf(ret, "  passive-mode\n");
	fprintf(ret, " exit\n");
}

static void router_bfd(const struct node_bfd *b, FILE *ret)
{
	const struct kube_bfd_profile profile = {.receive_ms = b->receive_ms,
						 .transmit_ms = b->transmit_ms,
						 .multiplier = b->multiplier,
						 .minimum_ttl = 254,
						 .passive = b->passive};

	if (!b->on)
		return;
	fprintf(ret, "bfd\n");
	frr_bfd_profile(ROUTER_PROFILE, &profile, ret);
	fprintf(ret, "exit\n");
}

static void router_session(const struct node_router_conf *conf, const char *remote, FILE *ret)
{
	if (conf->password != NULL)
		fprintf(ret, " neighbor %s password %s\n", remote, conf->password);
	if (conf->bfd.on)
		fprintf(ret, " neighbor %s bfd\n neighbor %s bfd profile " ROUTER_PROFILE "\n", remote, remote);
	if (conf->hold_set)
		fprintf(ret, " neighbor %s timers %u %u\n", remote, conf->hold_s / 3U, conf->hold_s);
	if (conf->ttl_security > 0)
		fprintf(ret, " neighbor %s ttl-security hops %u\n", remote, conf->ttl_security);
	if (conf->multihop)
		fprintf(ret, " neighbor %s ebgp-multihop\n", remote);
	if (conf->role != BGP_ROLE_NONE)
		fprintf(ret, " neighbor %s local-role %s%s\n", remote, daemon_role(conf->role, "-"),
			conf->role_strict ? " strict-mode" : "");
}

/* The tier above, which dials and has nothing to tell. */
static void upstream_session(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret)
{
	struct addr_text remote = addr_text(&lab->upstream.address);

	if (conf->upstream_as != 0)
		fprintf(ret,
			" neighbor %s remote-as %u\n"
			" neighbor %s description upstream\n"
			" neighbor %s passive\n",
			remote.s, conf->upstream_as, remote.s, remote.s);
}

static void upstream_family(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret)
{
	struct addr_text remote = addr_text(&lab->upstream.address);

	if (conf->upstream_as != 0)
		fprintf(ret,
			"  neighbor %s activate\n"
			"  neighbor %s next-hop-self\n",
			remote.s, remote.s);
}

void frr_router_config(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret)
{
	unsigned int paths = conf->max_paths < PATHS_MAX ? conf->max_paths : PATHS_MAX;
	bool v6 = lab->conf.cluster_net.addr.family == ADDR_V6;
	struct addr id = addr_v4(node_router_own_id(lab, conf));

	fprintf(ret,
		"! Made by ecmplab for this lab.\n"
		"hostname %s\n",
		node_router_at(lab, conf->number)->name);
	router_bfd(&conf->bfd, ret);
	fprintf(ret,
		"router bgp %u\n"
		" bgp router-id %s\n"
		" no bgp ebgp-requires-policy\n"
		"%s",
		conf->as, addr_text(&id).s, conf->multipath_own ? "" : " bgp bestpath as-path multipath-relax\n");
	if (conf->graceful_restart)
		fprintf(ret, " bgp graceful-restart\n bgp graceful-restart restart-time %u\n", conf->restart_s);
	for (unsigned int i = 0; i < lab->conf.workers; i++) {
		const struct node_host *w = &lab->workers[i].host;
		struct addr_text remote = addr_text(&w->address);

		fprintf(ret,
			" neighbor %s remote-as %u\n"
			" neighbor %s description %s\n",
			remote.s, node_router_worker_as(conf, i), remote.s, w->name);
		router_session(conf, remote.s, ret);
	}
	upstream_session(lab, conf, ret);
	fprintf(ret, " address-family %s unicast\n", v6 ? "ipv6" : "ipv4");
	upstream_family(lab, conf, ret);
	for (unsigned int i = 0; v6 && i < lab->conf.workers; i++) /* which is on by itself for IPv4 alone */
		fprintf(ret, "  neighbor %s activate\n", addr_text(&lab->workers[i].host.address).s);
	if (!conf->multipath_own)
		fprintf(ret,
			"  maximum-paths %u\n"
			"  maximum-paths ibgp %u\n",
			paths, paths);
	fprintf(ret, " exit-address-family\n");
}

/* /etc/frr belongs to a user that the sandbox does not have: a folder of our own lies over it. */
static int own_etc(struct errmsg *err)
{
	int r;

	if (access(OWN_ETC, F_OK) == 0)
		return 0;
	r = daemon_folder(OWN_ETC, err);
	if (r == 0)
		r = daemon_folder("/etc/frr", err);
	if (r == 0 && mount(OWN_ETC, "/etc/frr", NULL, MS_BIND, NULL) < 0)
		r = errmsg_set(err, -errno, "make /etc/frr private");
	return r;
}

/* The folders where this instance's programs look for each other and for their configuration. */
static int folders(const char *run, const char *etc, const char *config_path, struct arena *arena, struct errmsg *err)
{
	const char *const paths[] = {run, etc, "/var/tmp/frr", "/var/log/frr", "/var/lib/frr"};
	const char *config = arena_printf(arena, "%s/frr.conf", etc);
	int r = own_etc(err);
	FILE *f;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && r == 0; i++)
		r = daemon_folder(paths[i], err);
	if (r < 0)
		return r;
	(void)unlink(config);
	if (symlink(config_path, config) < 0)
		return errmsg_set(err, -errno, "%s", config);
	f = fopen(arena_printf(arena, "%s/vtysh.conf", etc), "we"); /* asked for, empty is good */
	if (f != NULL)
		fclose(f);
	return 0;
}

/* A program beside bgpd; none where this FRR has no such. */
static struct node_process *beside(struct node_daemon *d, const char *program, struct arena *arena)
{
	const char *path = arena_printf(arena, "%.*s/%s", (int)(strrchr(d->path, '/') - d->path), d->path, program);
	const char *const alone[DAEMON_ARGS] = {path, "--log", "stdout"};
	const char *const named[DAEMON_ARGS] = {path, "--log", "stdout", "-N", d->instance};

	if (access(path, X_OK) != 0)
		return NULL;
	return daemon_program(d, arena, d->instance != NULL ? named : alone);
}

int frr_programs(struct node_daemon *d, const char *config_path, struct arena *arena, struct errmsg *err)
{
	const char *slash = d->instance != NULL ? "/" : "", *name = d->instance != NULL ? d->instance : "";
	const char *run = arena_printf(arena, "/run/frr%s%s", slash, name);
	const char *etc = arena_printf(arena, "/etc/frr%s%s", slash, name);
	/* A worker's speaker only dials, as MetalLB's does (METALLB section 4.9). */
	const char *const alone[DAEMON_ARGS] = {d->path, "--log", "stdout"};
	const char *const named[DAEMON_ARGS] = {d->path, "--log", "stdout", "-N", d->instance, d->dials ? "-p" : NULL,
						"0"};
	const char *const load[DAEMON_ARGS] = {"vtysh", "-b", d->instance != NULL ? "-N" : NULL, d->instance};
	struct node_process *bfdd, *bgpd, *vtysh;
	const char *text;
	int r = daemon_file(config_path, arena, &text, err);

	if (r == 0)
		r = folders(run, etc, config_path, arena, err);
	if (r < 0)
		return r;
	(void)beside(d, "mgmtd", arena); /* from FRR 9 on */
	if (beside(d, "zebra", arena) == NULL)
		return errmsg_say(err, -ENOENT, "FRR has no zebra beside %s", d->path);
	if (strstr(text, "\nip route ") != NULL)
		(void)beside(d, "staticd", arena);
	bfdd = strstr(text, "bfd") != NULL ? beside(d, "bfdd", arena) : NULL;
	if (bfdd != NULL) /* which asks zebra once, and then in ten seconds */
		bfdd->awaits_file = arena_printf(arena, "%s/zebra.vty", run);
	/* What is waited for may lie there still, of programs that were killed. */
	(void)unlink(arena_printf(arena, "%s/zebra.vty", run));
	(void)unlink(arena_printf(arena, "%s/bgpd.vty", run));
	bgpd = daemon_program(d, arena, d->instance != NULL ? named : alone);
	bgpd->awaits_file = arena_printf(arena, "%s/zebra.vty", run);
	vtysh = daemon_program(d, arena, load);
	vtysh->awaits_file = arena_printf(arena, "%s/bgpd.vty", run);
	vtysh->once = true;
	return 0;
}
