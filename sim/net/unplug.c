/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of a process that end without a word. */
#include "net.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux closes a connection in repair without a word; what is no connection is left as it is. */
static int silence(int pidfd, int number)
{
	const int on = TCP_REPAIR_ON;
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);

	if (fd < 0)
		return errno == EBADF ? 0 : -errno; /* closed meanwhile */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on));
	close(fd);
	return 0;
}

static int silence_all(int pidfd, DIR *descriptors)
{
	const struct dirent *entry;
	int r = 0;

	while (r == 0 && (entry = readdir(descriptors)) != NULL) {
		if (entry->d_name[0] != '.')
			r = silence(pidfd, (int)strtol(entry->d_name, NULL, 10));
	}
	return r;
}

int net_unplug(pid_t pid, struct errmsg *err)
{
	char path[64];
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), r;
	DIR *descriptors;

	if (pidfd < 0)
		return errmsg_set(err, -errno, "process %d", (int)pid);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	descriptors = opendir(path);
	if (descriptors != NULL) {
		r = silence_all(pidfd, descriptors);
		closedir(descriptors);
	} else {
		r = -errno;
	}
	close(pidfd);
	return r < 0 ? errmsg_set(err, r, "the sockets of process %d", (int)pid) : 0;
}
