/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder of files for one test, gone when the test is. */
#ifndef ECMPLAB_TEST_FOLDER_H
#define ECMPLAB_TEST_FOLDER_H

#include <stddef.h>

struct folder {
	char path[64];
};

struct folder folder_new(void);
/* "path/name", in a static buffer. */
const char *folder_path(const struct folder *f, const char *name);
void folder_write(const struct folder *f, const char *name, const void *bytes, size_t len);
void folder_remove(const struct folder *f);

/* The objects of the article, for scenarios that need a Service and a Deployment named nginx. */
extern const char folder_nginx[];

#endif
