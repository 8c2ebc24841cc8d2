/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lab as a drawing: clients, router, and what hangs on the cluster's switch; side by side where the page is wide
 * enough, else one below the other. */
#include "report_int.h"

#include <string.h>

#define LEFT 2
#define WORKERS_MAX 8
#define CLIENTS_MAX 3
#define PODS_MAX 3

enum row_kind { ROW_TEXT, ROW_BRANCH, ROW_POD, ROW_MORE };

struct row {
	enum row_kind kind;
	const char *name; /* or NULL */
	const char *rest;
};

/* Rows of a box or of the tree behind the switch. */
struct block {
	VEC(struct row) rows;
	unsigned int columns; /* of the widest row */
	unsigned int height;  /* with borders */
	unsigned int top;     /* line of the drawing where it begins */
};

struct drawing {
	struct arena arena;
	struct block clients, router, tree;
	unsigned int height;
	unsigned int middle; /* the line where the wires run */
};

static const char *safe(const char *s)
{
	return s != NULL ? s : "";
}

static void row_add(struct page *p, struct block *b, struct row row)
{
	unsigned int columns = page_columns(p, row.name) + page_columns(p, row.rest);

	columns += row.name != NULL && row.rest != NULL ? 2 : 0;
	columns += row.kind == ROW_POD || row.kind == ROW_MORE ? 4 : 0;
	b->columns = columns > b->columns ? columns : b->columns;
	VEC_PUSH(&b->rows, row);
}

static const char *node_rest(struct drawing *d, const struct report_node *n)
{
	if (n->as == 0)
		return arena_strdup(&d->arena, addr_text(&n->address).s);
	return arena_printf(&d->arena, "%s  AS %u", addr_text(&n->address).s, n->as);
}

/* Up to `most` pods of a node; what is more is only counted. */
static void add_pods(struct page *p, struct drawing *d, const struct report_lab *lab, const char *node, size_t most)
{
	size_t here = 0, shown = 0;

	for (size_t i = 0; i < lab->pod_count; i++)
		here += strcmp(safe(lab->pods[i].node), safe(node)) == 0;
	for (size_t i = 0; i < lab->pod_count && shown < most; i++) {
		const struct report_pod *pod = &lab->pods[i];
		struct row row = {.kind = ROW_POD};

		if (strcmp(safe(pod->node), safe(node)) != 0)
			continue;
		shown++;
		if (here > most && shown == most) {
			row.kind = ROW_MORE;
			row.rest = arena_printf(&d->arena, "%zu %spods", here - shown + 1, shown > 1 ? "more " : "");
		} else {
			row.rest = arena_printf(&d->arena, "%s  %s", safe(pod->name), addr_text(&pod->address).s);
		}
		row_add(p, &d->tree, row);
	}
}

static void add_tree(struct page *p, struct drawing *d, const struct report_lab *lab)
{
	size_t n = lab->worker_count;
	bool folded = n > WORKERS_MAX;
	size_t head = folded ? WORKERS_MAX - 3 : n;

	for (size_t i = 0; i < n; i++) {
		const struct report_node *w = &lab->workers[i];

		if (i == head) {
			row_add(p, &d->tree,
				(struct row){.kind = ROW_MORE,
					     .rest = arena_printf(&d->arena, "%zu more workers", n - head - 1)});
			i = n - 1;
			w = &lab->workers[i];
		}
		row_add(p, &d->tree, (struct row){.kind = ROW_BRANCH, .name = safe(w->name), .rest = node_rest(d, w)});
		add_pods(p, d, lab, w->name, folded ? 1 : PODS_MAX);
	}
	if (lab->control_plane.name != NULL)
		row_add(p, &d->tree,
			(struct row){.kind = ROW_BRANCH,
				     .name = lab->control_plane.name,
				     .rest = node_rest(d, &lab->control_plane)});
	d->tree.height = (unsigned int)d->tree.rows.len;
}

static void add_clients(struct page *p, struct drawing *d, const struct report_lab *lab)
{
	size_t n = lab->client_count;
	size_t head = n > CLIENTS_MAX ? CLIENTS_MAX - 1 : n;

	for (size_t i = 0; i < head; i++) {
		const struct report_node *c = &lab->clients[i];

		if (n == 1) {
			row_add(p, &d->clients, (struct row){.name = safe(c->name)});
			row_add(p, &d->clients, (struct row){.rest = node_rest(d, c)});
		} else {
			row_add(p, &d->clients, (struct row){.name = safe(c->name), .rest = node_rest(d, c)});
		}
	}
	if (head < n)
		row_add(p, &d->clients, (struct row){.rest = arena_printf(&d->arena, "and %zu more", n - head)});
	d->clients.height = n > 0 ? (unsigned int)d->clients.rows.len + 2 : 0;
}

static void add_router(struct page *p, struct drawing *d, const struct report_router *r)
{
	row_add(p, &d->router, (struct row){.name = r->name != NULL ? r->name : "router"});
	if (r->version != NULL || r->daemon != NULL)
		row_add(p, &d->router, (struct row){.rest = r->version != NULL ? r->version : r->daemon});
	if (r->as != 0)
		row_add(p, &d->router, (struct row){.rest = arena_printf(&d->arena, "AS %u", r->as)});
	if (r->clients.family != ADDR_NONE)
		row_add(p, &d->router,
			(struct row){.rest = arena_printf(&d->arena, "clients  %s", addr_text(&r->clients).s)});
	if (r->cluster.family != ADDR_NONE)
		row_add(p, &d->router,
			(struct row){.rest = arena_printf(&d->arena, "cluster  %s", addr_text(&r->cluster).s)});
	d->router.height = (unsigned int)d->router.rows.len + 2;
}

/* Blocks are centred on one line, which is never a border of a box. */
static void place(struct drawing *d)
{
	struct block *const blocks[] = {&d->clients, &d->router, &d->tree};

	for (size_t i = 0; i < 3; i++)
		d->height = blocks[i]->height > d->height ? blocks[i]->height : d->height;
	d->middle = (d->height - 1) / 2;
	for (size_t i = 0; i < 3; i++)
		blocks[i]->top = (d->height - blocks[i]->height) / 2;
}

/* A row, cut where it would leave the page. */
static void put_row(struct page *p, const struct row *row)
{
	unsigned int width = p->style.width;

	if (row->kind == ROW_POD || row->kind == ROW_MORE) {
		page_to(p, p->column + 2);
		page_sign(p, PAGE_DIM, row->kind == ROW_POD ? PAGE_POD : PAGE_MORE);
		page_to(p, p->column + 1);
	}
	if (row->name != NULL && p->column < width)
		page_cut(p, PAGE_BOLD, row->name, width - p->column);
	if (row->name != NULL && row->rest != NULL)
		page_to(p, p->column + 2);
	if (row->rest != NULL && p->column < width)
		page_cut(p, row->kind == ROW_BRANCH || row->kind == ROW_TEXT ? PAGE_PLAIN : PAGE_DIM, row->rest,
			 width - p->column);
}

static void put_wire(struct page *p, unsigned int to)
{
	while (p->column < to)
		page_box(p, PAGE_DIM, PAGE_LEFT | PAGE_RIGHT);
}

/* One line of a box: a border or a row; `wires` says on which sides a wire leaves it on the middle line. */
static void put_box_line(struct page *p, const struct block *b, unsigned int line, unsigned int wires)
{
	unsigned int from = p->column, to = from + b->columns + 3;
	bool first = line == b->top, last = line == b->top + b->height - 1;
	unsigned int sides = (first ? 0 : PAGE_UP) | (last ? 0 : PAGE_DOWN);

	if (first || last) {
		page_box(p, PAGE_DIM, sides | PAGE_RIGHT);
		put_wire(p, to);
		page_box(p, PAGE_DIM, sides | PAGE_LEFT);
		return;
	}
	page_box(p, PAGE_DIM, sides | (wires & PAGE_LEFT));
	page_to(p, from + 2);
	put_row(p, &b->rows.at[line - b->top - 1]);
	page_to(p, to);
	page_box(p, PAGE_DIM, sides | (wires & PAGE_RIGHT));
}

static bool block_has(const struct block *b, unsigned int line)
{
	return line >= b->top && line < b->top + b->height;
}

/* The switch is a line from the first branch to the last, and to the wire of the router. */
static void put_tree_line(struct page *p, const struct drawing *d, unsigned int line)
{
	unsigned int first = d->tree.top < d->middle ? d->tree.top : d->middle;
	unsigned int last = d->tree.top;
	bool has = block_has(&d->tree, line);
	const struct row *row = has ? &d->tree.rows.at[line - d->tree.top] : NULL;
	unsigned int sides = line == d->middle ? PAGE_LEFT : 0;

	for (size_t i = 0; i < d->tree.rows.len; i++) {
		if (d->tree.rows.at[i].kind == ROW_BRANCH)
			last = d->tree.top + (unsigned int)i;
	}
	last = last > d->middle ? last : d->middle;
	sides |= line > first && line <= last ? PAGE_UP : 0;
	sides |= line >= first && line < last ? PAGE_DOWN : 0;
	sides |= row != NULL && row->kind == ROW_BRANCH ? PAGE_RIGHT : 0;
	page_box(p, PAGE_DIM, sides);
	if (row == NULL)
		return;
	page_box(p, PAGE_DIM, row->kind == ROW_BRANCH ? PAGE_LEFT | PAGE_RIGHT : 0);
	page_to(p, p->column + 1);
	put_row(p, row);
}

static void put_line(struct page *p, const struct drawing *d, unsigned int line)
{
	bool middle = line == d->middle, clients = d->clients.height > 0, tree = d->tree.height > 0;
	unsigned int router_at = LEFT + (clients ? d->clients.columns + 4 + 3 : 0);
	unsigned int tree_at = router_at + d->router.columns + 4 + 3;

	page_to(p, LEFT);
	if (block_has(&d->clients, line))
		put_box_line(p, &d->clients, line, middle ? PAGE_RIGHT : 0);
	if (middle && clients)
		put_wire(p, router_at);
	page_to(p, router_at);
	if (block_has(&d->router, line))
		put_box_line(p, &d->router, line, middle ? (clients ? PAGE_LEFT : 0U) | (tree ? PAGE_RIGHT : 0U) : 0);
	if (middle && tree)
		put_wire(p, tree_at);
	page_to(p, tree_at);
	if (tree)
		put_tree_line(p, d, line);
	page_line(p);
}

static unsigned int width_needed(const struct drawing *d)
{
	return LEFT + d->clients.columns + 7 + d->router.columns + 7 + 3 + d->tree.columns;
}

/* Everything below each other, for a narrow page. */
static void put_stack(struct page *p, const struct drawing *d)
{
	const struct block *const upper[] = {&d->clients, &d->router};
	size_t last = 0;

	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < upper[i]->rows.len; j++) {
			page_to(p, LEFT);
			put_row(p, &upper[i]->rows.at[j]);
			page_line(p);
		}
		if (upper[i]->rows.len > 0 && (i == 0 || d->tree.rows.len > 0)) {
			page_to(p, LEFT);
			page_box(p, PAGE_DIM, PAGE_UP | PAGE_DOWN);
			page_line(p);
		}
	}
	for (size_t i = 0; i < d->tree.rows.len; i++)
		last = d->tree.rows.at[i].kind == ROW_BRANCH ? i : last;
	for (size_t i = 0; i < d->tree.rows.len; i++) {
		const struct row *row = &d->tree.rows.at[i];
		bool branch = row->kind == ROW_BRANCH;

		page_to(p, LEFT);
		page_box(p, PAGE_DIM,
			 (i <= last ? PAGE_UP : 0U) | (i < last ? PAGE_DOWN : 0U) | (branch ? PAGE_RIGHT : 0U));
		page_box(p, PAGE_DIM, branch ? PAGE_LEFT | PAGE_RIGHT : 0);
		page_to(p, p->column + 1);
		put_row(p, row);
		page_line(p);
	}
}

static void put_legend(struct page *p, struct drawing *d, const struct report_lab *lab)
{
	const char *line = NULL;

	for (size_t i = 0; i < lab->network_count; i++)
		line = arena_printf(&d->arena, "%s%s%s %s", line != NULL ? line : "", line != NULL ? ", " : "",
				    safe(lab->networks[i].name), prefix_text(&lab->networks[i].prefix).s);
	if (line != NULL)
		terminal_field(p, LEFT, "networks", PAGE_DIM, line);
	line = NULL;
	for (size_t i = 0; i < lab->service_count; i++) {
		const struct report_service *s = &lab->services[i];

		line = arena_printf(&d->arena, "%s%s%s %s", line != NULL ? line : "", line != NULL ? ", " : "",
				    safe(s->name), s->vip.family != ADDR_NONE ? addr_text(&s->vip).s : "pending");
		if (s->port != 0)
			line = arena_printf(&d->arena, "%s port %u", line, s->port);
	}
	if (line != NULL)
		terminal_field(p, LEFT, "services", PAGE_DIM, line);
	if (lab->router.hash != NULL)
		terminal_field(p, LEFT, "hash", PAGE_DIM, lab->router.hash);
}

void terminal_topology(struct page *p, const struct report_lab *lab)
{
	struct drawing d = {0};

	add_clients(p, &d, lab);
	add_router(p, &d, &lab->router);
	add_tree(p, &d, lab);
	place(&d);
	if (width_needed(&d) <= p->style.width) {
		for (unsigned int line = 0; line < d.height; line++)
			put_line(p, &d, line);
	} else {
		put_stack(p, &d);
	}
	page_line(p);
	put_legend(p, &d, lab);
	VEC_FREE(&d.clients.rows);
	VEC_FREE(&d.router.rows);
	VEC_FREE(&d.tree.rows);
	arena_clear(&d.arena);
}
