/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pcap file that is being written. The dumper says nothing about failures, so its stream is asked. */
#include "capture_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int failed(struct errmsg *err, int code, const char *name)
{
	return errmsg_set(err, code, "can't write %s", name);
}

int savefile_open(struct savefile *s, int dir_fd, const char *name, int linktype, size_t buffer, struct errmsg *err)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int code;

	*s = (struct savefile){.name = name};
	if (fd < 0)
		return failed(err, -errno, name);
	s->stream = fdopen(fd, "wb");
	if (s->stream == NULL) {
		code = -errno;
		close(fd);
		return failed(err, code, name);
	}
	s->buffer = memory_new(buffer);
	(void)setvbuf(s->stream, s->buffer, _IOFBF, buffer);
	s->dead = pcap_open_dead_with_tstamp_precision(linktype, CAPTURE_SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
	if (s->dead != NULL)
		s->dumper = pcap_dump_fopen(s->dead, s->stream);
	if (s->dumper != NULL)
		return 0;
	code = s->dead != NULL ? errmsg_say(err, -EIO, "can't write %s: %s", name, pcap_geterr(s->dead))
			       : failed(err, -ENOMEM, name);
	savefile_close(s);
	return code;
}

static void note(struct savefile *s)
{
	if (s->error == 0)
		s->error = errno != 0 ? -errno : -EIO;
}

void savefile_write(struct savefile *s, const struct pcap_pkthdr *header, const uint8_t *bytes)
{
	if (s->error != 0)
		return;
	errno = 0;
	pcap_dump((u_char *)s->dumper, header, bytes);
	if (ferror(s->stream))
		note(s);
}

int savefile_flush(struct savefile *s, struct errmsg *err)
{
	errno = 0;
	if (s->dumper != NULL && s->error == 0 && fflush(s->stream) != 0)
		note(s);
	return savefile_error(s, err);
}

int savefile_error(const struct savefile *s, struct errmsg *err)
{
	return s->error == 0 ? 0 : failed(err, s->error, s->name);
}

void savefile_close(struct savefile *s)
{
	if (s->dumper != NULL)
		pcap_dump_close(s->dumper);
	else if (s->stream != NULL)
		fclose(s->stream);
	if (s->dead != NULL)
		pcap_close(s->dead);
	free(s->buffer);
	*s = (struct savefile){.name = s->name, .error = s->error};
}
