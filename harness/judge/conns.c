/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connections of one step, as the clients' links show them. */
#include "judge_int.h"

static uint64_t client_hash(const struct slots *s, const struct addr *client, uint16_t port)
{
	return slots_hash(s, slots_hash(s, 0, client->b, sizeof(client->b)), &port, sizeof(port));
}

struct client_key {
	const struct client_conns *conns;
	const struct addr *client;
	uint16_t port;
};

static bool same_client(const void *ctx, uint32_t item)
{
	const struct client_key *key = ctx;
	const struct tcp_note *syn = &key->conns->at[item].syn;

	return syn->src_port == key->port && addr_equal(&syn->src, key->client);
}

static uint32_t newest(const struct client_conns *conns, const struct addr *client, uint16_t port)
{
	struct client_key key = {conns, client, port};

	return slots_find(&conns->slots, client_hash(&conns->slots, client, port), same_client, &key);
}

struct client_conn *client_conn_at(const struct client_conns *conns, const struct addr *client, uint16_t port,
				   struct instant t)
{
	uint32_t i = newest(conns, client, port);

	while (i != SLOTS_NONE && instant_before(t, conns->at[i].syn.time))
		i = conns->at[i].older;
	return i != SLOTS_NONE ? &conns->at[i] : NULL;
}

void client_conns_free(struct client_conns *conns)
{
	free(conns->at);
	slots_free(&conns->slots);
	*conns = (struct client_conns){0};
}

static void add(struct client_conns *conns, const struct tcp_note *syn, unsigned int link)
{
	uint64_t hash = client_hash(&conns->slots, &syn->src, syn->src_port);
	uint32_t older = newest(conns, &syn->src, syn->src_port), item = (uint32_t)conns->n;

	if (conns->n == conns->cap)
		conns->at = vec_grow(conns->at, &conns->cap, sizeof(*conns->at));
	conns->at[conns->n++] = (struct client_conn){.syn = *syn, .link = link, .older = older};
	if (older == SLOTS_NONE)
		slots_put(&conns->slots, hash, item);
	else
		slots_replace(&conns->slots, hash, older, item);
}

static void mark(struct mark *m, const struct tcp_note *note)
{
	if (!m->is)
		*m = (struct mark){true, note->time, note->frame};
}

static void note_apply(const struct question *q, struct client_conns *conns, const struct tcp_note *note,
		       unsigned int link)
{
	const struct judge_traffic *t = &q->e->traffic;
	bool out = note->dst_port == t->port && addr_equal(&note->dst, &t->vip);
	bool in = note->src_port == t->port && addr_equal(&note->src, &t->vip);
	struct client_conn *conn;

	if (!out && !in)
		return;
	if (note->kind == CAPTURE_TCP_SYN) {
		if (out && !instant_before(t->until, note->time))
			add(conns, note, link);
		return;
	}
	conn = client_conn_at(conns, out ? &note->src : &note->dst, out ? note->src_port : note->dst_port, note->time);
	if (conn == NULL)
		return;
	if (note->kind == CAPTURE_HTTP_REQUEST) {
		if (out)
			mark(&conn->request, note);
		return;
	}
	if (in && note->kind == CAPTURE_TCP_RST)
		mark(&conn->reset, note);
	if (note->kind == CAPTURE_HTTP_RESPONSE && in && !conn->response.is) {
		mark(&conn->response, note);
		conn->status = note->status;
	} else if (note->kind != CAPTURE_HTTP_RESPONSE) {
		conn->refused = conn->refused || (!conn->ended.is && in && note->kind == CAPTURE_TCP_RST);
		mark(&conn->ended, note);
	}
}

struct client_conns judge_client_conns(const struct question *q)
{
	const struct judge *j = q->j;
	struct instant since = q->e->traffic.since;
	struct client_conns conns = {.slots.seed = j->traffic.seed};

	for (size_t i = 0; i < j->lab.client_count; i++) {
		unsigned int link = j->lab.clients[i].link;
		struct tcp_notes notes = traffic_view_notes(&j->traffic, link, since, q->cutoff);

		for (size_t n = 0; n < notes.n; n++) {
			const struct tcp_note *note = &notes.at[n];

			if (!instant_before(note->time, since) && !instant_before(q->cutoff, note->time))
				note_apply(q, &conns, note, link);
		}
	}
	return conns;
}
