/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that a scenario names: manifests and the router's configuration, relative to its own folder. */
#include "manifest_int.h"
#include "plan_int.h"
#include "words.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NEIGHBOURS_MAX 128

/* The file of the folder whose name is nearest, or NULL. */
static const char *neighbour(struct plan_state *s, const char *name)
{
	const char *names[NEIGHBOURS_MAX];
	DIR *dir = opendir(s->plan->dir);
	const struct dirent *e;
	size_t n = 0;

	while (dir != NULL && n < NEIGHBOURS_MAX && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] != '.' && strcmp(e->d_name, "scenario.yaml") != 0)
			names[n++] = arena_strdup(s->r.arena, e->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	return words_nearest(name, names, n);
}

const char *plan_path(struct plan_state *s, const struct yaml_node *v, const char *key)
{
	const char *text = reader_text(&s->r, v, key), *path, *near;
	struct diag *d;

	if (text == NULL)
		return NULL;
	path = text[0] == '/' ? arena_strdup(s->r.arena, text) : arena_printf(s->r.arena, "%s/%s", s->plan->dir, text);
	if (*text != '\0' && access(path, R_OK) == 0)
		return path;
	d = reader_fault(&s->r, v, "%s: can't read %s: %s", key, path, strerror(*text != '\0' ? errno : ENOENT));
	near = neighbour(s, text);
	if (near != NULL)
		diag_hint(&s->r, d, "did you mean \"%s\"?", near);
	return NULL;
}

const struct yaml_source *plan_source(const struct plan_state *s, const char *path)
{
	for (const struct yaml_source *src = s->sources; src != NULL; src = src->next) {
		if (strcmp(src->path, path) == 0)
			return src;
	}
	return s->r.src;
}

typedef VEC(struct kube_object) objects_vec;

static void file_objects(struct plan_state *s, const struct yaml_node *v, const char *key, objects_vec *ret)
{
	const char *path = plan_path(s, v, key);
	const struct yaml_source *src = path != NULL ? yaml_open(path, s->r.arena, s->r.diags) : NULL;
	const struct kube_object *objects;
	struct yaml_source *kept;
	size_t n = 0;

	if (src == NULL)
		return;
	kept = arena_memdup(s->r.arena, src, sizeof(*src));
	kept->next = s->sources;
	s->sources = kept;
	manifest_load(src, s->r.arena, s->r.diags, &objects, &n);
	for (size_t i = 0; i < n; i++)
		VEC_PUSH(ret, objects[i]);
}

void plan_objects(struct plan_state *s, const struct yaml_node *v, const char *key, const struct kube_object **ret,
		  size_t *ret_count)
{
	objects_vec all = {0};

	if (v->kind == YAML_LIST) {
		for (size_t i = 0; i < v->count; i++)
			file_objects(s, v->items[i], key, &all);
	} else if (v->kind == YAML_TEXT) {
		file_objects(s, v, key, &all);
	} else {
		reader_wrong_type(&s->r, v, key, "a file or a list of files");
	}
	*ret = arena_memdup(s->r.arena, all.at, all.len * sizeof(*all.at));
	*ret_count = all.len;
	VEC_FREE(&all);
	for (size_t i = 0; i < *ret_count; i++)
		plan_known_add(s, &(*ret)[i]);
}
