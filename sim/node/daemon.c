/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting a real router daemon in the router's namespace, and hearing what it says. */
#include "node_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAST_WORDS 600U
#define BGP_PORT_HEX ":00B3"
#define TCP_LISTEN_HEX "0A"

struct daemon_kind {
	const char *name;
	const char *package;
	const char *program;
	const char *unpacked; /* below the folder of this program: a package that can't be installed beside its rival */
	const char *version_prefix; /* what its version must begin with */
	const char *version_words;  /* what stands before the version in the answer */
};

static const struct daemon_kind kinds[] = {
	[NODE_BIRD1] = {"BIRD", "bird", "bird", "daemons/bird1/usr/sbin/bird", "1.", "version "},
	[NODE_BIRD2] = {"BIRD", "bird2", "bird", "daemons/bird2/usr/sbin/bird", "2.", "version "},
};

/* Runs "program --version" and keeps the beginning of what it prints. */
static int version_ask(const char *path, char *ret, size_t room)
{
	int pipe_fds[2];
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		dup2(pipe_fds[1], STDOUT_FILENO);
		dup2(pipe_fds[1], STDERR_FILENO);
		execl(path, path, "--version", (char *)NULL);
		_exit(127);
	}
	close(pipe_fds[1]);
	while (pid > 0 && len + 1 < room && (n = read(pipe_fds[0], ret + len, room - 1 - len)) > 0)
		len += (size_t)n;
	ret[len] = '\0';
	close(pipe_fds[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return pid < 0 ? -EAGAIN : 0;
}

/* Takes the program when it is of the wanted kind. */
static bool candidate(const struct daemon_kind *kind, const char *path, struct node_daemon *d)
{
	char answer[256];
	const char *version;

	if (access(path, X_OK) != 0 || version_ask(path, answer, sizeof(answer)) < 0)
		return false;
	version = strstr(answer, kind->version_words);
	if (version == NULL)
		return false;
	version += strlen(kind->version_words);
	if (strncmp(version, kind->version_prefix, strlen(kind->version_prefix)) != 0)
		return false;
	snprintf(d->version, sizeof(d->version), "%.*s", (int)strcspn(version, " \r\n"), version);
	snprintf(d->path, sizeof(d->path), "%s", path);
	return true;
}

/* The wrapper unpacks what it can't install into a folder beside the build's. */
static void unpacked_path(const struct daemon_kind *kind, char *ret, size_t room)
{
	char self[200];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	for (int up = 0; up < 2; up++) { /* build/release/ecmplab -> build */
		char *slash = strrchr(self, '/');

		if (slash != NULL)
			*slash = '\0';
	}
	snprintf(ret, room, "%s/%s", self, kind->unpacked);
}

int node_daemon_find(enum node_daemon_kind which, struct node_daemon *ret, struct errmsg *err)
{
	const struct daemon_kind *kind = &kinds[which];
	struct node_daemon d = {.kind = which, .name = kind->name, .pid = -1};
	char path[256];

	unpacked_path(kind, path, sizeof(path));
	if (!candidate(kind, path, &d) &&
	    !(net_program_find(kind->program, path, sizeof(path)) && candidate(kind, path, &d)))
		return errmsg_say(err, -ENOENT, "%s %sx is not installed on this machine (Debian package \"%s\")",
				  kind->name, kind->version_prefix, kind->package);
	snprintf(d.log, sizeof(d.log), "%s.log", kind->package);
	*ret = d;
	return 0;
}

int node_daemon_start(struct node_lab *lab, struct node_daemon *d, const char *config_path, int run_dir_fd,
		      struct errmsg *err)
{
	/* -d: in the foreground, with its log on stderr when the user's file names none. */
	const char *const argv[] = {d->path, "-d", "-c", config_path, NULL};
	int log = openat(run_dir_fd, d->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	pid_t pid;

	if (log < 0)
		return errmsg_set(err, -errno, "%s", d->log);
	if (mkdir("/run/bird", 0755) < 0 && errno != EEXIST) {
		close(log);
		return errmsg_set(err, -errno, "/run/bird");
	}
	pid = net_spawn(lab->router.ns, &(struct net_spawn){.argv = argv, .output = log, .input = -1}, err);
	close(log);
	if (pid < 0)
		return errmsg_context(err, "%s %s", d->name, d->version);
	d->pid = pid;
	return 0;
}

/* The fourth column of a line of /proc/net/tcp is the state, the second the local address and port. */
static bool line_listens(const char *line)
{
	char local[64], remote[64], state[8];

	return sscanf(line, " %*[0-9]: %63s %63s %7s", local, remote, state) == 3 &&
	       strcmp(state, TCP_LISTEN_HEX) == 0 && strstr(local, BGP_PORT_HEX) != NULL;
}

bool node_daemon_listens(const struct node_daemon *d)
{
	static const char *const tables[] = {"tcp", "tcp6"};
	bool listens = false;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && !listens; i++) {
		char path[64], line[256];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)d->pid, tables[i]);
		f = fopen(path, "re");
		while (f != NULL && !listens && fgets(line, sizeof(line), f) != NULL)
			listens = line_listens(line);
		if (f != NULL)
			fclose(f);
	}
	return listens;
}

char *node_daemon_words(const struct node_daemon *d, int run_dir_fd, struct arena *arena)
{
	char *words = arena_alloc(arena, LAST_WORDS + 1);
	int fd = openat(run_dir_fd, d->log, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = 0;

	if (fd >= 0 && fstat(fd, &st) == 0)
		n = pread(fd, words, LAST_WORDS, st.st_size > (off_t)LAST_WORDS ? st.st_size - (off_t)LAST_WORDS : 0);
	if (fd >= 0)
		close(fd);
	words[n > 0 ? n : 0] = '\0';
	while (n > 0 && strchr("\r\n \t", words[n - 1]) != NULL)
		words[--n] = '\0';
	return words;
}
