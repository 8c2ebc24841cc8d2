/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer.h"

#include <stdlib.h>

static void hex(const uint8_t *bytes, size_t n, FILE *to)
{
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%02x", bytes[i]);
}

static void tale_begin(struct tale *t)
{
	t->to = open_memstream(&t->text, &t->len);
	if (t->to == NULL)
		abort();
}

static void tale_end(struct tale *t)
{
	if (t->to != NULL)
		fclose(t->to);
	free(t->text);
	*t = (struct tale){0};
}

static const char *tale_comma(const struct tale *t)
{
	return ftell(t->to) > 0 ? ", " : "";
}

void tell_begin(struct speaker *s)
{
	tale_begin(&s->log);
	tale_begin(&s->routes);
}

void tell_end(struct speaker *s)
{
	tale_end(&s->log);
	tale_end(&s->routes);
}

void tell_notice(struct speaker *s, const struct bgp_output *n)
{
	if (n->notice == BGP_NOTICE_ERROR || n->notice == BGP_NOTICE_STATE)
		return;
	fprintf(s->log.to, "%s[%u, \"%s\", \"", tale_comma(&s->log), n->peer,
		n->notice == BGP_NOTICE_SENT ? "sent" : "received");
	hex(n->bytes, n->len, s->log.to);
	fprintf(s->log.to, "\"]");
}

void tell_route(struct speaker *s, const struct bgp_output *r)
{
	fprintf(s->routes.to, "%s[\"%s\", {", tale_comma(&s->routes), prefix_text(&r->prefix).s);
	for (size_t i = 0; i < r->next_hop_count; i++)
		fprintf(s->routes.to, "%s\"%s\": %u", i > 0 ? ", " : "", addr_text(&r->next_hops[i]).s,
			r->weights != NULL ? r->weights[i] : 1U);
	fprintf(s->routes.to, "}]");
}

void tell_tale(struct tale *t, FILE *to)
{
	fflush(t->to);
	fprintf(to, "[%s]\n", t->text);
	tale_end(t);
	tale_begin(t);
}

void tell_info(const struct speaker *s, bgp_peer_id peer, FILE *to)
{
	struct bgp_peer_info i = bgp_peer_info(s->engine, peer);

	fprintf(to, "{\"state\": \"%s\", \"as\": %u, \"hold\": %u, \"as4\": %u, \"extended_message\": %u, ",
		bgp_state_text(bgp_peer_state(s->engine, peer)), i.remote_as, i.hold_s, i.as4, i.extended_message);
	fprintf(to,
		"\"refresh\": %u, \"enhanced_refresh\": %u, \"extended_next_hop\": %u, \"ipv4\": %u, \"ipv6\": %u, ",
		i.route_refresh, i.enhanced_refresh, i.extended_next_hop, i.ipv4, i.ipv6);
	fprintf(to,
		"\"add_path_v4\": %u, \"add_path_v6\": %u, \"restart\": %u, \"notification_restart\": %u, "
		"\"bfd\": %u, \"families\": [",
		(unsigned int)i.add_path_v4, (unsigned int)i.add_path_v6, i.graceful_restart, i.notification_restart,
		s->bfd != NULL && bfd_session_info(s->bfd, s->bfd_session).state == WIRE_BFD_UP);
	for (size_t n = 0; n < BGP_OTHER_FAMILIES && i.other_families[n].afi != 0; n++)
		fprintf(to, "%s[%u, %u]", n > 0 ? ", " : "", i.other_families[n].afi, i.other_families[n].safi);
	fprintf(to, "]}\n");
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
	fprintf(l->to, "\", \"family\": [%u, %u], \"nlri\": \"", r->afi, r->safi);
	hex(r->nlri.at, wire_left(&r->nlri), l->to);
	fprintf(l->to, "\", \"octets\": \"");
	hex(r->hop.at, wire_left(&r->hop), l->to);
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
