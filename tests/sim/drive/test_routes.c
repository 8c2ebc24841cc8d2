/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes on their way to the kernel: a prefix's last word, told once, and before drive_wait returns. */
#include "drive_int.h"
#include "support.h"

struct heard {
	unsigned int routes, ends;
	struct prefix prefix[4];
	size_t hops[4];
	uint16_t last_weight[4];
};

static void on_route(void *ctx, const struct bgp_output *route)
{
	struct heard *h = ctx;

	assert_true(h->routes < 4);
	h->prefix[h->routes] = route->prefix;
	h->hops[h->routes] = route->next_hop_count;
	h->last_weight[h->routes] = route->weights != NULL ? route->weights[route->next_hop_count - 1] : 0;
	h->routes++;
}

static void on_told(void *ctx)
{
	struct heard *h = ctx;

	h->ends++;
}

static const struct drive_speaker_ops ops = {.route = on_route, .routes_told = on_told};

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static void put(struct routes *t, const char *prefix, size_t n, const uint16_t *weights)
{
	const struct addr hops[3] = {addr_v4(0x0a000001), addr_v4(0x0a000002), addr_v4(0x0a000003)};

	routes_put(t, &(struct bgp_output){.kind = BGP_OUT_ROUTE,
					   .prefix = prefix_of(prefix),
					   .next_hops = hops,
					   .next_hop_count = n,
					   .weights = weights});
}

static void last_word_is_told_once(void **state)
{
	const uint16_t weights[3] = {1, 2, 9};
	struct heard h = {0};
	struct errmsg err;
	struct drive *d;
	struct routes t;

	(void)state;
	assert_int_equal(drive_new(&d, &err), 0);
	routes_init(&t, d, &ops, &h);
	put(&t, "192.0.2.0/24", 1, NULL);
	put(&t, "192.0.2.0/25", 2, NULL);
	put(&t, "192.0.2.0/24", 3, weights);
	put(&t, "2001:db8::/32", 1, NULL);
	put(&t, "2001:db8::/32", 0, NULL);
	routes_soon(&t);
	assert_int_equal(h.routes, 0);
	assert_true(drive_wait(d, instant_add(drive_now(d), NS_PER_S)));
	assert_int_equal(h.routes, 3);
	assert_int_equal(h.ends, 1);
	assert_int_equal(h.hops[0], 3);
	assert_int_equal(h.last_weight[0], 9);
	assert_int_equal(h.prefix[1].len, 25);
	assert_int_equal(h.hops[1], 2);
	assert_int_equal(h.hops[2], 0);
	routes_tell(&t);
	assert_int_equal(h.ends, 1);
	put(&t, "192.0.2.0/24", 2, weights);
	put(&t, "192.0.2.0/24", 2, NULL);
	h.routes = 0;
	routes_tell(&t);
	assert_int_equal(h.hops[0], 2);
	assert_int_equal(h.last_weight[0], 0);
	routes_fini(&t);
	drive_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_word_is_told_once),
	};

	return cmocka_run_group_tests_name("drive: routes", tests, NULL, NULL);
}
