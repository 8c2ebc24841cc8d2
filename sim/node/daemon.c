/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds of real daemons; finding one, starting it as the router, and hearing what it says. */
#include "daemon_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAST_WORDS 600U

static const struct daemon_kind kinds[NODE_DAEMON_KINDS] = {
	[NODE_BIRD1] = {.name = "BIRD",
			.package = "bird",
			.program = "bird",
			.unpacked = "daemons/bird1/usr/sbin/bird",
			.version_option = "--version",
			.version_words = "version ",
			.version_prefix = "1.",
			.config_name = "bird.conf",
			.installs_routes = true,
			.speaks_bfd = true,
			.router_config = bird1_router_config,
			.programs = bird_programs,
			.speaker_config = bird1_speaker_config,
			.speaker_change = bird_speaker_change},
	[NODE_BIRD2] = {.name = "BIRD",
			.package = "bird2",
			.program = "bird",
			.unpacked = "daemons/bird2/usr/sbin/bird",
			.version_option = "--version",
			.version_words = "version ",
			.version_prefix = "2.",
			.config_name = "bird.conf",
			.installs_routes = true,
			.speaks_bfd = true,
			.router_config = bird2_router_config,
			.programs = bird_programs,
			.speaker_config = bird2_speaker_config,
			.speaker_change = bird_speaker_change},
	[NODE_FRR] = {.name = "FRR",
		      .package = "frr",
		      .program = "bgpd",
		      .places = {"/usr/lib/frr/bgpd", "/usr/libexec/frr/bgpd", "/usr/local/sbin/bgpd"},
		      .version_option = "--version",
		      .version_words = "bgpd version ",
		      .version_prefix = "",
		      .config_name = "frr.conf",
		      .installs_routes = true,
		      .speaks_bfd = true,
		      .router_config = frr_router_config,
		      .programs = frr_programs,
		      .speaker_config = frr_speaker_config,
		      .speaker_change = frr_speaker_change},
	[NODE_GOBGP] = {.name = "GoBGP",
			.package = "gobgpd",
			.program = "gobgpd",
			.version_option = "--version",
			.version_words = "gobgpd version ",
			.version_prefix = "",
			.config_name = "gobgpd.conf",
			.router_config = gobgp_router_config,
			.programs = gobgp_programs,
			.speaker_config = gobgp_speaker_config,
			.speaker_change = gobgp_speaker_change,
			.routes_told = true},
	[NODE_OPENBGPD] = {.name = "OpenBGPD",
			   .package = "openbgpd",
			   .program = "bgpd",
			   .version_option = "-V",
			   .version_words = "OpenBGPD ",
			   .version_prefix = "",
			   .config_name = "bgpd.conf",
			   .router_config = openbgpd_router_config,
			   .programs = openbgpd_programs},
	[NODE_EXABGP] = {.name = "ExaBGP",
			 .package = "exabgp",
			 .program = "exabgp",
			 .version_option = "--version",
			 .version_words = "ExaBGP : ",
			 .version_prefix = "",
			 .config_name = "exabgp.conf",
			 .programs = exabgp_programs,
			 .speaker_config = exabgp_speaker_config,
			 .speaker_change = exabgp_speaker_change,
			 .routes_told = true},
};

/* Runs "program --version", or its like, and keeps the beginning of what it prints. */
static int version_ask(const char *path, const char *option, char *ret, size_t room)
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
		execl(path, path, option, (char *)NULL);
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

	if (access(path, X_OK) != 0 || version_ask(path, kind->version_option, answer, sizeof(answer)) < 0)
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

static bool installed(const struct daemon_kind *kind, struct node_daemon *d)
{
	char path[256];

	if (kind->unpacked != NULL) {
		unpacked_path(kind, path, sizeof(path));
		if (candidate(kind, path, d))
			return true;
	}
	for (size_t i = 0; i < DAEMON_PLACES && kind->places[i] != NULL; i++) {
		if (candidate(kind, kind->places[i], d))
			return true;
	}
	return net_program_find(kind->program, path, sizeof(path)) && candidate(kind, path, d);
}

int node_daemon_find(enum node_daemon_kind which, struct node_daemon *ret, struct errmsg *err)
{
	const struct daemon_kind *kind = &kinds[which];
	struct node_daemon d = {.kind = which, .name = kind->name, .pid = -1};

	if (!installed(kind, &d))
		return errmsg_say(err, -ENOENT, "%s%s%s%s is not installed on this machine (Debian package \"%s\")",
				  kind->name, *kind->version_prefix != '\0' ? " " : "", kind->version_prefix,
				  *kind->version_prefix != '\0' ? "x" : "", kind->package);
	snprintf(d.log, sizeof(d.log), "%s.log", kind->package);
	*ret = d;
	return 0;
}

const struct daemon_kind *daemon_kind(enum node_daemon_kind which)
{
	return &kinds[which];
}

bool node_daemon_speaks(enum node_daemon_kind which)
{
	return kinds[which].speaker_config != NULL;
}

bool node_daemon_installs_routes(enum node_daemon_kind which)
{
	return kinds[which].installs_routes;
}

const char *node_daemon_config_name(enum node_daemon_kind which)
{
	return kinds[which].config_name;
}

char *node_router_config(const struct node_lab *lab, const struct node_router_conf *conf, enum node_daemon_kind kind,
			 struct arena *arena)
{
	char *text = NULL, *kept;
	size_t len;
	FILE *f;

	if (kinds[kind].router_config == NULL)
		return NULL;
	f = open_memstream(&text, &len);
	if (f == NULL)
		memory_exhausted();
	kinds[kind].router_config(lab, conf, f);
	if (fclose(f) != 0)
		memory_exhausted();
	kept = arena_strdup(arena, text);
	free(text);
	return kept;
}

int node_daemon_start(struct node_lab *lab, struct node_daemon *d, const char *config_path, int run_dir_fd,
		      struct errmsg *err)
{
	int r;

	d->ns = node_router_at(lab, d->number)->ns;
	d->family = lab->conf.cluster_net.addr.family;
	r = kinds[d->kind].programs(d, config_path, &lab->arena, err);
	if (r == 0)
		r = node_daemon_proceed(d, run_dir_fd, err);
	return r < 0 ? r : 0;
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
