/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dials take turns. Some routers' listening sockets have room for five or eight connections that were not yet accepted; the kernel
 * drops the SYNs beyond, and they come again after seconds. A dial's turn is over once the peer has said something or the
 * connection is gone, so that a router sets the pace by itself; one that says nothing holds the others up but briefly. */
#include "drive_int.h"

#include <errno.h>
#include <string.h>

#define DIALS_MAX 5U
#define TURN_MAX_MS 50

static void dial_next(struct drive *d)
{
	const struct timeval turn = {.tv_usec = TURN_MAX_MS * 1000L};

	while (d->dials.len > 0 && d->dialling < DIALS_MAX) {
		struct dial next = d->dials.at[0];

		memmove(&d->dials.at[0], &d->dials.at[1], --d->dials.len * sizeof(*d->dials.at));
		d->dialling++;
		next.fn(next.speaker, next.peer, next.conn);
	}
	if (d->dials.len > 0)
		event_add(d->turn, &turn);
	else
		event_del(d->turn);
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
	struct drive *d = ctx;

	(void)fd;
	if ((what & EV_TIMEOUT) != 0) {
		d->round++;
		d->dialling = 0;
	}
	dial_next(d);
}

int pace_init(struct drive *d)
{
	d->turn = event_new(d->base, -1, 0, on_turn, d);
	return d->turn != NULL ? 0 : -ENOMEM;
}

void pace_fini(struct drive *d)
{
	if (d->turn != NULL)
		event_free(d->turn);
	VEC_FREE(&d->dials);
}

void pace_dial(struct drive *d, const struct dial *dial)
{
	VEC_PUSH(&d->dials, *dial);
	dial_next(d);
}

void pace_done(struct drive *d, uint64_t round)
{
	if (round != d->round || d->dialling == 0)
		return;
	d->dialling--;
	/* Not here: the caller may be in the middle of another speaker's outputs. */
	if (d->dials.len > 0)
		event_active(d->turn, EV_READ, 0);
}

void pace_forget(struct drive *d, const struct drive_speaker *speaker, const bgp_conn_id *conn)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->dials.len; i++)
		if (d->dials.at[i].speaker != speaker || (conn != NULL && d->dials.at[i].conn != *conn))
			d->dials.at[kept++] = d->dials.at[i];
	d->dials.len = kept;
}
