/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timeline.jsonl: what happened, when, and where on the wire. */
#include "report_int.h"

#include <jansson.h>
#include <stdlib.h>

#define HELD_MAX 65536 /* bytes held back before they are written */

struct report_timeline {
	FILE *out;
	struct instant started;
	int error;
	struct text held;
};

struct report_timeline *report_timeline_new(FILE *out, struct instant started)
{
	struct report_timeline *t = memory_new(sizeof(*t));

	*t = (struct report_timeline){.out = out, .started = started};
	return t;
}

void report_timeline_write(struct report_timeline *t, const struct report_event *e)
{
	json_t *o = json_object();

	json_object_set_new_nocheck(o, "t_ns", json_integer(e->time.ns));
	json_object_set_new_nocheck(o, "since_start_ns", json_integer(instant_since(e->time, t->started)));
	json_object_set_new_nocheck(o, "kind", json_text(e->kind));
	json_object_set_new_nocheck(o, "node", json_text(e->node));
	json_object_set_new_nocheck(o, "text", json_text(e->text));
	if (e->file != NULL) {
		json_object_set_new_nocheck(o, "file", json_text(e->file));
		json_object_set_new_nocheck(o, "frame", json_integer((json_int_t)e->frame));
	}
	json_write(&t->held, o, false);
	json_decref(o);
	if (t->held.len >= HELD_MAX)
		(void)report_timeline_flush(t);
}

int report_timeline_flush(struct report_timeline *t)
{
	if (t->held.len > 0)
		report_out(t->out, &t->error, &t->held);
	t->held.len = 0;
	return t->error;
}

int report_timeline_end(struct report_timeline *t)
{
	int error;

	if (t == NULL)
		return 0;
	error = report_timeline_flush(t);
	text_fini(&t->held);
	free(t);
	return error;
}
