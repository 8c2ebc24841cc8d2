/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is special about OpenBGPD: it wants a folder of its own for its children, and a configuration nobody else can read. */
#include "daemon_int.h"

void openbgpd_router_config(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret)
{
	struct addr id = addr_v4(node_router_own_id(lab, conf));

	fprintf(ret,
		"# Made by ecmplab for this lab.\n"
		"AS %u\n"
		"router-id %s\n"
		"listen on %s\n",
		conf->as, addr_text(&id).s, addr_text(&lab->conf.router_cluster).s);
	for (unsigned int i = 0; i < lab->conf.workers; i++) {
		const struct node_host *w = &lab->workers[i].host;

		fprintf(ret,
			"neighbor %s {\n"
			"\tdescr \"%s\"\n"
			"\tremote-as %u\n"
			"\tpassive\n", /* workers dial; it would try them again and again */
			addr_text(&w->address).s, w->name, node_router_worker_as(conf, i));
		if (conf->password != NULL)
			fprintf(ret, "\ttcp md5sig password \"%s\"\n", conf->password);
		if (conf->hold_set && conf->hold_s > 0)
			fprintf(ret, "\tholdtime %u\n", conf->hold_s);
		if (conf->graceful_restart)
			fprintf(ret, "\tannounce restart yes\n");
		if (conf->ttl_security > 0)
			fprintf(ret, "\tttl-security yes\n");
		if (conf->multihop)
			fprintf(ret, "\tmultihop 255\n");
		fprintf(ret, "}\n");
	}
	fprintf(ret, "allow from any\n"
		     "allow to any\n");
}

int openbgpd_programs(struct node_daemon *d, const char *config_path, struct arena *arena, struct errmsg *err)
{
	daemon_program(d, arena, (const char *const[DAEMON_ARGS]){d->path, "-d", "-v", "-f", config_path});
	/* Its children's root folder and its control socket's. */
	return daemon_folder("/run/openbgpd", err);
}
