/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int fd = -1;

const char *fuzz_file_open(const uint8_t *bytes, size_t n)
{
	static char path[64];

	fd = memfd_create("fuzz", MFD_CLOEXEC);
	FUZZ_MUST(fd >= 0);
	for (size_t done = 0; done < n;) {
		ssize_t written = write(fd, bytes + done, n - done);

		FUZZ_MUST(written > 0);
		done += (size_t)written;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

void fuzz_file_close(void)
{
	close(fd);
	fd = -1;
}
