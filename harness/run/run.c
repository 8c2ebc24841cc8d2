/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One scenario, from folder to verdict. Outside the sandbox: the folder, the daemon's program. Inside: all else. */
#include "folder.h"
#include "run_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* Midnight of 1 January 2000, UTC: the same run has the same stamps whenever it is played. */
#define VIRTUAL_START_S INT64_C(946684800)

struct instant run_monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct instant){ts.tv_sec * NS_PER_S + ts.tv_nsec};
}

static uint64_t seed_choose(const struct plan *plan, const struct run_options *options)
{
	uint32_t drawn;

	if (options->has_seed)
		return options->seed;
	if (plan->has_seed)
		return plan->seed;
	/* Short enough to be typed again. */
	if (getrandom(&drawn, sizeof(drawn), 0) != (ssize_t)sizeof(drawn))
		drawn = (uint32_t)time(NULL);
	return drawn % 1000000;
}

static void hold_open(struct run *r)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "the lab stays up until Ctrl-C; enter it with: nsenter --target \"$(pgrep -P %d)\" --user "
		 "--preserve-credentials --mount --net --pid, then: ip netns exec client1 sh",
		 r->owner_pid);
	run_tell(r, NULL, text);
	while (drive_wait(r->drive, INSTANT_NEVER))
		;
}

/* A daemon that refuses its configuration is what the user came to learn: a failure, told in its words. */
static enum run_exit setup_failed(const struct run *r, int error)
{
	return r->has_daemon && error == -ECHILD ? RUN_FAILED : run_exit_of(error);
}

static enum run_exit play(struct run *r, struct errmsg *err)
{
	int error = run_setup(r, err);
	enum run_exit result;

	if (error < 0)
		return setup_failed(r, error);
	run_tell_lab(r);
	run_tiers_tell(r);
	if (r->virtual != NULL)
		run_tell(r, NULL, "virtual time, from 2000-01-01 00:00 UTC on: no kernel below, nobody waits");
	result = run_steps(r, err);
	run_phase(r, "steps");
	if (r->options->keep && r->virtual == NULL && result != RUN_INTERRUPTED)
		hold_open(r);
	return result;
}

/* What the last frames are worth is not lost: captures are settled and saved however the run ended. */
static enum run_exit evidence_save(struct run *r, enum run_exit result, struct errmsg *err)
{
	struct errmsg late;

	if (r->virtual == NULL && (r->capture == NULL || r->fib == NULL))
		return result;
	if ((r->virtual != NULL ? run_virtual_stop(r, &late) : run_evidence_stop(r, &late)) < 0) {
		if (result == RUN_PASSED || result == RUN_INCONCLUSIVE) {
			*err = late;
			result = RUN_BROKEN;
		}
	}
	run_neighbours_tell(r);
	return result;
}

/* The sandbox's process. Its return value becomes the exit code. */
static int body(void *arg)
{
	struct run *r = arg;
	struct errmsg err = {0};
	enum run_exit result;
	bool explained;
	int error;

	r->phase_began = run_monotonic();
	VEC_PUSH(&r->phases, (struct report_phase){.name = "sandbox", .ns = instant_since(r->phase_began, r->began)});
	if (run_tell_start(r, &err) < 0) {
		fprintf(stderr, "ecmplab: %s\n", err.text);
		return RUN_BROKEN;
	}
	result = evidence_save(r, play(r, &err), &err);
	/* A failed expectation explains itself; all else comes with a sentence. */
	explained = result == RUN_PASSED || result == RUN_INCONCLUSIVE || (result == RUN_FAILED && err.code == 0);
	error = run_tell_end(r, result, explained ? NULL : err.text);
	run_teardown(r);
	VEC_FREE(&r->phases);
	if (error < 0 && result != RUN_INTERRUPTED) {
		fprintf(stderr, "ecmplab: can't write the results in %s: %s\n", r->dir, strerror(-error));
		return RUN_BROKEN;
	}
	return (int)result;
}

/* No lab came to be: the report is the message alone. */
static enum run_exit tell_without_lab(struct run *r, enum run_exit result, const struct errmsg *why, struct errmsg *err)
{
	int error = run_tell_start(r, err);

	if (error < 0)
		return RUN_BROKEN;
	error = run_tell_end(r, result, why->text);
	if (error < 0)
		(void)errmsg_set(err, error, "can't write the results in %s", r->dir);
	return error < 0 ? RUN_BROKEN : result;
}

static enum run_exit run_in_folder(struct run *r, struct errmsg *err)
{
	struct errmsg why = {0};
	int status = 0, error;

	if (r->plan->virtual.on)
		return (enum run_exit)body(r); /* touches nothing that a sandbox would keep it from */
	error = run_daemon_find(r, &why);
	if (error == 0)
		error = run_speakers_find(r, &why);
	if (error < 0)
		return tell_without_lab(r, error == -ENOENT || error == -EOPNOTSUPP ? RUN_SKIPPED : RUN_BROKEN, &why,
					err);
	error = net_sandbox_run(body, r, r->dir, &status, &why);
	if (error < 0)
		return tell_without_lab(r, error == -EPERM || error == -ENOSYS ? RUN_SKIPPED : RUN_BROKEN, &why, err);
	if (status >= 128 && status != RUN_INTERRUPTED) {
		(void)errmsg_say(err, -ECHILD, "the lab's process was ended by signal %d (%s)", status - 128,
				 strsignal(status - 128));
		return RUN_BROKEN;
	}
	return (enum run_exit)status;
}

enum run_exit run_scenario(const struct plan *plan, const struct run_options *options, struct errmsg *err)
{
	struct run *r = memory_new(sizeof(*r));
	enum run_exit result = RUN_BROKEN;

	r->plan = plan;
	r->options = options;
	r->began = run_monotonic();
	r->started = drive_wall();
	if (plan->virtual.on)
		r->started.ns = VIRTUAL_START_S * NS_PER_S;
	r->seed = seed_choose(plan, options);
	r->owner_pid = getpid();
	if (run_folder_make(options->out, plan->name, r->dir, &r->dir_fd, err) == 0) {
		result = run_in_folder(r, err);
		close(r->dir_fd);
	}
	arena_clear(&r->arena);
	free(r);
	return result;
}
