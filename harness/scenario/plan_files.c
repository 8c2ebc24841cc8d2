/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that a scenario names: manifests and the router's configuration, relative to its own folder. */
#include "manifest_int.h"
#include "plan_int.h"
#include "words.h"

#include <ctype.h>
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

/* ---- BIRD's two languages ---- */

/* Skips blanks, comments and strings of a BIRD configuration; counts lines. */
static const char *bird_skip(const char *p, unsigned int *line)
{
	for (;;) {
		const char *end = p;

		if (*p == '\0')
			return p;
		if (isspace((unsigned char)*p))
			end = p + 1;
		else if (*p == '#')
			end = p + strcspn(p, "\n");
		else if (strncmp(p, "/*", 2) == 0)
			end = strstr(p, "*/") != NULL ? strstr(p, "*/") + 2 : p + strlen(p);
		else if (*p == '"')
			end = strchr(p + 1, '"') != NULL ? strchr(p + 1, '"') + 1 : p + strlen(p);
		if (end == p)
			return p;
		for (; p < end; p++)
			*line += *p == '\n';
	}
}

static size_t word_len(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n;
}

/* A channel (ipv4 {, ipv6 {, ipv4;) is BIRD 2; an import or export that stands in a protocol outside of one is
 * BIRD 1. */
enum plan_daemon plan_config_syntax(struct plan_state *s, const char *path, unsigned int *ret_line)
{
	const struct yaml_source *src = yaml_open_any(path, s->r.arena, s->r.diags);
	const char *p = src != NULL ? src->text : "";
	enum plan_daemon old = PLAN_DAEMON_COUNT;
	unsigned int line = 1, depth = 0;
	bool protocol = false;

	for (p = bird_skip(p, &line); *p != '\0'; p = bird_skip(p, &line)) {
		size_t n = word_len(p);

		depth += *p == '{';
		depth -= *p == '}' && depth > 0;
		if (n == 4 && (strncmp(p, "ipv4", n) == 0 || strncmp(p, "ipv6", n) == 0)) {
			*ret_line = line;
			return PLAN_BIRD2;
		}
		if (depth == 0 && n > 0)
			protocol = n == 8 && strncmp(p, "protocol", n) == 0 ? true : protocol;
		protocol = protocol && !(*p == '}' && depth == 0);
		if (old == PLAN_DAEMON_COUNT && protocol && depth == 1 && n == 6 &&
		    (strncmp(p, "import", n) == 0 || strncmp(p, "export", n) == 0)) {
			old = PLAN_BIRD1;
			*ret_line = line;
		}
		p += n > 0 ? n : 1;
	}
	return old;
}
