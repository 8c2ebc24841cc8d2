/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BFD beside the built-in speakers: one engine a node, a session a BGP session that has one. */
#include "bfd.h"
#include "drive_bfd.h"
#include "run_int.h"

#include <errno.h>
#include <stdlib.h>

/* A BFD session's other end, by its number. */
struct other_end {
	bfd_session_id id;
	const char *name;
};

struct run_bfd {
	struct run *run;
	const char *node;
	struct bfd *engine;
	struct drive_bfd *driver;
	VEC(struct other_end) ends;
};

static void on_change(void *ctx, const struct bfd_output *change)
{
	struct run_bfd *b = ctx;

	for (size_t i = 0; i < b->ends.len; i++) {
		if (b->ends.at[i].id == change->session)
			run_tell_bfd(b->run, b->node, b->ends.at[i].name, change);
	}
}

static int session_add(struct run_bfd *b, const struct run_bfd_session *s, struct errmsg *err)
{
	const struct bfd_session_conf conf = {.local = s->local,
					      .remote = s->remote,
					      .desired_tx_us = s->bfd.transmit_ms * 1000,
					      .required_rx_us = s->bfd.receive_ms * 1000,
					      .multiplier = s->bfd.multiplier,
					      .passive = s->bfd.passive};
	bfd_session_id id;
	int result = bfd_session_add(b->engine, &conf, drive_now(b->run->drive), &id);

	if (result < 0)
		return errmsg_set(err, result, "%s: BFD with %s", b->node, s->name);
	VEC_PUSH(&b->ends, (struct other_end){id, s->name});
	return 0;
}

int run_bfd_new(struct run *r, const struct run_bfd_conf *conf, struct run_bfd **ret, struct errmsg *err)
{
	struct run_bfd *b;
	int result = 0;
	size_t wanted = 0;

	*ret = NULL;
	for (size_t i = 0; i < conf->session_count; i++)
		wanted += conf->sessions[i].bfd.on;
	if (wanted == 0)
		return 0;
	b = memory_new(sizeof(*b));
	b->run = r;
	b->node = conf->node;
	b->engine = bfd_new(conf->seed);
	for (size_t i = 0; i < conf->session_count && result == 0; i++) {
		if (conf->sessions[i].bfd.on)
			result = session_add(b, &conf->sessions[i], err);
	}
	if (result == 0)
		result = drive_bfd_new(
			r->drive,
			&(struct drive_bfd_conf){.engine = b->engine, .ns = conf->ns, .change = on_change, .ctx = b},
			&b->driver, err);
	if (result < 0) {
		run_bfd_free(b);
		return result;
	}
	drive_bfd_protect(b->driver, conf->speaker, conf->driver);
	*ret = b;
	return 0;
}

void run_bfd_free(struct run_bfd *b)
{
	if (b == NULL)
		return;
	drive_bfd_free(b->driver);
	bfd_free(b->engine);
	VEC_FREE(&b->ends);
	free(b);
}
