/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge_int.h"

struct http_count {
	uint32_t asked, answered, other_status;
	uint32_t source_right, source_wrong;
	struct addr wrong; /* the first wrong source */
	int status;	   /* the first other status */
};

static bool in_window(const struct evaluation *e, struct instant t)
{
	const struct judge_traffic *tr = &e->expect->traffic;

	return !instant_before(t, tr->since) && !instant_before(tr->until, t);
}

static void client_side(struct evaluation *e, struct http_count *c)
{
	const struct judge_traffic *tr = &e->expect->traffic;

	for (size_t i = 0; i < e->j->client_events.len; i++) {
		const struct client_event *ev = &e->j->client_events.at[i];

		if (!in_window(e, ev->proof.time) || !addr_equal(&ev->server, &tr->vip) || ev->server_port != tr->port)
			continue;
		if (ev->status == 0) {
			c->asked++;
		} else if (ev->status == e->expect->http_status) {
			c->answered++;
		} else {
			c->status = c->other_status++ == 0 ? ev->status : c->status;
			finding_frame(e, &ev->proof);
		}
	}
}

static bool is_client(const struct judge *j, const struct addr *a)
{
	for (size_t i = 0; i < j->lab.client_count; i++) {
		if (addr_equal(&j->lab.clients[i].address, a))
			return true;
	}
	return false;
}

/* A worker's address, or the one it has towards its pods: what is not a client's was translated by a node. */
static bool source_right(const struct evaluation *e, const struct arrival *a)
{
	bool client = is_client(e->j, &a->src);

	return e->expect->source == JUDGE_SOURCE_ANY || client == (e->expect->source == JUDGE_SOURCE_CLIENT);
}

static void pod_side(struct evaluation *e, struct http_count *c)
{
	for (size_t i = 0; i < e->j->pod_connections.len; i++) {
		const struct arrival *a = &e->j->pod_connections.at[i];

		if (!in_window(e, a->proof.time))
			continue;
		if (source_right(e, a)) {
			c->source_right++;
		} else {
			c->wrong = c->source_wrong++ == 0 ? a->src : c->wrong;
			finding_frame(e, &a->proof);
		}
	}
}

static void seen_write(struct evaluation *e, const struct http_count *c)
{
	static const char *const sources[] = {
		[JUDGE_SOURCE_ANY] = "any", [JUDGE_SOURCE_CLIENT] = "the client's", [JUDGE_SOURCE_NODE] = "a node's"};
	char *text = arena_printf(e->arena, "%u of %u connections answered with %d", c->answered, c->asked,
				  e->expect->http_status);

	if (c->other_status > 0)
		text = arena_printf(e->arena, "%s, %u with another status (%d)", text, c->other_status, c->status);
	if (e->expect->source != JUDGE_SOURCE_ANY && c->source_wrong == 0)
		text = arena_printf(e->arena, "%s; pods saw %s address in all %u", text, sources[e->expect->source],
				    c->source_right);
	if (c->source_wrong > 0)
		text = arena_printf(e->arena, "%s; pods saw not %s address but %s in %u", text,
				    sources[e->expect->source], addr_text(&c->wrong).s, c->source_wrong);
	e->finding->seen = text;
}

void evaluate_http(struct evaluation *e)
{
	struct http_count c = {0};
	bool sources_known = e->expect->source == JUDGE_SOURCE_ANY;

	client_side(e, &c);
	pod_side(e, &c);
	sources_known = sources_known || c.source_right >= e->expect->http_answered;
	seen_write(e, &c);
	if (c.source_wrong > 0)
		e->finding->verdict = JUDGE_FAIL;
	else if (c.answered >= e->expect->http_answered && sources_known)
		e->finding->verdict = JUDGE_PASS;
	else
		evaluate_unfinished(e);
}
