/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What daemons may write is theirs alone: the host's files stay as they are. */
#include "sandbox_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define ETC_LAYERS "/run/ecmplab.etc"

static int tmpfs(const char *where, struct errmsg *err)
{
	if (mount("tmpfs", where, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
		return errmsg_set(err, -errno, "mount a tmpfs on %s", where);
	return 0;
}

/* A view of /etc that keeps changes to itself; where the kernel has no overlay for us, a read-only one. */
static int etc_view(struct errmsg *err)
{
	(void)mkdir(ETC_LAYERS, 0700);
	(void)mkdir(ETC_LAYERS "/upper", 0755);
	(void)mkdir(ETC_LAYERS "/work", 0755);
	if (mount("overlay", "/etc", "overlay", MS_NOSUID | MS_NODEV,
		  "lowerdir=/etc,upperdir=" ETC_LAYERS "/upper,workdir=" ETC_LAYERS "/work,userxattr") == 0)
		return 0;
	if (mount("/etc", "/etc", NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    mount(NULL, "/etc", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
		return errmsg_set(err, -errno, "make /etc private");
	return 0;
}

static int var_view(struct errmsg *err)
{
	static const char *const dirs[] = {"/var/lib", "/var/log", "/var/cache", "/var/spool", "/var/tmp"};
	int r = tmpfs("/var", err);

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && r == 0; i++)
		(void)mkdir(dirs[i], 0755);
	if (r == 0 && symlink("/run", "/var/run") < 0)
		r = errmsg_set(err, -errno, "/var/run");
	return r;
}

/* Makes the folders of a path that a private mount hides. */
static void folders_make(const char *path)
{
	char part[PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		(void)mkdir(part, 0755);
	}
	(void)mkdir(path, 0755);
}

static bool hidden(const char *dir)
{
	return strncmp(dir, "/run/", 5) == 0 || strncmp(dir, "/var/", 5) == 0 || strncmp(dir, "/etc/", 5) == 0;
}

static int dir_return(const char *dir, int dir_fd, struct errmsg *err)
{
	char from[64];

	if (dir_fd < 0)
		return 0;
	folders_make(dir);
	snprintf(from, sizeof(from), "/proc/self/fd/%d", dir_fd);
	if (mount(from, dir, NULL, MS_BIND | MS_REC, NULL) < 0)
		return errmsg_set(err, -errno, "keep %s in sight", dir);
	return 0;
}

static int home_keep(struct errmsg *err)
{
	int fd = open(NET_HOME, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);

	if (fd >= 0)
		close(fd);
	if (fd < 0 || mount("/proc/thread-self/ns/net", NET_HOME, NULL, MS_BIND, NULL) < 0)
		return errmsg_set(err, -errno, "%s", NET_HOME);
	return 0;
}

static int views_make(const char *dir, int dir_fd, struct errmsg *err)
{
	int r = tmpfs("/run", err);

	if (r == 0)
		r = etc_view(err);
	if (r == 0)
		r = var_view(err);
	return r < 0 ? r : dir_return(dir, dir_fd, err);
}

int sandbox_mounts(const char *dir, struct errmsg *err)
{
	int dir_fd = -1, r;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return errmsg_set(err, -errno, "make mounts private");
	/* Opened here: the caller's descriptors are of its mounts, not of our copies, and can't be mounted again. */
	if (dir != NULL && hidden(dir)) {
		dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dir_fd < 0)
			return errmsg_set(err, -errno, "%s", dir);
	}
	r = views_make(dir, dir_fd, err);
	if (dir_fd >= 0)
		close(dir_fd);
	if (r < 0)
		return r;
	/* A container may forbid both: the host's /proc then shows other pids, which nothing here relies on. */
	(void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	(void)mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	return home_keep(err);
}
