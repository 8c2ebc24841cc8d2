/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What JSON needs of strings, numbers and times. */
#include "report_int.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include <time.h>

json_t *json_text(const char *s)
{
	struct text t = {0};
	json_t *value;

	if (s == NULL)
		return json_null();
	text_escape(&t, s, text_char_valid);
	value = json_stringn(t.at != NULL ? t.at : "", t.len);
	text_fini(&t);
	return value;
}

json_t *json_number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static int add_bytes(const char *bytes, size_t n, void *ctx)
{
	text_addn(ctx, bytes, n);
	return 0;
}

void json_write(struct text *t, const json_t *value, bool pretty)
{
	size_t flags = JSON_REAL_PRECISION(9) | (pretty ? JSON_INDENT(2) : JSON_COMPACT);

	if (json_dump_callback(value, add_bytes, t, flags) < 0)
		memory_exhausted(); /* texts are valid and numbers finite by now */
	text_add(t, "\n");
}

struct stamp_text stamp_text(struct instant t)
{
	struct stamp_text text = {0};
	int64_t ns = t.ns % NS_PER_S;
	time_t s = (time_t)(t.ns / NS_PER_S);
	struct tm tm = {0};
	size_t n;

	if (ns < 0) {
		ns += NS_PER_S;
		s--;
	}
	gmtime_r(&s, &tm);
	n = strftime(text.s, sizeof(text.s), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text.s + n, sizeof(text.s) - n, ".%09lldZ", (long long)ns);
	return text;
}

struct instant stamp_parse(const char *text)
{
	struct tm tm = {0};
	const char *end = text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	int64_t ns = 0, unit = NS_PER_S / 10;
	time_t s = end != NULL ? timegm(&tm) : 0;

	if (end == NULL || s < 0 || s > INT64_MAX / NS_PER_S - 1)
		return (struct instant){0};
	if (*end == '.') {
		for (end++; *end >= '0' && *end <= '9'; end++) {
			ns += (*end - '0') * unit;
			unit /= 10;
		}
	}
	return (struct instant){(int64_t)s * NS_PER_S + ns};
}
