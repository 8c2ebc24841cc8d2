/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcapng (draft-ietf-opsawg-pcapng): a section header, one interface, a block a frame; least significant octet first. */
#include "virtual_save.h"

#include "arena.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER ((size_t)1 << 16)
#define HEADER_MAX 512

enum block_type { BLOCK_INTERFACE = 1, BLOCK_FRAME = 6, BLOCK_SECTION = 0x0a0d0d0a };
enum option { OPTION_END = 0, OPTION_NAME = 2, OPTION_APPLICATION = 4, OPTION_STAMPS = 9 };

#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define LINK_ETHERNET 1U
#define FRAME_LEN_MAX 65535U
#define NANOSECONDS 9

struct virtual_save {
	FILE *stream;
	char *buffer;
	char *name;
	int error;
};

static void put16(struct wire_out *out, unsigned int n)
{
	wire_put8(out, n & 0xff);
	wire_put8(out, n >> 8 & 0xff);
}

static void put32(struct wire_out *out, uint32_t n)
{
	put16(out, n & 0xffff);
	put16(out, n >> 16);
}

static size_t padding(size_t n)
{
	return (4 - n % 4) % 4;
}

static void put_padded(struct wire_out *out, const void *bytes, size_t n)
{
	wire_put(out, bytes, n);
	wire_put(out, (const uint8_t[3]){0}, padding(n));
}

static void put_option(struct wire_out *out, enum option code, const void *bytes, size_t n)
{
	put16(out, code);
	put16(out, (unsigned int)n);
	put_padded(out, bytes, n);
}

static void write_all(struct virtual_save *s, const void *bytes, size_t n)
{
	errno = 0;
	if (s->error == 0 && fwrite(bytes, 1, n, s->stream) != n)
		s->error = errno != 0 ? -errno : -EIO;
}

/* Its length stands before and behind its body. */
static void write_block(struct virtual_save *s, enum block_type type, const struct wire_out *body)
{
	uint8_t ends[12];
	struct wire_out out = wire_out_to(ends, sizeof(ends));

	put32(&out, type);
	put32(&out, (uint32_t)body->len + 12);
	write_all(s, ends, 8);
	write_all(s, body->bytes, body->len);
	write_all(s, ends + 4, 4);
}

static void write_headers(struct virtual_save *s, const char *interface)
{
	static const char application[] = "ecmplab, virtual time";
	static const uint8_t nanoseconds = NANOSECONDS;
	uint8_t bytes[HEADER_MAX];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));
	size_t name = strnlen(interface, HEADER_MAX / 2);

	put32(&out, BYTE_ORDER_MAGIC);
	put16(&out, 1);
	put16(&out, 0);
	put32(&out, UINT32_MAX); /* the section's length is not told */
	put32(&out, UINT32_MAX);
	put_option(&out, OPTION_APPLICATION, application, sizeof(application) - 1);
	put_option(&out, OPTION_END, NULL, 0);
	write_block(s, BLOCK_SECTION, &out);

	out = wire_out_to(bytes, sizeof(bytes));
	put16(&out, LINK_ETHERNET);
	put16(&out, 0);
	put32(&out, FRAME_LEN_MAX);
	put_option(&out, OPTION_NAME, interface, name);
	put_option(&out, OPTION_STAMPS, &nanoseconds, 1);
	put_option(&out, OPTION_END, NULL, 0);
	write_block(s, BLOCK_INTERFACE, &out);
}

int virtual_save_new(int dir_fd, const char *file, const char *interface, struct virtual_save **ret, struct errmsg *err)
{
	int fd = openat(dir_fd, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	FILE *stream = fd >= 0 ? fdopen(fd, "wb") : NULL;
	struct virtual_save *s;
	int code = -errno;

	if (stream == NULL) {
		if (fd >= 0)
			close(fd);
		return errmsg_set(err, code, "can't write %s", file);
	}
	s = memory_new(sizeof(*s));
	s->stream = stream;
	s->name = memory_new(strlen(file) + 1);
	memcpy(s->name, file, strlen(file));
	s->buffer = memory_new(BUFFER);
	(void)setvbuf(stream, s->buffer, _IOFBF, BUFFER);
	write_headers(s, interface);
	*ret = s;
	return 0;
}

void virtual_save_frame(struct virtual_save *s, struct instant at, const uint8_t *frame, size_t len)
{
	uint64_t ns = at.ns > 0 ? (uint64_t)at.ns : 0;
	uint32_t kept = len < FRAME_LEN_MAX ? (uint32_t)len : FRAME_LEN_MAX;
	uint8_t head[28];
	struct wire_out out = wire_out_to(head, sizeof(head));

	put32(&out, BLOCK_FRAME);
	put32(&out, (uint32_t)(32 + kept + padding(kept)));
	put32(&out, 0); /* the interface */
	put32(&out, (uint32_t)(ns >> 32));
	put32(&out, (uint32_t)ns);
	put32(&out, kept);
	put32(&out, (uint32_t)len);
	write_all(s, head, sizeof(head));
	write_all(s, frame, kept);
	write_all(s, (const uint8_t[3]){0}, padding(kept));
	write_all(s, head + 4, 4);
}

int virtual_save_end(struct virtual_save *s, struct errmsg *err)
{
	int result;

	if (s == NULL)
		return 0;
	errno = 0;
	if (fclose(s->stream) != 0 && s->error == 0)
		s->error = errno != 0 ? -errno : -EIO;
	result = s->error == 0 ? 0 : errmsg_set(err, s->error, "can't write %s", s->name);
	free(s->buffer);
	free(s->name);
	free(s);
	return result;
}
