/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is special about BIRD: two incompatible configuration languages under one program name. */
#include "node_int.h"

static const char head[] = "# Made by ecmplab for this lab.\n"
			   "router id %s;\n"
			   "protocol device {\n"
			   "  scan time 10;\n"
			   "}\n";

static const char kernel1[] = "protocol kernel {\n"
			      "  scan time 20;\n"
			      "  merge paths on limit %u;\n"
			      "  import none;\n"
			      "  export all;\n"
			      "}\n";

static const char kernel2[] = "protocol kernel {\n"
			      "  scan time 20;\n"
			      "  merge paths on limit %u;\n"
			      "  ipv4 { import none; export all; };\n"
			      "}\n";

static const char peer1[] = "protocol bgp %s {\n"
			    "  local %s as %u;\n"
			    "  neighbor %s as %u;\n"
			    "  import all;\n"
			    "  export all;\n"
			    "}\n";

static const char peer2[] = "protocol bgp %s {\n"
			    "  local %s as %u;\n"
			    "  neighbor %s as %u;\n"
			    "  ipv4 { import all; export all; };\n"
			    "}\n";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* every format above is ours, with the arguments below */
char *node_bird_config(const struct node_lab *lab, const struct node_router_conf *conf, enum node_daemon_kind kind,
		       struct arena *arena)
{
	const char *peer = kind == NODE_BIRD1 ? peer1 : peer2;
	char *text = arena_printf(arena, head, addr_text(&lab->conf.router_client).s);

	text = arena_printf(arena, "%s%s", text,
			    arena_printf(arena, kind == NODE_BIRD1 ? kernel1 : kernel2, conf->max_paths));
	for (unsigned int i = 0; i < lab->conf.workers; i++) {
		const struct node_host *w = &lab->workers[i].host;
		struct addr_text local = addr_text(&lab->conf.router_cluster), remote = addr_text(&w->address);

		text = arena_printf(arena, "%s%s", text,
				    arena_printf(arena, peer, w->name, local.s, conf->as, remote.s, conf->worker_as));
	}
	return text;
}
#pragma GCC diagnostic pop
