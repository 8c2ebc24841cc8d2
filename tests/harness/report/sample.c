/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sample.h"

#include "rng.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *const sample_texts[SAMPLE_HOSTILE] = {
	"\033]0;owned\007\033[2J", "a\r\nok 7 - forged\n...\nnot ok", "\xff\xfe\xc0\x80\xed\xa0\x80\xf8",
	"]]>&<\"'><x/>",	   "\xef\xbf\xbe\xef\xbf\xbf",	      "a # SKIP b \\# c \\",
	"::error::x%0A,y:z%",	   "\xe2\x80\xa8\xf3\xa0\x80\x81",    "",
};

void sample_random(char ret[static 64], uint64_t seed)
{
	static const char rich[] = "\033\n\r\t\"\\'<>&%:,#]-\302\233\342\200\256\357\277\276\360\377 ab";
	struct rng rng = {seed};
	size_t n = (size_t)rng_below(&rng, 64);

	for (size_t i = 0; i < n; i++)
		ret[i] = rng_below(&rng, 4) > 0 ? rich[rng_below(&rng, sizeof(rich) - 1)]
						: (char)(1 + rng_below(&rng, 255));
	ret[n] = '\0';
}

int sample_file(char path[static 40], const char *text)
{
	int fd = memfd_create("sample", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	snprintf(path, 40, "/proc/self/fd/%d", fd);
	return fd;
}

struct addr sample_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

struct prefix sample_prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static void init_lab(struct sample *s)
{
	struct report_network *networks = arena_array(&s->arena, 2, sizeof(*networks));
	struct report_node *nodes = arena_array(&s->arena, 4, sizeof(*nodes));
	struct report_pod *pods = arena_array(&s->arena, 3, sizeof(*pods));
	struct report_service *service = arena_alloc(&s->arena, sizeof(*service));

	networks[0] = (struct report_network){"cluster", sample_prefix("10.0.0.0/24")};
	networks[1] = (struct report_network){"clients", sample_prefix("172.16.0.0/24")};
	nodes[0] = (struct report_node){"worker1", sample_addr("10.0.0.51"), 22000};
	nodes[1] = (struct report_node){"worker2", sample_addr("10.0.0.52"), 22000};
	nodes[2] = (struct report_node){"worker3", sample_addr("10.0.0.53"), 22000};
	nodes[3] = (struct report_node){"client1", sample_addr("172.16.0.10"), 0};
	pods[0] = (struct report_pod){"nginx-1", "worker1", sample_addr("10.244.1.2")};
	pods[1] = (struct report_pod){"nginx-2", "worker2", sample_addr("10.244.2.2")};
	pods[2] = (struct report_pod){"nginx-3", "worker3", sample_addr("10.244.3.2")};
	*service = (struct report_service){"nginx", sample_addr("172.16.254.1"), 80};
	s->lab = (struct report_lab){
		.scenario = "article-l4",
		.about = "Three MetalLB workers announce one Service to a router that hashes over ports; a client "
			 "reaches it.",
		.file = "scenarios/article-l4/scenario.yaml",
		.networks = networks,
		.network_count = 2,
		.router = {.name = "router",
			   .daemon = "bird1",
			   .version = "BIRD 1.6.8",
			   .cluster = sample_addr("10.0.0.1"),
			   .clients = sample_addr("172.16.0.1"),
			   .as = 11000,
			   .hash = "net.ipv4.fib_multipath_hash_policy=1"},
		.workers = nodes,
		.worker_count = 3,
		.clients = nodes + 3,
		.client_count = 1,
		.control_plane = {"control-plane", sample_addr("10.0.0.10"), 0},
		.pods = pods,
		.pod_count = 3,
		.services = service,
		.service_count = 1,
		.expectations = 6,
		.seed = 42,
		.kernel = "6.1.0-18-amd64",
		.run_dir = "runs/article-l4-20261123-015213",
		.started = {INT64_C(1763862733123456789)}, /* date -u -d @1763862733: 2025-11-23T01:52:13 */
	};
}

static void init_routes(struct sample *s)
{
	struct report_hop *hops = arena_array(&s->arena, 3, sizeof(*hops));

	hops[0] = (struct report_hop){sample_addr("10.0.0.51"), "worker1", 12 * NS_PER_MS, true, "22000", 2};
	hops[1] = (struct report_hop){sample_addr("10.0.0.52"), "worker2", 13 * NS_PER_MS, false, "22000", 0};
	hops[2] = (struct report_hop){sample_addr("10.0.0.53"), "worker3", -1, false, NULL, 0};
	s->routes = (struct report_routes){18 * NS_PER_MS, sample_prefix("172.16.254.1/32"), hops, 3};
	s->gone = (struct report_routes){19 * NS_PER_MS, sample_prefix("172.16.254.2/32"), NULL, 0};
	s->note = (struct report_note){14 * NS_PER_MS, "router", "service default/nginx has 172.16.254.1"};
}

static struct judge_finding *finding(struct sample *s, enum judge_verdict verdict, const char *seen, const char *why)
{
	struct judge_finding *f = arena_alloc(&s->arena, sizeof(*f));

	*f = (struct judge_finding){.verdict = verdict, .seen = seen, .why = why};
	return f;
}

static void shares(struct sample *s, struct judge_finding *f, const uint64_t counts[static 3], double expected)
{
	struct judge_share *list = arena_array(&s->arena, 3, sizeof(*list));
	static const char *const names[] = {"worker1", "worker2", "worker3"};

	for (size_t i = 0; i < 3; i++)
		list[i] = (struct judge_share){names[i], counts[i], expected};
	f->shares = list;
	f->share_count = 3;
}

static struct judge_finding *even(struct sample *s)
{
	struct judge_finding *f = finding(s, JUDGE_PASS, "3000 of 3000 flows went through 3 workers",
					  "The router hashes addresses, protocol and ports, so that the flows of one "
					  "client spread.");

	shares(s, f, (const uint64_t[]){1012, 988, 1000}, 1000);
	f->chi = (struct judge_chi_square){.statistic = 0.288, .p = 0.866, .df = 2};
	f->detectable = 0.142;
	return f;
}

static struct judge_finding *missing_hop(struct sample *s)
{
	struct judge_finding *f =
		finding(s, JUDGE_FAIL, "worker1, worker2 are next hops of 172.16.254.1/32; worker3 is not",
			"worker3 never announced the prefix: its last UPDATE came before the Service had an address.");

	f->frames[0] = (struct judge_frame){"worker3.pcap", 12};
	f->frames[1] = (struct judge_frame){"worker3.pcap", 14};
	f->frames[2] = (struct judge_frame){"router-cluster.pcap", 31};
	f->frame_count = 3;
	return f;
}

static struct judge_finding *too_few(struct sample *s)
{
	struct judge_finding *f = finding(s, JUDGE_INCONCLUSIVE, "12 connections through 2 workers", NULL);

	shares(s, f, (const uint64_t[]){8, 4, 0}, 4);
	f->chi = (struct judge_chi_square){.statistic = 8, .p = 0.0183, .df = 2, .exact = true};
	f->detectable = 1.4;
	f->flows_needed = 1480;
	return f;
}

static void init_steps(struct sample *s)
{
	const struct report_step steps[SAMPLE_STEPS] = {
		{.line = 8,
		 .kind = "expect",
		 .text = "sessions: established, within: 3s",
		 .elapsed_ns = 12400000,
		 .finding = finding(s, JUDGE_PASS, "worker1, worker2, worker3 are established", NULL)},
		{.line = 9,
		 .kind = "apply",
		 .text = "nginx.yaml",
		 .since_start_ns = 13 * NS_PER_MS,
		 .elapsed_ns = 3900000},
		{.line = 10,
		 .kind = "expect",
		 .text = "service: nginx, announced_by: all, within: 1s",
		 .since_start_ns = 17 * NS_PER_MS,
		 .elapsed_ns = 850000,
		 .finding = finding(s, JUDGE_PASS, "worker1, worker2, worker3 announce 172.16.254.1/32", NULL)},
		{.line = 11,
		 .kind = "expect",
		 .text = "service: nginx, next_hops: all, within: 1s",
		 .since_start_ns = 18 * NS_PER_MS,
		 .elapsed_ns = 1200000,
		 .finding = finding(s, JUDGE_PASS, NULL, NULL)},
		{.line = 12,
		 .kind = "flows",
		 .text = "flows: {service: nginx, count: 3000, vary: [src_port]}",
		 .since_start_ns = 20 * NS_PER_MS,
		 .elapsed_ns = 31 * NS_PER_MS,
		 .detail = "3000 UDP flows from client1 to 172.16.254.1 port 80"},
		{.line = 13,
		 .kind = "expect",
		 .text = "spread: equal, over: workers",
		 .since_start_ns = 52 * NS_PER_MS,
		 .elapsed_ns = 420000,
		 .finding = even(s)},
		{.line = 14,
		 .kind = "expect",
		 .text = "spread: equal, over: workers, of: connections",
		 .since_start_ns = 53 * NS_PER_MS,
		 .elapsed_ns = 300000,
		 .verdict = REPORT_INCONCLUSIVE,
		 .finding = too_few(s)},
		{.line = 15,
		 .kind = "expect",
		 .text = "service: nginx, next_hops: [worker1, worker2, worker3], within: 1s",
		 .since_start_ns = 54 * NS_PER_MS,
		 .elapsed_ns = NS_PER_S,
		 .verdict = REPORT_FAILED,
		 .finding = missing_hop(s)},
	};

	memcpy(s->steps, steps, sizeof(steps));
}

void sample_init(struct sample *s)
{
	static const struct judge_fib_story fib = {
		.prefixes = 1,
		.added = 3,
		.replaced = 2,
		.removed = 2,
		.announced_most = 3,
		.installed_most = 3,
		.followed = 5,
		.delay_median_ns = 300000,
		.delay_longest_ns = 5000000,
		.holes = 2,
		.hole_ns = 2000000,
		.hole_longest_ns = 1500000,
		.hole_prefix = {.addr = {.family = ADDR_V4, .b = {172, 16, 254, 1}}, .len = 32},
		.hole_since = {1700000001 * NS_PER_S},
		.ordered = true,
		.order = "descending",
	};
	static const struct report_phase phases[] = {{"build", 31 * NS_PER_MS}, {"steps", 1054 * NS_PER_MS}};
	static const struct report_capture captures[] = {{.file = "worker1.pcap", .frames = 2410},
							 {.file = "worker3.pcap", .frames = 2388}};

	*s = (struct sample){0};
	init_lab(s);
	init_routes(s);
	init_steps(s);
	s->result = (struct report_result){.verdict = REPORT_FAILED,
					   .exit = 1,
					   .wall_ns = 1094 * NS_PER_MS,
					   .phases = phases,
					   .phase_count = 2,
					   .captures = captures,
					   .capture_count = 2,
					   .fib = &fib,
					   .reproduce = "ecmplab run scenarios/article-l4 --seed 42"};
}

void sample_fini(struct sample *s)
{
	arena_clear(&s->arena);
}

int sample_tell(const struct sample *s, struct report *r)
{
	report_begin(r, &s->lab);
	for (size_t i = 0; i < SAMPLE_STEPS; i++) {
		report_step_begin(r, &s->steps[i]);
		if (i == 1)
			report_note(r, &s->note);
		if (i == 3)
			report_routes(r, &s->routes);
		report_step_end(r, &s->steps[i]);
		if (i == 3)
			report_routes(r, &s->gone);
	}
	return report_end(r, &s->result);
}

void sample_hostile(struct sample *s, const char *text)
{
	struct report_lab *lab = &s->lab;
	struct report_node *node = arena_alloc(&s->arena, sizeof(*node));
	struct judge_finding *f = finding(s, JUDGE_FAIL, text, text);
	struct report_pod *pod = arena_alloc(&s->arena, sizeof(*pod));

	*node = (struct report_node){.name = text};
	*pod = (struct report_pod){.name = text, .node = text};
	f->frames[0] = (struct judge_frame){text, 1};
	f->frame_count = 1;
	shares(s, f, (const uint64_t[]){1, 2, 3}, 2);
	lab->scenario = lab->about = lab->file = lab->kernel = lab->run_dir = text;
	lab->router.name = lab->router.daemon = lab->router.version = lab->router.hash = text;
	lab->workers = lab->clients = node;
	lab->worker_count = lab->client_count = lab->pod_count = 1;
	lab->pods = pod;
	lab->control_plane.name = text;
	s->note.node = s->note.text = text;
	for (size_t i = 0; i < SAMPLE_STEPS; i++) {
		s->steps[i].kind = s->steps[i].text = s->steps[i].detail = s->steps[i].file = text;
		s->steps[i].finding = f;
		s->steps[i].verdict = REPORT_FAILED;
	}
	s->result.message = s->result.reproduce = text;
}

char *sample_page(const struct sample *s, enum report_format format, const struct report_style *style)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct report *r = report_new();
	const struct report_case c = {
		.lab = s->lab, .result = s->result, .steps = s->steps, .step_count = SAMPLE_STEPS};

	assert_non_null(out);
	report_add(r, format, out, style);
	if (format == REPORT_TERMINAL || format == REPORT_JSON) {
		assert_int_equal(sample_tell(s, r), 0);
	} else {
		report_suite_begin(r, 1);
		report_suite_case(r, &c);
		assert_int_equal(report_suite_end(r, NS_PER_S), 0);
	}
	report_free(r);
	fclose(out);
	return text;
}
