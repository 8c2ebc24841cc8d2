/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer.h"

#include <stdlib.h>

static void hex(const uint8_t *bytes, size_t n, FILE *to)
{
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%02x", bytes[i]);
}

void tell_begin(struct speaker *s)
{
	s->log = open_memstream(&s->log_text, &s->log_len);
	if (s->log == NULL)
		abort();
}

void tell_end(struct speaker *s)
{
	if (s->log != NULL)
		fclose(s->log);
	free(s->log_text);
	s->log = NULL;
	s->log_text = NULL;
}

void tell_notice(struct speaker *s, const struct bgp_output *n)
{
	if (n->notice == BGP_NOTICE_ERROR || n->notice == BGP_NOTICE_STATE)
		return;
	fprintf(s->log, "%s[%u, \"%s\", \"", ftell(s->log) > 0 ? ", " : "", n->peer,
		n->notice == BGP_NOTICE_SENT ? "sent" : "received");
	hex(n->bytes, n->len, s->log);
	fprintf(s->log, "\"]");
}

void tell_log(struct speaker *s, FILE *to)
{
	fflush(s->log);
	fprintf(to, "[%s]\n", s->log_text);
	tell_end(s);
	tell_begin(s);
}

void tell_info(const struct speaker *s, bgp_peer_id peer, FILE *to)
{
	struct bgp_peer_info i = bgp_peer_info(s->engine, peer);

	fprintf(to, "{\"state\": \"%s\", \"as\": %u, \"hold\": %u, \"as4\": %u, \"extended_message\": %u, ",
		bgp_state_text(bgp_peer_state(s->engine, peer)), i.remote_as, i.hold_s, i.as4, i.extended_message);
	fprintf(to,
		"\"refresh\": %u, \"enhanced_refresh\": %u, \"extended_next_hop\": %u, \"ipv4\": %u, \"ipv6\": %u, ",
		i.route_refresh, i.enhanced_refresh, i.extended_next_hop, i.ipv4, i.ipv6);
	fprintf(to, "\"add_path_v4\": %u, \"add_path_v6\": %u, \"restart\": %u, \"notification_restart\": %u}\n",
		(unsigned int)i.add_path_v4, (unsigned int)i.add_path_v6, i.graceful_restart, i.notification_restart);
}

struct list {
	FILE *to;
	unsigned int count;
};

static void route(void *ctx, const struct bgp_adj_route *r)
{
	struct list *l = ctx;

	fprintf(l->to, "%s{\"prefix\": \"%s\", \"id\": %u, \"hop\": \"%s\", \"stale\": %u, \"communities\": [",
		l->count++ > 0 ? ", " : "", prefix_text(&r->prefix).s, r->path_id, addr_text(&r->next_hop).s, r->stale);
	for (size_t i = 0; i < r->community_count; i++)
		fprintf(l->to, "%s%u", i > 0 ? ", " : "", r->communities[i]);
	fprintf(l->to, "], \"med\": %u, \"local_pref\": %u, \"originator\": %u, \"path\": \"", r->med, r->local_pref,
		r->originator_id);
	hex(r->as_path.at, wire_left(&r->as_path), l->to);
	fprintf(l->to, "\", \"extra\": \"");
	hex(r->extra.at, wire_left(&r->extra), l->to);
	fprintf(l->to, "\"}");
}

void tell_routes(const struct speaker *s, bgp_peer_id peer, bool in, FILE *to)
{
	struct list list = {.to = to};

	fprintf(to, "[");
	if (in)
		bgp_adj_rib_in(s->engine, peer, route, &list);
	else
		bgp_adj_rib_out(s->engine, peer, route, &list);
	fprintf(to, "]\n");
}
