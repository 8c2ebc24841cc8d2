/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that is told, on the page and in the files of the run directory. */
#include "run_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum report_verdict run_verdict(enum run_exit result)
{
	switch (result) {
	case RUN_PASSED:
		return REPORT_PASSED;
	case RUN_FAILED:
		return REPORT_FAILED;
	case RUN_INCONCLUSIVE:
		return REPORT_INCONCLUSIVE;
	case RUN_SKIPPED:
		return REPORT_SKIPPED;
	case RUN_INTERRUPTED:
		return REPORT_INTERRUPTED;
	case RUN_USAGE:
	case RUN_BROKEN:
		return REPORT_BROKEN;
	}
	return REPORT_BROKEN;
}

static FILE *file_open(const struct run *r, const char *name, struct errmsg *err)
{
	int fd = openat(r->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (f == NULL) {
		(void)errmsg_set(err, -errno, "%s/%s", r->dir, name);
		if (fd >= 0)
			close(fd);
	}
	return f;
}

int run_tell_start(struct run *r, struct errmsg *err)
{
	r->verdict_file = file_open(r, "verdict.json", err);
	r->timeline_file = r->verdict_file != NULL ? file_open(r, "timeline.jsonl", err) : NULL;
	if (r->timeline_file == NULL)
		return err->code;
	r->report = report_new();
	report_add(r->report, REPORT_JSON, r->verdict_file, NULL);
	if (r->options->output == RUN_OUTPUT_TERMINAL)
		report_add(r->report, REPORT_TERMINAL, stdout, &r->options->style);
	else if (r->options->output == RUN_OUTPUT_JSON)
		report_add(r->report, REPORT_JSON, stdout, NULL);
	r->timeline = report_timeline_new(r->timeline_file, r->started);
	return 0;
}

static int64_t since_start(const struct run *r)
{
	return instant_since(run_wall(r), r->started);
}

static void event(struct run *r, const char *kind, const char *node, const char *text)
{
	report_timeline_write(r->timeline,
			      &(struct report_event){.time = run_wall(r), .kind = kind, .node = node, .text = text});
}

static size_t nodes_fill(const struct run *r, struct report_node *workers, struct report_node *clients)
{
	const struct node_lab *lab = r->lab;

	for (unsigned int i = 0; i < lab->conf.workers; i++)
		workers[i] = (struct report_node){.name = lab->workers[i].host.name,
						  .address = lab->workers[i].host.address,
						  .as = run_worker_as(&r->plan->lab, i)};
	for (unsigned int i = 0; i < lab->conf.clients; i++)
		clients[i] = (struct report_node){.name = lab->clients[i].name, .address = lab->clients[i].address};
	return lab->conf.workers;
}

static size_t pods_fill(const struct run *r, struct arena *scratch, const struct report_pod **ret)
{
	size_t n;
	const struct kube_pod *pods = kube_pods(r->cluster, &n);
	struct report_pod *told = arena_array(scratch, n, sizeof(*told));

	for (size_t i = 0; i < n; i++)
		told[i] = (struct report_pod){.name = pods[i].name, .node = pods[i].node, .address = pods[i].address};
	*ret = told;
	return n;
}

static struct report_router router_fill(struct run *r)
{
	static const char *const kinds[] = {
		[NODE_BIRD1] = "bird1", [NODE_BIRD2] = "bird2",	      [NODE_FRR] = "frr",
		[NODE_GOBGP] = "gobgp", [NODE_OPENBGPD] = "openbgpd", [NODE_EXABGP] = "exabgp"};
	const struct node_daemon *d = &r->daemon.node;

	return (struct report_router){
		.name = "router",
		.daemon = r->has_daemon ? kinds[d->kind] : "builtin",
		.version = r->has_daemon ? arena_printf(&r->arena, "%s %s", d->name, d->version) : NULL,
		.cluster = r->lab->conf.router_cluster,
		.clients = r->lab->conf.routers > 0 ? node_uplink(r->lab, 0) : r->lab->conf.router_client,
		.as = r->plan->lab.router_as,
		.hash = r->hash_text[0] != '\0' ? r->hash_text : NULL,
	};
}

static size_t expectations(const struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->step_count; i++)
		n += plan->steps[i].kind == PLAN_STEP_EXPECT;
	return n;
}

void run_tell_lab(struct run *r)
{
	struct arena scratch = {0};
	const struct node_lab_conf *conf = &r->lab->conf;
	struct report_node *workers = arena_array(&scratch, conf->workers, sizeof(*workers));
	struct report_node *clients = arena_array(&scratch, conf->clients, sizeof(*clients));
	const struct report_network networks[] = {{"cluster", conf->cluster_net}, {"clients", conf->client_net}};
	struct utsname kernel;
	struct report_lab lab = {
		.scenario = r->plan->name,
		.about = r->plan->about,
		.file = r->plan->file,
		.networks = networks,
		.network_count = 2,
		.router = router_fill(r),
		.workers = workers,
		.worker_count = nodes_fill(r, workers, clients),
		.clients = clients,
		.client_count = conf->clients,
		.expectations = expectations(r->plan),
		.seed = r->seed,
		.run_dir = r->dir,
		.started = r->started,
	};

	uname(&kernel);
	lab.kernel = r->virtual == NULL ? kernel.release : NULL;
	lab.pod_count = pods_fill(r, &scratch, &lab.pods);
	if (r->lab->control_plane.ns != NULL || (r->virtual != NULL && r->plan->lab.has_control_plane))
		lab.control_plane = (struct report_node){.name = r->lab->control_plane.name,
							 .address = r->lab->control_plane.address};
	report_begin(r->report, &lab);
	event(r, "lab", NULL, arena_printf(&scratch, "%s, seed %lu", r->plan->name, (unsigned long)r->seed));
	arena_clear(&scratch);
}

void run_tell(struct run *r, const char *node, const char *text)
{
	report_note(r->report, &(struct report_note){.since_start_ns = since_start(r), .node = node, .text = text});
	event(r, "note", node, text);
}

void run_tell_session(struct run *r, const char *node, const char *peer, const struct bgp_output *notice)
{
	char text[256];

	switch (notice->notice) {
	case BGP_NOTICE_STATE:
		snprintf(text, sizeof(text), "session with %s: %s -> %s", peer, bgp_state_text(notice->from),
			 bgp_state_text(notice->to));
		break;
	case BGP_NOTICE_ERROR:
		snprintf(text, sizeof(text), "session with %s: %.180s", peer, notice->text);
		break;
	case BGP_NOTICE_SENT:
	case BGP_NOTICE_RECEIVED:
		return; /* the captures have them, with their frames */
	}
	event(r, "session", node, text);
}

void run_tell_bfd(struct run *r, const char *node, const char *peer, const struct bfd_output *change)
{
	char text[256];

	snprintf(text, sizeof(text), "BFD with %s: %s -> %s%s%s", peer, wire_bfd_state_text((uint8_t)change->from),
		 wire_bfd_state_text((uint8_t)change->to), change->diag != WIRE_BFD_DIAG_NONE ? ", " : "",
		 change->diag != WIRE_BFD_DIAG_NONE ? wire_bfd_diag_text(change->diag) : "");
	event(r, "session", node, text);
}

void run_tell_service(struct run *r, const char *service, const struct addr *address)
{
	char text[600];

	snprintf(text, sizeof(text), "service %s has the address %s", service, addr_text(address).s);
	run_tell(r, NULL, text);
}

void run_tell_fib(struct run *r, const struct prefix *prefix, const struct addr *gateways, size_t n)
{
	char text[512];

	snprintf(text, sizeof(text), "%s %s", prefix_text(prefix).s, n == 0 ? "has no next hop" : "via");
	for (size_t i = 0; i < n && strlen(text) < sizeof(text) - 60; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", addr_text(&gateways[i]).s);
	event(r, "fib", "router", text);
}

static const char *step_kind(enum plan_step_kind kind)
{
	static const char *const names[] = {
		[PLAN_STEP_APPLY] = "apply",   [PLAN_STEP_DELETE] = "delete",	    [PLAN_STEP_SCALE] = "scale",
		[PLAN_STEP_EXPECT] = "expect", [PLAN_STEP_HTTP] = "http",	    [PLAN_STEP_FLOWS] = "flows",
		[PLAN_STEP_EXEC] = "exec",     [PLAN_STEP_MALFORMED] = "malformed", [PLAN_STEP_SEND] = "send",
		[PLAN_STEP_FAIL] = "fail",     [PLAN_STEP_RECOVER] = "recover",	    [PLAN_STEP_RESTART] = "restart",
		[PLAN_STEP_HASH] = "hash",     [PLAN_STEP_SESSION] = "session",
	};

	return names[kind];
}

void run_tell_step_begin(struct run *r, const struct plan_step *step)
{
	r->step = (struct report_step){.file = step->at.file,
				       .line = step->at.line,
				       .kind = step_kind(step->kind),
				       .text = step->text,
				       .since_start_ns = since_start(r)};
	report_step_begin(r->report, &r->step);
	event(r, "step", NULL, step->text);
}

static size_t up_to(size_t told, size_t n, size_t at_most)
{
	return n - told < at_most ? n : told + at_most;
}

/* What the wire has announced and withdrawn since the last look. */
static void routes_to_timeline(struct run *r, size_t at_most)
{
	size_t n, end;
	const struct judge_route_event *events = judge_route_events(r->judge, &n);

	end = up_to(r->routes_told, n, at_most);
	for (; r->routes_told < end; r->routes_told++) {
		const struct judge_route_event *e = &events[r->routes_told];
		char text[200];

		snprintf(text, sizeof(text), "%s %s%s%s as-path \"%s\"", e->withdrawn ? "withdraws" : "announces",
			 prefix_text(&e->prefix).s, e->withdrawn ? "" : " next hop ",
			 e->withdrawn ? "" : addr_text(&e->next_hop).s, e->as_path);
		report_timeline_write(r->timeline, &(struct report_event){.time = e->time,
									  .kind = "route",
									  .node = e->worker,
									  .text = text,
									  .file = r->link_files[e->link],
									  .frame = e->frame});
	}
}

static void bfd_to_timeline(struct run *r, size_t at_most)
{
	size_t n, end;
	const struct judge_bfd_event *events = judge_bfd_events(r->judge, &n);

	end = up_to(r->bfd_told, n, at_most);
	for (; r->bfd_told < end; r->bfd_told++) {
		const struct judge_bfd_event *e = &events[r->bfd_told];
		char text[200];

		snprintf(text, sizeof(text), "BFD %s %s: %s%s%s", e->from_router ? "to" : "from", e->worker,
			 wire_bfd_state_text(e->state), e->diag != WIRE_BFD_DIAG_NONE ? ", " : "",
			 e->diag != WIRE_BFD_DIAG_NONE ? wire_bfd_diag_text(e->diag) : "");
		report_timeline_write(r->timeline, &(struct report_event){.time = e->time,
									  .kind = "bfd",
									  .node = e->from_router ? "router" : e->worker,
									  .text = text,
									  .file = r->link_files[e->link],
									  .frame = e->frame});
	}
}

void run_tell_seen(struct run *r, size_t at_most)
{
	routes_to_timeline(r, at_most);
	bfd_to_timeline(r, at_most);
}

/* The prefix as the router's kernel has it, with what the wire says of each next hop. */
static void routes_to_page(struct run *r, const struct prefix *prefix)
{
	struct addr hops[NET_FIB_HOPS_MAX];
	size_t n = judge_fib_now(r->judge, prefix, hops, NET_FIB_HOPS_MAX);
	struct report_hop *told = arena_array(&r->arena, n, sizeof(*told));

	for (size_t i = 0; i < n; i++) {
		told[i] = (struct report_hop){.next_hop = hops[i], .since_start_ns = -1, .best = i == 0};
		for (unsigned int w = 0; w < r->judge_lab.worker_count; w++) {
			const struct judge_route_event *e;

			if (!addr_equal(&r->judge_lab.workers[w].address, &hops[i]))
				continue;
			told[i].worker = r->judge_lab.workers[w].name;
			e = judge_route(r->judge, w, prefix);
			if (e != NULL) {
				told[i].since_start_ns = instant_since(e->time, r->started);
				told[i].as_path = e->as_path;
				told[i].origin = e->origin;
			}
		}
	}
	report_routes(r->report,
		      &(struct report_routes){
			      .since_start_ns = since_start(r), .prefix = *prefix, .hops = told, .hop_count = n});
}

void run_tell_step_end(struct run *r, const struct plan_step *step, enum run_exit result,
		       const struct judge_finding *finding, const char *detail, const struct errmsg *err)
{
	r->step.elapsed_ns = since_start(r) - r->step.since_start_ns;
	r->step.verdict = run_verdict(result);
	r->step.finding = finding;
	r->step.detail = result == RUN_PASSED || finding != NULL ? detail : err->text;
	report_step_end(r->report, &r->step);
	event(r, "step", NULL, arena_printf(&r->arena, "%s: %s", report_verdict_name(r->step.verdict), step->text));
	if (r->virtual != NULL)
		run_tell_seen(r, SIZE_MAX);
	if (step->kind == PLAN_STEP_EXPECT && step->expect.kind == PLAN_EXPECT_NEXT_HOPS && r->virtual == NULL) {
		const struct run_service *s = run_service_find(r, step->expect.namespace, step->expect.service);

		if (s != NULL && s->address.family != ADDR_NONE)
			routes_to_page(r, &s->prefix);
	}
}

void run_phase(struct run *r, const char *name)
{
	struct instant now = run_monotonic();

	VEC_PUSH(&r->phases, (struct report_phase){.name = name, .ns = instant_since(now, r->phase_began)});
	r->phase_began = now;
}

static size_t captures_fill(struct run *r, struct report_capture **ret)
{
	*ret = arena_array(&r->arena, r->link_count, sizeof(**ret));
	for (unsigned int i = 0; i < r->link_count; i++) {
		struct capture_stats stats = {0};
		struct capture_loss losses[CAPTURE_LOSSES_MAX];
		size_t lost = capture_losses(r->capture, i, losses);
		struct errmsg ignored;

		(void)capture_stats(r->capture, i, &stats, &ignored);
		(*ret)[i] = (struct report_capture){
			.file = r->link_files[i],
			.frames = stats.frames,
			.dropped = stats.dropped,
			.lost = lost > 0 ? arena_memdup(&r->arena, losses, lost * sizeof(*losses)) : NULL,
			.lost_count = lost};
	}
	return r->link_count;
}

int run_tell_end(struct run *r, enum run_exit result, const char *message)
{
	struct report_capture *captures;
	struct judge_fib_story story;
	struct report_result told = {
		.verdict = run_verdict(result),
		.exit = (int)result,
		.wall_ns = instant_since(run_monotonic(), r->began),
		.phases = r->phases.at,
		.phase_count = r->phases.len,
		.reproduce =
			arena_printf(&r->arena, "%s run%s %s --seed %lu", r->options->program,
				     r->plan->virtual.asked ? " --virtual" : "", r->plan->file, (unsigned long)r->seed),
		.message = message,
	};
	int error, timeline_error;

	told.capture_count = captures_fill(r, &captures);
	told.captures = captures;
	if (r->judge != NULL) {
		run_tell_seen(r, SIZE_MAX);
		story = judge_fib_story(r->judge, drive_wall());
		told.fib = &story;
	}
	error = report_end(r->report, &told);
	report_free(r->report);
	timeline_error = report_timeline_end(r->timeline);
	if (fclose(r->verdict_file) != 0 && error == 0)
		error = -errno;
	if (fclose(r->timeline_file) != 0 && error == 0)
		error = -errno;
	return error != 0 ? error : timeline_error;
}
