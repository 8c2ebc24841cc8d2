/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "errmsg.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 0))) static void say(struct errmsg *e, const char *fmt, va_list args)
{
	vsnprintf(e->text, sizeof(e->text), fmt, args);
}

int errmsg_set(struct errmsg *e, int code, const char *fmt, ...)
{
	va_list args;
	size_t len;

	va_start(args, fmt);
	say(e, fmt, args);
	va_end(args);
	e->code = code;
	len = strlen(e->text);
	if (code != 0)
		snprintf(e->text + len, sizeof(e->text) - len, ": %s", strerror(code < 0 ? -code : code));
	return code;
}

int errmsg_say(struct errmsg *e, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(e, fmt, args);
	va_end(args);
	e->code = code;
	return code;
}

int errmsg_context(struct errmsg *e, const char *fmt, ...)
{
	char old[sizeof(e->text)];
	va_list args;
	size_t len;

	memcpy(old, e->text, sizeof(old));
	va_start(args, fmt);
	say(e, fmt, args);
	va_end(args);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s", old);
	return e->code;
}
