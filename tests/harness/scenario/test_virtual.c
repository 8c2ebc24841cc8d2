/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtual: how its network is written, and what is refused with it and by whom. */
#include "row.h"
#include "scenario.h"
#include "support.h"

#include <string.h>

#define LAB                                                                                                            \
	"lab: {manifests: [metallb.yaml]}\n"                                                                           \
	"steps:\n"                                                                                                     \
	"  - apply: nginx.yaml\n"

static const char metallb[] = "configInline:\n  peers:\n"
			      "  - {my-asn: 22000, peer-asn: 11000, peer-address: 10.0.0.1}\n"
			      "  address-pools:\n  - {name: a, protocol: bgp, addresses: [172.16.254.0/24]}\n";

static struct plan *read_text(const char *text, bool asked, struct folder *f, struct diags *d)
{
	*f = folder_new();
	folder_write(f, "scenario.yaml", text, strlen(text));
	folder_write(f, "nginx.yaml", folder_nginx, strlen(folder_nginx));
	folder_write(f, "metallb.yaml", metallb, strlen(metallb));
	return asked ? plan_read_virtual(f->path, d) : plan_read(f->path, d);
}

static const struct row refused[] = {
	{"traffic", "virtual: true\n" LAB "  - http: {service: nginx}\n", 1, 5, 5, 4,
	 "http: traffic, routes and programs need a kernel, which a virtual run does not have",
	 "leave out \"virtual\", or this"},
	{"next hops", "virtual: {}\n" LAB "  - expect: {service: nginx, next_hops: all}\n", 1, 5, 30, 9,
	 "next_hops: traffic, routes and programs need a kernel, which a virtual run does not have",
	 "leave out \"virtual\", or this"},
	{"a daemon", "virtual: true\nlab:\n  router: {daemon: frr}\n  manifests: [metallb.yaml]\nsteps: []\n", 1, 3, 20,
	 3, "router.daemon: a real daemon needs a kernel, which a virtual run does not have",
	 "leave out \"virtual\", or this"},
	{"a speaker", "virtual: true\nlab:\n  workers: {speaker: [builtin, gobgp]}\nsteps: []\n", 1, 3, 22, 1,
	 "workers.speaker: a real daemon needs a kernel, which a virtual run does not have",
	 "leave out \"virtual\", or this"},
	{"no word", "virtual: perhaps\n" LAB, 1, 1, 10, 7, NULL, NULL},
	{"unknown key", "virtual: {delya: 1ms}\n" LAB, 1, 1, 11, 5, "virtual has no key \"delya\"",
	 "did you mean \"delay\"?"},
	{"too much", "virtual: {cut: 101%}\n" LAB, 1, 1, 16, 4, NULL, NULL},
	{"never lets dial", "virtual: {refuse: 100}\n" LAB, 1, 1, 19, 3, NULL, NULL},
	{"breaks", "virtual: {breaks: 10ms}\n" LAB, 1, 1, 19, 4, "breaks: more often than once a second",
	 "it is the mean time between two connections' ends: 1h, 30s"},
	{"slow", "virtual: {delay: 2m}\n" LAB, 1, 1, 18, 2, "delay: longer than a minute", NULL},
};

static void it_is_refused(void **state)
{
	const struct row *row = *state;
	struct diags d = {0};
	struct folder f;
	struct plan *p = read_text(row->text, false, &f, &d);

	assert_null(p);
	if (row->message != NULL) {
		row_compare(row, &d, &f);
	} else {
		assert_int_equal(d.list.len, row->count);
		assert_int_equal(d.list.at[0].line, row->line);
		assert_int_equal(d.list.at[0].column, row->column);
	}
	diags_fini(&d);
	folder_remove(&f);
}

static void the_network_is_read(void **state)
{
	struct diags d = {0};
	struct folder f;
	struct plan *p = read_text("virtual: {delay: 3ms, spread: 2ms, jitter: 1us, cut: 30%, late: 4, refuse: 5%, "
				   "breaks: 1h}\n" LAB,
				   false, &f, &d);

	(void)state;
	assert_non_null(p);
	assert_true(p->virtual.on && !p->virtual.asked);
	assert_int_equal(p->virtual.delay_ns, 3 * NS_PER_MS);
	assert_int_equal(p->virtual.spread_ns, 2 * NS_PER_MS);
	assert_int_equal(p->virtual.jitter_ns, NS_PER_US);
	assert_int_equal(p->virtual.cut_percent, 30);
	assert_int_equal(p->virtual.late_percent, 4);
	assert_int_equal(p->virtual.refuse_percent, 5);
	assert_true(p->virtual.breaks_ns == 3600 * NS_PER_S);
	plan_free(p);
	folder_remove(&f);
}

/* The command line asks: the file stays as it is, and the run skips what it can't do. */
static void asked_for_it_skips(void **state)
{
	struct diags d = {0};
	struct folder f;
	struct plan *p = read_text(LAB "  - expect: {service: nginx, announced_by: all, within: 20h}\n"
				       "  - expect: {service: nginx, next_hops: all}\n",
				   true, &f, &d);

	(void)state;
	assert_non_null(p);
	assert_true(p->virtual.on && p->virtual.asked);
	assert_int_equal(p->virtual.delay_ns, 100 * NS_PER_US);
	assert_int_equal(p->step_count, 3);
	assert_false(plan_step_needs_kernel(&p->steps[0]));
	assert_false(plan_step_needs_kernel(&p->steps[1]));
	assert_true(plan_step_needs_kernel(&p->steps[2]));
	plan_free(p);
	folder_remove(&f);
}

static void live_unless_said(void **state)
{
	static const char *const texts[] = {LAB, "virtual: false\n" LAB};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct diags d = {0};
		struct folder f;
		struct plan *p = read_text(texts[i], false, &f, &d);

		assert_non_null(p);
		assert_false(p->virtual.on);
		plan_free(p);
		folder_remove(&f);
	}
}

int main(void)
{
	static struct CMUnitTest tests[sizeof(refused) / sizeof(refused[0]) + 3];
	size_t n = 0;

	for (; n < sizeof(refused) / sizeof(refused[0]); n++)
		tests[n] =
			(struct CMUnitTest){refused[n].name, it_is_refused, NULL, NULL, (void *)(uintptr_t)&refused[n]};
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_network_is_read);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(asked_for_it_skips);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(live_unless_said);
	return cmocka_run_group_tests_name("virtual", tests, NULL, NULL);
}
