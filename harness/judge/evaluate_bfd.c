/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BFD: up where both ends say so, down where the router says something else than before it was up. Of what a worker thinks
 * that nobody hears, nothing is said. */
#include "judge_int.h"
#include "wire_bfd.h"

/* Workers that are told of one by one. */
#define DETAILS_MAX 4U

static void bfd_times(const struct question *q, const void *ctx, size_t worker, instants *ret)
{
	(void)ctx;
	for (size_t end = 0; end < 2; end++) {
		const struct bfd_worker *w = &q->j->bfd.workers[worker];

		for (size_t i = w->said[end].len; i > 0; i--) {
			struct instant t = w->said[end].at[i - 1].first;

			if (!instant_before(q->e->since, t))
				break;
			if (!instant_before(q->cutoff, t))
				VEC_PUSH(ret, t);
		}
	}
}

static bool says(const struct question *q, size_t worker, enum bgp_end end, struct instant t, uint8_t state)
{
	const struct bfd_spell *s = bfd_view_said(&q->j->bfd, (uint32_t)worker, end, t);

	return s != NULL && s->state == state;
}

static bool up_right(const struct question *q, const void *ctx, size_t worker, struct instant t)
{
	(void)ctx;
	return !question_names(q, worker) ||
	       (says(q, worker, BGP_PEER_ROUTER, t, WIRE_BFD_UP) && says(q, worker, BGP_PEER_WORKER, t, WIRE_BFD_UP));
}

static bool down_right(const struct question *q, const void *ctx, size_t worker, struct instant t)
{
	const struct bfd_spell *s = bfd_view_said(&q->j->bfd, (uint32_t)worker, BGP_PEER_ROUTER, t);

	(void)ctx;
	return !question_names(q, worker) || (s != NULL && s->state != WIRE_BFD_UP);
}

/* "; the worker's last packet came 603 ms before": what the detection time can be compared with. */
static void say_silence(const struct question *q, struct saying *s, uint32_t worker, const struct bfd_spell *down)
{
	const struct bfd_view *v = &q->j->bfd;
	struct instant heard;

	if (down->diag != WIRE_BFD_DIAG_EXPIRED || bfd_view_said(v, worker, BGP_PEER_WORKER, down->first) == NULL)
		return;
	heard = bfd_view_heard(v, worker, BGP_PEER_WORKER, down->first);
	saying_addf(s, ", %s after its last packet", duration_text(instant_since(down->first, heard)).s);
}

static void say_worker(struct question *q, struct saying *s, uint32_t worker, struct instant t)
{
	const struct bfd_spell *router = bfd_view_said(&q->j->bfd, worker, BGP_PEER_ROUTER, t);
	const struct bfd_spell *own = bfd_view_said(&q->j->bfd, worker, BGP_PEER_WORKER, t);
	const char *name = q->j->lab.workers[worker].name;

	saying_part(s);
	if (router == NULL && own == NULL) {
		saying_addf(s, "%s: no BFD packet was seen", name);
		return;
	}
	if (router == NULL) {
		saying_addf(s, "%s says %s in frame %llu, and the router has no BFD for it", name,
			    wire_bfd_state_text(own->state), (unsigned long long)own->frame);
		judge_frame_add(q, q->j->lab.router_link, own->frame);
		return;
	}
	saying_addf(s, "%s: the router says %s", name, wire_bfd_state_text(router->state));
	if (router->diag != WIRE_BFD_DIAG_NONE)
		saying_addf(s, " (%s)", wire_bfd_diag_text(router->diag));
	if (router->state != WIRE_BFD_UP)
		say_silence(q, s, worker, router);
	judge_frame_add(q, q->j->lab.router_link, router->frame);
	if (own == NULL)
		saying_addf(s, ", the worker nothing");
	else if (own->state != router->state && router->state == WIRE_BFD_UP)
		saying_addf(s, ", the worker %s", wire_bfd_state_text(own->state));
	if (own != NULL && router->state == WIRE_BFD_UP)
		judge_frame_add(q, q->j->lab.router_link, own->frame);
}

static void evaluate(struct question *q,
		     bool (*right)(const struct question *q, const void *ctx, size_t worker, struct instant t))
{
	const struct judge_lab *lab = &q->j->lab;
	struct condition c = {.subjects = lab->worker_count, .times = bfd_times, .right = right};
	struct instant t = judge_state(q, &c);
	struct saying s = {0};
	size_t told = 0;

	if (q->f->verdict == JUDGE_PENDING)
		return;
	/* those that decide first */
	for (int good = 0; good < 2; good++) {
		for (uint32_t i = 0; i < lab->worker_count; i++) {
			if (question_names(q, i) && right(q, NULL, i, t) == (good == 1) && told++ < DETAILS_MAX)
				say_worker(q, &s, i, t);
		}
	}
	if (told > DETAILS_MAX)
		saying_addf(&s, "; and %zu more", told - DETAILS_MAX);
	q->f->seen = saying_end(&s, q->arena);
}

void judge_bfd_up(struct question *q)
{
	evaluate(q, up_right);
}

void judge_bfd_down(struct question *q)
{
	evaluate(q, down_right);
}
