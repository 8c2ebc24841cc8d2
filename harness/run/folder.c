/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run directory: one folder that holds everything a run leaves. */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PARENT "runs"
#define SAME_SECOND_MAX 1000

static int make(const char *path, struct errmsg *err)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	return errmsg_set(err, -errno, "can't make the run directory %s (--out DIR names another place)", path);
}

static int make_parents(const char *path, struct errmsg *err)
{
	char part[PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		int r;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		r = make(part, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* runs/NAME-20261123-014501, with -2, -3 ... behind it within the same second. */
static int make_fresh(const char *name, char *ret, size_t room, struct errmsg *err)
{
	time_t now = time(NULL);
	struct tm local;
	char stamp[32];
	int r = make(PARENT, err);

	if (r < 0)
		return r;
	localtime_r(&now, &local);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &local);
	for (int i = 1; i <= SAME_SECOND_MAX; i++) {
		int n = i == 1 ? snprintf(ret, room, "%s/%s-%s", PARENT, name, stamp)
			       : snprintf(ret, room, "%s/%s-%s-%d", PARENT, name, stamp, i);

		if (n < 0 || (size_t)n >= room)
			return errmsg_set(err, -ENAMETOOLONG, "run directory for %s", name);
		if (mkdir(ret, 0755) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return errmsg_set(err, -errno, "can't make the run directory %s (--out DIR names another place)", ret);
}

/* runs/latest points to the newest; nobody depends on it, so a failure is none of ours. */
static void point_latest(const char *path)
{
	const char *name = strrchr(path, '/');

	unlink(PARENT "/latest");
	if (name != NULL && symlink(name + 1, PARENT "/latest") < 0)
		return;
}

int run_folder_make(const char *out, const char *name, char ret[static PATH_MAX], int *ret_fd, struct errmsg *err)
{
	char path[PATH_MAX];
	int r, fd;

	if (out != NULL) {
		if ((size_t)snprintf(path, sizeof(path), "%s", out) >= sizeof(path) || *out == '\0')
			return errmsg_set(err, -EINVAL, "run directory \"%.60s\"", out);
		r = make_parents(path, err);
		r = r == 0 ? make(path, err) : r;
	} else {
		r = make_fresh(name, path, sizeof(path), err);
		if (r == 0)
			point_latest(path);
	}
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || realpath(path, ret) == NULL) {
		r = errmsg_set(err, -errno, "run directory %s", path);
		if (fd >= 0)
			close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}
