/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every flow's worker before and after a change, one line each, for those who want to look for themselves. */
#include "run_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void put_moves(FILE *out, const struct judge_finding *f)
{
	fputs("flow\tclient\tclient_port\tport\tbefore\tafter\tfate\n", out);
	for (size_t i = 0; i < f->move_count; i++) {
		const struct judge_move *m = &f->moves[i];

		fprintf(out, "%u\t%s\t%u\t%u\t%s\t%s\t%s\n", m->flow,
			m->client.family != ADDR_NONE ? addr_text(&m->client).s : "-", m->client_port, m->port,
			m->before != NULL ? m->before : "-", m->after != NULL ? m->after : "-",
			judge_fate_name(m->fate));
	}
}

int run_moves_save(struct run *r, const struct judge_finding *finding, struct errmsg *err)
{
	char name[32];
	FILE *out;
	int fd, failed;

	if (finding->move_count == 0)
		return 0;
	snprintf(name, sizeof(name), "moves-%u.tsv", ++r->moves_saved);
	fd = openat(r->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return errmsg_say(err, -errno, "%s/%s: %s", r->dir, name, strerror(errno));
	out = fdopen(fd, "w");
	if (out == NULL) {
		failed = errno;
		close(fd);
		return errmsg_say(err, -failed, "%s/%s: %s", r->dir, name, strerror(failed));
	}
	put_moves(out, finding);
	failed = ferror(out) ? EIO : 0;
	if (fclose(out) != 0)
		failed = errno;
	return failed != 0 ? errmsg_say(err, -failed, "%s/%s: %s", r->dir, name, strerror(failed)) : 0;
}
