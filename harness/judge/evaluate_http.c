/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Were the connections answered, and which source did the pods see? */
#include "judge_int.h"

#define STATUSES_TOLD 4U
#define SOURCES_TOLD 4U
#define FRAMES_TOLD 8U

/* ---- Answers ---- */

struct answers {
	size_t seen;	 /* connections */
	size_t answered; /* with the status asked for */
	size_t refused, silent;
	struct {
		int status;
		size_t n;
	} others[STATUSES_TOLD]; /* other statuses; the last takes what there is no room for */
	size_t other_count;
	struct instant last;
};

static void answers_other(struct answers *a, int status)
{
	size_t i = 0;

	while (i < a->other_count && a->others[i].status != status)
		i++;
	if (i == STATUSES_TOLD)
		i--;
	else if (i == a->other_count)
		a->others[a->other_count++].status = status;
	a->others[i].n++;
}

static struct answers answers_of(const struct question *q, const struct client_conns *conns)
{
	struct answers a = {.seen = conns->n, .last = q->e->since};

	for (size_t i = 0; i < conns->n; i++) {
		const struct client_conn *c = &conns->at[i];

		if (!c->response.is && c->refused)
			a.refused++;
		else if (!c->response.is)
			a.silent++;
		else if (c->status == q->e->http_status)
			a.answered++;
		else
			answers_other(&a, c->status);
		if (c->response.is && instant_before(a.last, c->response.time))
			a.last = c->response.time;
	}
	return a;
}

static void say_answers(const struct question *q, struct saying *s, const struct answers *a)
{
	size_t total = q->e->traffic.count > a->seen ? q->e->traffic.count : a->seen;

	saying_addf(s, "%zu of %zu connections were answered with %d", a->answered, total, q->e->http_status);
	for (size_t i = 0; i < a->other_count; i++)
		saying_addf(s, ", %zu with %d%s", a->others[i].n, a->others[i].status,
			    i + 1 == STATUSES_TOLD ? " and the like" : "");
	if (a->refused > 0)
		saying_addf(s, ", %zu %s refused", a->refused, a->refused == 1 ? "was" : "were");
	if (a->silent > 0)
		saying_addf(s, ", %zu had no answer", a->silent);
	if (total > a->seen)
		saying_addf(s, ", %zu %s not seen at the clients", total - a->seen,
			    total - a->seen == 1 ? "was" : "were");
}

/* Those that were not answered as asked; where all were, the answers. */
static void add_frames(struct question *q, const struct client_conns *conns, const struct answers *a)
{
	bool good = a->answered == conns->n;

	for (size_t i = 0, told = 0; i < conns->n && told < FRAMES_TOLD; i++) {
		const struct client_conn *c = &conns->at[i];
		bool right = c->response.is && c->status == q->e->http_status;

		if (right != good)
			continue;
		told++;
		judge_frame_add(q, c->link,
				c->response.is ? c->response.frame
				: c->ended.is  ? c->ended.frame
					       : c->syn.frame);
	}
}

/* ---- Sources ---- */

struct sources {
	size_t kept;	/* SYNs at pods that came from the client's own address and port */
	size_t changed; /* from another address */
	struct addr told[SOURCES_TOLD];
	size_t told_count;
	bool more;
	unsigned int link; /* of the first SYN that is not as asked */
	uint64_t frame;
};

static void sources_note(struct sources *s, const struct tcp_note *note)
{
	size_t i = 0;

	while (i < s->told_count && !addr_equal(&s->told[i], &note->src))
		i++;
	if (i < s->told_count)
		return;
	if (i < SOURCES_TOLD)
		s->told[s->told_count++] = note->src;
	else
		s->more = true;
}

static bool is_client(const struct judge *j, const struct addr *a)
{
	for (size_t i = 0; i < j->lab.client_count; i++) {
		if (addr_equal(&j->lab.clients[i].address, a))
			return true;
	}
	return false;
}

static void pod_sources(const struct question *q, const struct client_conns *conns, const struct judge_pod *pod,
			struct sources *ret)
{
	struct instant since = q->e->traffic.since;
	struct tcp_notes notes = traffic_view_notes(&q->j->traffic, pod->link, since, q->cutoff);

	for (size_t i = 0; i < notes.n; i++) {
		const struct tcp_note *note = &notes.at[i];
		bool kept;

		if (note->kind != CAPTURE_TCP_SYN || !addr_equal(&note->dst, &pod->address) ||
		    instant_before(note->time, since) || instant_before(q->cutoff, note->time))
			continue;
		kept = client_conn_at(conns, &note->src, note->src_port, note->time) != NULL ||
		       is_client(q->j, &note->src);
		ret->kept += kept;
		ret->changed += !kept;
		sources_note(ret, note);
		if (kept != (q->e->source == JUDGE_SOURCE_CLIENT) && ret->frame == 0) {
			ret->link = pod->link;
			ret->frame = note->frame;
		}
	}
}

static struct sources sources_of(const struct question *q, const struct client_conns *conns)
{
	struct sources s = {0};

	for (size_t i = 0; i < q->j->pods.len; i++)
		pod_sources(q, conns, &q->j->pods.at[i], &s);
	return s;
}

static bool sources_right(const struct question *q, const struct answers *a, const struct sources *s)
{
	switch (q->e->source) {
	case JUDGE_SOURCE_ANY:
		return true;
	case JUDGE_SOURCE_CLIENT:
		return s->changed == 0 && s->kept >= a->answered;
	case JUDGE_SOURCE_NODE:
		return s->kept == 0 && s->changed >= a->answered;
	}
	return false;
}

static const char *owner_of(const struct judge *j, const struct addr *a)
{
	for (size_t i = 0; i < j->lab.client_count; i++) {
		if (addr_equal(&j->lab.clients[i].address, a))
			return j->lab.clients[i].name;
	}
	for (size_t i = 0; i < j->lab.worker_count; i++) {
		if (addr_equal(&j->lab.workers[i].address, a))
			return j->lab.workers[i].name;
	}
	return NULL;
}

static void say_sources(const struct question *q, struct saying *s, const struct answers *a,
			const struct sources *sources)
{
	size_t arrived = sources->kept + sources->changed;

	if (q->j->pods.len == 0) {
		saying_addf(s, "; no pod's link is captured, so the source that pods see is unknown");
		return;
	}
	saying_addf(s, "; pods saw %zu connections", arrived);
	for (size_t i = 0; i < sources->told_count; i++) {
		const char *owner = owner_of(q->j, &sources->told[i]);

		saying_addf(s, "%s%s", i > 0 ? ", " : " from ", addr_text(&sources->told[i]).s);
		if (owner != NULL)
			saying_addf(s, " (%s)", owner);
	}
	if (sources->more)
		saying_addf(s, " and others");
	if (arrived < a->answered)
		saying_addf(s, ", fewer than were answered");
}

static const char *source_why(const struct question *q, const struct sources *s)
{
	if (q->e->source == JUDGE_SOURCE_CLIENT && s->changed > 0)
		return "with externalTrafficPolicy: Cluster the worker that a connection comes to puts an address of "
		       "its own "
		       "in as source before it passes the connection on, so that the answer comes back through it; "
		       "with "
		       "Local it keeps the client's";
	if (q->e->source == JUDGE_SOURCE_NODE && s->kept > 0)
		return "with externalTrafficPolicy: Local a worker passes connections only to pods of its own and "
		       "keeps the "
		       "client's address; with Cluster it puts in an address of its own";
	return NULL;
}

/* ---- The evaluator ---- */

static void conclude(struct question *q, const struct answers *a, const struct sources *sources)
{
	bool asked = q->e->source != JUDGE_SOURCE_ANY;
	bool complete = a->seen >= q->e->traffic.count && a->silent == 0;
	bool answered = a->answered == q->e->http_answered;

	q->f->when = q->last ? q->cutoff : a->last;
	if (answered && complete && sources_right(q, a, sources)) {
		q->f->verdict = JUDGE_PASS;
		q->f->when = a->last;
	} else if (!q->last && (!complete || answered)) {
		q->f->verdict = JUDGE_PENDING;
	} else if (answered && asked && q->j->pods.len == 0) {
		q->f->verdict = JUDGE_INCONCLUSIVE;
	} else {
		q->f->verdict = answered && sources_right(q, a, sources) ? JUDGE_PASS : JUDGE_FAIL;
	}
}

void judge_http(struct question *q)
{
	struct client_conns conns = judge_client_conns(q);
	struct answers a = answers_of(q, &conns);
	struct sources sources = {0};
	struct saying s = {0};

	if (q->e->source != JUDGE_SOURCE_ANY)
		sources = sources_of(q, &conns);
	conclude(q, &a, &sources);
	if (q->f->verdict != JUDGE_PENDING) {
		say_answers(q, &s, &a);
		add_frames(q, &conns, &a);
		if (q->e->source != JUDGE_SOURCE_ANY) {
			say_sources(q, &s, &a, &sources);
			q->f->why = source_why(q, &sources);
		}
		if (sources.frame != 0)
			judge_frame_add(q, sources.link, sources.frame);
		q->f->seen = saying_end(&s, q->arena);
	}
	client_conns_free(&conns);
}
