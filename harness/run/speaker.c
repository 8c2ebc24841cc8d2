/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workers whose speaker is a real daemon: started, told of what changes, and waited for until they have taken it. */
#include "run_int.h"

#include <errno.h>
#include <stdio.h>

#define FOLLOW_WITHIN_NS (20 * NS_PER_S)
#define LOOK_NS NS_PER_MS

struct run_speaker {
	struct run_daemon daemon;
	struct node_speaker node; /* daemon NULL: the built-in one speaks */
};

static enum plan_daemon speaker_of(const struct plan_lab *lab, unsigned int worker)
{
	return lab->speaker_count > 0 ? lab->speakers[worker % lab->speaker_count] : PLAN_BUILTIN;
}

bool run_speaker_is_real(const struct run *r, unsigned int worker)
{
	return speaker_of(&r->plan->lab, worker) != PLAN_BUILTIN;
}

int run_speakers_find(struct run *r, struct errmsg *err)
{
	const struct plan_lab *lab = &r->plan->lab;
	struct node_daemon found[PLAN_DAEMON_COUNT] = {0};

	r->speakers = arena_array(&r->arena, lab->workers, sizeof(*r->speakers));
	for (unsigned int i = 0; i < lab->workers; i++) {
		enum plan_daemon kind = speaker_of(lab, i);
		struct run_speaker *s = &r->speakers[i];

		if (kind == PLAN_BUILTIN)
			continue;
		if (found[kind].name == NULL && node_daemon_find(run_daemon_kind(kind), &found[kind], err) < 0)
			return err->code;
		s->daemon = (struct run_daemon){.run = r, .node = found[kind]};
		s->node.daemon = &s->daemon.node;
		snprintf(s->daemon.node.log, sizeof(s->daemon.node.log), "worker%u-%s", i + 1, found[kind].log);
		s->node.config_path = arena_printf(&r->arena, "%s/worker%u-%s", r->dir, i + 1,
						   node_daemon_config_name(found[kind].kind));
	}
	return 0;
}

static int sync(struct run *r, unsigned int worker, struct errmsg *err)
{
	struct run_speaker *s = &r->speakers[worker];
	uint64_t before = s->node.sessions;
	int result = node_speaker_sync(r->lab, worker, r->cluster, &s->node, r->dir_fd, err);

	if (before != s->node.sessions)
		s->daemon.watched = 0; /* the programs before are gone */
	run_daemon_watch(r, &s->daemon);
	return result;
}

/* 1 when every speaker has done what it was told. */
static int proceed(struct run *r, const struct run_speaker **ret_late, struct errmsg *err)
{
	int all = 1;

	for (unsigned int i = 0; i < r->lab->conf.workers; i++) {
		struct run_speaker *s = &r->speakers[i];
		int done = 1;

		if (s->node.daemon != NULL)
			done = node_daemon_proceed(s->node.daemon, r->dir_fd, err);
		if (done < 0)
			return done;
		run_daemon_watch(r, &s->daemon);
		if (done == 0)
			*ret_late = s;
		all = done > 0 ? all : 0;
	}
	return all;
}

static int await(struct run *r, struct errmsg *err)
{
	struct instant deadline = instant_add(drive_now(r->drive), FOLLOW_WITHIN_NS);
	const struct run_speaker *late = NULL;

	/* What a program waits for is a socket that another one makes: the kernel tells nobody, so that this looks. */
	for (;;) {
		int done = proceed(r, &late, err);

		if (done < 0)
			return done;
		if (r->daemon_ended)
			return run_daemon_failed(r, err);
		if (done > 0)
			return 0;
		if (!instant_before(drive_now(r->drive), deadline))
			return errmsg_say(err, -ETIMEDOUT,
					  "%s %s of %s does not take its configuration within %s; see %s/%s",
					  late->daemon.node.name, late->daemon.node.version, late->daemon.node.instance,
					  duration_text(FOLLOW_WITHIN_NS).s, r->dir, late->daemon.node.log);
		if (!drive_wait(r->drive, instant_add(drive_now(r->drive), LOOK_NS)))
			return errmsg_say(err, -EINTR, "interrupted");
	}
}

int run_speakers_follow(struct run *r, struct errmsg *err)
{
	int result = 0;

	if (r->plan->lab.speaker_count == 0)
		return 0;
	for (unsigned int i = 0; i < r->lab->conf.workers && result == 0; i++) {
		if (run_speaker_is_real(r, i) && !r->lab->workers[i].stopped)
			result = sync(r, i, err);
	}
	return result == 0 ? await(r, err) : result;
}

int run_speaker_unplug(struct run *r, unsigned int worker, struct errmsg *err)
{
	return node_daemon_unplug(r->speakers[worker].node.daemon, err);
}

void run_speaker_stop(struct run *r, unsigned int worker)
{
	struct run_speaker *s = &r->speakers[worker];

	node_daemon_end(s->node.daemon);
	s->node.sessions = 0;
	s->daemon.watched = 0;
}

void run_speakers_free(struct run *r)
{
	for (unsigned int i = 0; r->lab != NULL && r->speakers != NULL && i < r->lab->conf.workers; i++) {
		if (r->speakers[i].node.daemon != NULL)
			node_speaker_free(&r->speakers[i].node);
	}
}
