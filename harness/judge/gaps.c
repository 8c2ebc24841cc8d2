/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the captures lack, and which verdicts rest on it. A loss has a time: it matters to what was asked about that time, and
 * to states that were reached before it unless what came later shows that nothing of them was missed. */
#include "judge_int.h"

#define LOSSES_TOLD 4U

static bool rests_on(const struct question *q, const struct judge_basis *k, const struct judge_link *link)
{
	bool http = q->e->kind == JUDGE_HTTP;

	switch (link->role) {
	case LINK_WORKER:
		if (http)
			return false;
		return (k->bgp && (!k->named_only || question_names(q, link->index))) || k->traffic;
	case LINK_CLIENT:
		return k->traffic && !k->gate;
	case LINK_POD:
		return http && q->e->source != JUDGE_SOURCE_ANY;
	case LINK_ROUTER:
		return k->bfd;
	case LINK_GATE:
		return k->gate;
	case LINK_UPLINK:
		return q->e->kind == JUDGE_STAGES;
	case LINK_OTHER:
		return false;
	}
	return false;
}

/* The evidence that a verdict rests on was seen in this time; the state that it began with is older. */
struct span {
	struct instant since, until;
};

static struct instant traffic_since(const struct judge_expect *e)
{
	bool twice = e->kind == JUDGE_MOVED || e->kind == JUDGE_STAGES;

	return twice ? instant_min(e->before.since, e->traffic.since) : e->traffic.since;
}

/* What has not arrived yet may come until the last moment; what has arrived is known from then on. */
static struct span span_of(const struct question *q, const struct judge_basis *k)
{
	bool decided = q->f->when.ns > 0 && instant_before(q->f->when, q->cutoff);
	struct span s = {q->e->since, decided ? q->f->when : q->cutoff};

	if (!k->traffic)
		return s;
	s.since = traffic_since(q->e);
	if (instant_before(s.until, q->e->traffic.until))
		s.until = instant_min(q->e->traffic.until, q->cutoff);
	return s;
}

/* A stream of which a later message is read without a gap before it was captured whole; so was one that began later, and one
 * that has ended since has nothing left to tell. */
static bool session_known(const struct question *q, uint32_t worker, const struct capture_loss *loss, struct instant by)
{
	const struct bgp_conn *conn = bgp_view_last_session(&q->j->bgp, worker, by);

	if (conn == NULL)
		return false;
	if (conn->closed.is && !instant_before(by, conn->closed.time) && instant_before(loss->until, conn->closed.time))
		return true;
	if (conn->joined || (conn->gap.is && !instant_before(by, conn->gap.time)))
		return false;
	if (conn->syn.is && instant_before(loss->until, conn->syn.time))
		return true;
	return bgp_conn_heard_after(conn, loss->until, by);
}

/* Every packet tells the whole state. */
static bool bfd_known(const struct question *q, const struct capture_loss *loss, struct instant by)
{
	for (uint32_t w = 0; w < q->j->lab.worker_count; w++) {
		for (int end = 0; end < 2 && question_names(q, w); end++) {
			if (bfd_view_said(&q->j->bfd, w, (enum bgp_end)end, by) == NULL ||
			    !instant_before(loss->until, bfd_view_heard(&q->j->bfd, w, (enum bgp_end)end, by)))
				return false;
		}
	}
	return true;
}

static bool matters(const struct question *q, const struct judge_link *link, const struct judge_basis *k,
		    const struct capture_loss *loss)
{
	struct span s = span_of(q, k);

	if (instant_before(s.until, loss->since))
		return false;
	if (!instant_before(loss->until, s.since))
		return true;
	if (link->role == LINK_WORKER && k->bgp && (!k->gate || question_names(q, link->index)))
		return !session_known(q, link->index, loss, s.until);
	return link->role == LINK_ROUTER && k->bfd && !bfd_known(q, loss, s.until);
}

static void say_loss(const struct question *q, struct saying *s, unsigned int link, const struct capture_loss *loss)
{
	saying_addf(s, "%s%llu frame%s %s lost on %s", s->len > 0 ? ", " : "", (unsigned long long)loss->frames,
		    loss->frames == 1 ? "" : "s", loss->frames == 1 ? "was" : "were", judge_file(q, link));
	if (loss->before != 0)
		saying_addf(s, " between frames %llu and %llu", (unsigned long long)loss->after,
			    (unsigned long long)loss->before);
	else if (loss->after != 0)
		saying_addf(s, " after frame %llu", (unsigned long long)loss->after);
}

static void say_losses(const struct question *q, const struct judge_basis *k, struct saying *s)
{
	const struct judge *j = q->j;
	size_t told = 0;

	for (unsigned int i = 0; i < j->links.len; i++) {
		const struct judge_link *link = &j->links.at[i];

		for (size_t n = 0; n < link->lost_count && rests_on(q, k, link); n++) {
			if (matters(q, link, k, &link->lost[n]) && told++ < LOSSES_TOLD)
				say_loss(q, s, i, &link->lost[n]);
		}
	}
	if (told > LOSSES_TOLD)
		saying_addf(s, " and more at %zu other times", told - LOSSES_TOLD);
}

void judge_say_gaps(const struct question *q, const struct judge_basis *k, struct saying *s)
{
	const struct judge *j = q->j;
	bool full = false;

	say_losses(q, k, s);
	for (size_t i = 1; k->fib && i <= j->lab.router_count; i++)
		full = full || j->fibs[i].full;
	if (full || (k->bgp && j->bgp.full) || (k->fib && j->fib.full) || (k->traffic && j->traffic.full) ||
	    (k->bfd && j->bfd.full))
		saying_addf(s, "%sthere was more evidence than the judge keeps", s->len > 0 ? ", " : "");
}
