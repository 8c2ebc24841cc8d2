/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "folder.h"
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char folder_nginx[] = "apiVersion: apps/v1\n"
			    "kind: Deployment\n"
			    "metadata: {name: nginx}\n"
			    "spec:\n"
			    "  replicas: 3\n"
			    "  selector: {matchLabels: {app: nginx}}\n"
			    "  template:\n"
			    "    metadata: {labels: {app: nginx}}\n"
			    "    spec: {containers: [{name: nginx, image: nginx}]}\n"
			    "---\n"
			    "apiVersion: v1\n"
			    "kind: Service\n"
			    "metadata: {name: nginx}\n"
			    "spec:\n"
			    "  type: LoadBalancer\n"
			    "  selector: {app: nginx}\n"
			    "  ports: [{port: 80}]\n";

struct folder folder_new(void)
{
	struct folder f = {.path = "/tmp/ecmplab-scenario-XXXXXX"};

	assert_non_null(mkdtemp(f.path));
	return f;
}

const char *folder_path(const struct folder *f, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	return path;
}

void folder_write(const struct folder *f, const char *name, const void *bytes, size_t len)
{
	FILE *file = fopen(folder_path(f, name), "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

void folder_remove(const struct folder *f)
{
	DIR *dir = opendir(f->path);
	const struct dirent *e;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		unlink(folder_path(f, e->d_name));
	closedir(dir);
	rmdir(f->path);
}
