/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of a file: read whole, checked to be text, and quoted line by line in messages. */
#include "yaml_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SHOWN_MAX 240

char *yaml_line(const struct yaml_source *src, unsigned int n, struct arena *arena)
{
	const char *start = src->text, *end = src->text + src->len, *stop;

	for (unsigned int i = 1; i < n && start < end; i++) {
		const char *feed = memchr(start, '\n', (size_t)(end - start));

		start = feed != NULL ? feed + 1 : end;
	}
	stop = memchr(start, '\n', (size_t)(end - start));
	stop = stop != NULL ? stop : end;
	if (stop > start && stop[-1] == '\r')
		stop--;
	return arena_strndup(arena, start, (size_t)(stop - start));
}

char *text_printable(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
		bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;

		if (*p == '\n' || *p == '\t')
			*p = ' ';
		else if (*p < 0x20 || *p == 0x7f || c1)
			*p = '?';
		if (c1)
			p[1] = '?';
	}
	return text;
}

struct diag *yaml_fault(struct diags *diags, const struct yaml_source *src, struct yaml_mark at, const char *fmt, ...)
{
	struct diag *d;
	char *text, *line;
	va_list args;

	va_start(args, fmt);
	text = arena_vprintf(&diags->arena, fmt, args);
	va_end(args);
	d = diags_add(diags, src->path, at.line, at.column, "%s", text_printable(text));
	line = text_printable(yaml_line(src, at.line, &diags->arena));
	if (at.line != 0 && strlen(line) <= LINE_SHOWN_MAX)
		d->source = line;
	d->len = at.len > 0 ? at.len : 1;
	return d;
}

/* The length of the UTF-8 character at p, 0 when there is none; no surrogates, no overlong forms (RFC 3629
 * section 4). */
static size_t utf8_len(const unsigned char *p, size_t left)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : 0;

	if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static int text_check(const struct yaml_source *src, struct diags *diags)
{
	const unsigned char *p = (const unsigned char *)src->text;
	struct yaml_mark at = {1, 1, 1};
	size_t n;

	for (size_t i = 0; i < src->len; i += n) {
		n = utf8_len(p + i, src->len - i);
		if (n == 0) {
			diags_add(diags, src->path, at.line, at.column, "byte 0x%02x is not UTF-8 text", p[i])->hint =
				"save the file as UTF-8";
			return -EINVAL;
		}
		if ((p[i] < 0x20 && p[i] != '\n' && p[i] != '\t' && p[i] != '\r') || p[i] == 0x7f) {
			diags_add(diags, src->path, at.line, at.column, "control character 0x%02x in the text", p[i]);
			return -EINVAL;
		}
		at.column++;
		if (p[i] == '\n')
			at = (struct yaml_mark){at.line + 1, 1, 1};
	}
	return 0;
}

/* Reads on until the end, or one byte more than is allowed. Returns the number of bytes or -errno. */
static ssize_t slurp(int fd, char **bytes)
{
	size_t len = 0, cap = 0;
	ssize_t n;

	do {
		if (len == cap) {
			cap = cap == 0 ? 16384 : cap * 2;
			*bytes = memory_grow(*bytes, cap, 1);
		}
		n = read(fd, *bytes + len, cap - len);
		len += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && len <= YAML_FILE_MAX) || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : (ssize_t)len;
}

/* The caller frees *bytes in any case. */
static ssize_t slurp_path(const char *path, char **bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = fstat(fd, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : slurp(fd, bytes);
	close(fd);
	return n;
}

const struct yaml_source *yaml_open_any(const char *path, struct arena *arena, struct diags *diags)
{
	struct yaml_source *src = arena_alloc(arena, sizeof(*src));
	char *bytes = NULL;
	ssize_t n = slurp_path(path, &bytes);

	src->path = arena_strdup(arena, path);
	if (n > 0 && (size_t)n <= YAML_FILE_MAX) {
		char *text = arena_alloc(arena, (size_t)n + 1);

		memcpy(text, bytes, (size_t)n);
		src->text = text;
		src->len = (size_t)n;
	}
	free(bytes);
	if (n < 0)
		diags_add(diags, path, 0, 0, "can't read the file: %s", strerror((int)-n));
	else if (n == 0)
		diags_add(diags, path, 1, 1, "the file is empty");
	else if (src->text == NULL)
		diags_add(diags, path, 0, 0, "the file is larger than %zu bytes", YAML_FILE_MAX);
	return src->text != NULL ? src : NULL;
}

const struct yaml_source *yaml_open(const char *path, struct arena *arena, struct diags *diags)
{
	const struct yaml_source *src = yaml_open_any(path, arena, diags);

	return src != NULL && text_check(src, diags) == 0 ? src : NULL;
}
