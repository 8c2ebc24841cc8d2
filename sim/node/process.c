/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs of a daemon: started in order, each when what it needs is there; ended together. */
#include "daemon_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 20)
#define TCP_LISTEN_HEX "0A"

struct node_process *daemon_program(struct node_daemon *d, struct arena *arena, const char *const argv[DAEMON_ARGS])
{
	const char **kept = arena_array(arena, DAEMON_ARGS + 1, sizeof(*kept));

	for (size_t i = 0; i < DAEMON_ARGS && argv[i] != NULL; i++)
		kept[i] = argv[i];
	VEC_PUSH(&d->programs, (struct node_process){.argv = kept});
	return &d->programs.at[d->programs.len - 1];
}

int daemon_folder(const char *path, struct errmsg *err)
{
	char part[PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		(void)mkdir(part, 0755);
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return errmsg_set(err, -errno, "%s", path);
	return 0;
}

int daemon_file(const char *path, struct arena *arena, const char **ret, struct errmsg *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = -1;
	char *text = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0) {
		size_t size = (size_t)st.st_size < FILE_MAX ? (size_t)st.st_size : FILE_MAX;

		text = arena_alloc(arena, size + 1);
		n = read(fd, text, size);
	}
	if (n < 0)
		(void)errmsg_set(err, -errno, "%s", path);
	if (fd >= 0)
		close(fd);
	*ret = text;
	return n < 0 ? err->code : 0;
}

/* ---- Listening ---- */

/* The fourth column of a line of /proc/net/tcp is the state, the second the local address and port. */
static bool line_listens(const char *line, const char *port)
{
	char local[64], remote[64], state[8];
	const char *colon;

	if (sscanf(line, " %*[0-9]: %63s %63s %7s", local, remote, state) != 3 || strcmp(state, TCP_LISTEN_HEX) != 0)
		return false;
	colon = strchr(local, ':');
	return colon != NULL && strcmp(colon + 1, port) == 0;
}

static bool listens(pid_t pid, uint16_t port)
{
	static const char *const tables[] = {"tcp", "tcp6"};
	char hex[8];
	bool found = false;

	snprintf(hex, sizeof(hex), "%04X", port);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && !found; i++) {
		char path[64], line[256];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, tables[i]);
		f = fopen(path, "re");
		while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
			found = line_listens(line, hex);
		if (f != NULL)
			fclose(f);
	}
	return found;
}

bool node_daemon_listens(const struct node_daemon *d)
{
	return d->pid > 0 && listens(d->pid, NODE_BGP_PORT);
}

/* ---- Start and end ---- */

static bool ready(const struct node_daemon *d, const struct node_process *p)
{
	const struct node_process *before = d->begun > 0 ? &d->programs.at[d->begun - 1] : NULL;

	if (before != NULL && before->once && !before->ended)
		return false;
	if (p->awaits_file != NULL && access(p->awaits_file, F_OK) != 0)
		return false;
	return p->awaits_port == 0 || (before != NULL && listens(d->programs.at[0].pid, p->awaits_port));
}

static int begin(struct node_daemon *d, struct node_process *p, int run_dir_fd, struct errmsg *err)
{
	int log = openat(run_dir_fd, d->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	pid_t pid;

	if (log < 0)
		return errmsg_set(err, -errno, "%s", d->log);
	pid = net_spawn(d->ns, &(struct net_spawn){.argv = p->argv, .output = log, .input = -1, .one_user = true}, err);
	close(log);
	if (pid < 0)
		return errmsg_context(err, "%s %s", d->name, d->version);
	p->pid = pid;
	if (!p->once)
		d->pid = pid; /* the speaker is the last one to run on */
	d->begun++;
	return 0;
}

int node_daemon_proceed(struct node_daemon *d, int run_dir_fd, struct errmsg *err)
{
	while (d->begun < d->programs.len) {
		struct node_process *next = &d->programs.at[d->begun];
		int r;

		if (!ready(d, next))
			return 0;
		r = begin(d, next, run_dir_fd, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < d->begun; i++) {
		if (d->programs.at[i].once && !d->programs.at[i].ended)
			return 0;
	}
	return 1;
}

bool node_daemon_ended(struct node_daemon *d, pid_t pid, int wait_status)
{
	for (size_t i = 0; i < d->begun; i++) {
		struct node_process *p = &d->programs.at[i];

		if (p->pid != pid || p->ended)
			continue;
		p->ended = true;
		p->wait_status = wait_status;
		if (p->once && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
			return true;
		if (d->failed.argv == NULL)
			d->failed = *p;
		return false;
	}
	return true;
}

int node_daemon_unplug(const struct node_daemon *d, struct errmsg *err)
{
	int r = 0;

	for (size_t i = 0; i < d->begun && r == 0; i++) {
		if (!d->programs.at[i].ended)
			r = net_unplug(d->programs.at[i].pid, err);
	}
	return r;
}

void node_daemon_end(struct node_daemon *d)
{
	for (size_t i = 0; i < d->begun; i++) {
		if (!d->programs.at[i].ended)
			kill(d->programs.at[i].pid, SIGKILL);
	}
	VEC_FREE(&d->programs);
	d->begun = 0;
	d->pid = -1;
}
