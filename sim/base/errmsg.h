/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An error of the system or a resource on its way up: a negative errno and a sentence that gains context. */
#ifndef ECMPLAB_ERRMSG_H
#define ECMPLAB_ERRMSG_H

struct errmsg {
	int code; /* 0 or -errno */
	char text[1024];
};

/* Writes the sentence, and strerror(code) behind it where code is not 0. Returns code, to be passed up. */
int errmsg_set(struct errmsg *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Writes the sentence as it is, for words of our own or of a daemon. Returns code. */
int errmsg_say(struct errmsg *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts "context: " before the sentence. Returns the error's code. */
int errmsg_context(struct errmsg *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
