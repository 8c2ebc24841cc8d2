/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two routers below a third: whether the tiers choose independently of each other, and what each kernel has for a prefix. */
#include "play.h"
#include "rng.h"

#include <stdio.h>

#define RUN 7U
#define FLOWS 3000U
#define UPSTREAM 2U

/* The pods' links are the routers' uplinks here. */
static const struct judge_router routers[] = {
	{"router", {ADDR_V4, {192, 168, 255, 2}}, PLAY_POD},
	{"router2", {ADDR_V4, {192, 168, 255, 3}}, PLAY_POD + 1},
};

static void tiers(struct play *p)
{
	p->no_pods = true;
	p->lab.routers = routers;
	p->lab.router_count = 2;
}

/* A flow on its way through one of the routers to a worker. */
static void flow(struct play *p, uint32_t i, unsigned int router, unsigned int worker)
{
	double ms = 0.01 * i;

	play_flow(p, PLAY_CLIENT, ms, RUN, i, "172.16.0.10", PLAY_VIP);
	play_flow(p, PLAY_POD + router, ms + 0.002, RUN, i, "172.16.0.10", PLAY_VIP);
	play_flow(p, worker, ms + 0.004, RUN, i, "172.16.0.10", PLAY_VIP);
}

static struct judge_expect stages(struct play *p, uint32_t count)
{
	return (struct judge_expect){
		.kind = JUDGE_STAGES,
		.workers = play_who(p, "123"),
		.traffic = {.flows = true, .run = RUN, .count = count, .vip = play_addr(PLAY_VIP), .since = play_ms(0)},
		.detect = 0.1,
		.since = play_ms(500),
		.deadline = play_ms(1000)};
}

/* One hash and one seed in both tiers: half of the hash space at each router, and with it two of three workers. */
static void test_polarised(void **state)
{
	struct play *p = *state;
	struct judge_expect e = stages(p, FLOWS);
	struct rng rng = {5};
	struct judge_finding f;

	tiers(p);
	for (uint32_t i = 0; i < FLOWS; i++) {
		unsigned int hash = (unsigned int)rng_below(&rng, 6);

		flow(p, i, hash / 3, hash / 2);
	}
	f = play_ask(p, &e, play_ms(600));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "3000 flows over 2 x 3 members: ");
	play_assert_says(f,
			 "; 2 pairs without a flow; router sends nothing to worker3; router2 sends nothing to worker1");
	assert_non_null(strstr(f.why, "polarisation"));
	e.polarised = true;
	assert_int_equal(play_ask(p, &e, play_ms(600)).verdict, JUDGE_PASS);
}

static void test_independent(void **state)
{
	struct play *p = *state;
	struct judge_expect e = stages(p, FLOWS);
	struct rng rng = {6};
	struct judge_finding f;

	e.detect = 0.2;
	tiers(p);
	for (uint32_t i = 0; i < FLOWS; i++)
		flow(p, i, (unsigned int)rng_below(&rng, 2), (unsigned int)rng_below(&rng, 3));
	f = play_ask(p, &e, play_ms(600));
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(f, "; 0 pairs without a flow");
	assert_null(strstr(f.seen, "nothing"));
	e.polarised = true;
	assert_int_equal(play_ask(p, &e, play_ms(600)).verdict, JUDGE_FAIL);
	e.detect = 0.01;
	assert_int_equal(play_ask(p, &e, play_ms(600)).verdict, JUDGE_INCONCLUSIVE);
}

/* What has not come through yet may come; lost frames of an uplink make the table worth nothing. */
static void test_waits_and_losses(void **state)
{
	struct play *p = *state;
	struct judge_expect e = stages(p, 300);
	struct judge *j;

	tiers(p);
	e.detect = 0.5;
	for (uint32_t i = 0; i < 300; i++)
		flow(p, i, i % 2, i / 2 % 3);
	p->links[PLAY_POD].len--;
	assert_int_equal(play_ask(p, &e, play_ms(600)).verdict, JUDGE_PENDING);
	assert_int_equal(play_ask(p, &e, play_ms(1000)).verdict, JUDGE_PASS);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	play_loss_ever(j, PLAY_POD, 1);
	assert_int_equal(judge_evaluate(j, &e, play_ms(1000), &p->arena).verdict, JUDGE_INCONCLUSIVE);
	judge_free(j);
}

static void test_planned(void **state)
{
	struct play *p = *state;
	struct judge_expect e = stages(p, FLOWS);
	struct judge *j;
	uint64_t n;

	tiers(p);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	n = judge_flows_planned(j, &e);
	/* A noncentrality of 46.481 with 2 degrees of freedom, summed over the Poisson mixture in Python, over 0.1 squared. */
	assert_int_equal(n, 4649);
	judge_free(j);
}

static void has(struct judge *j, unsigned int router, double ms, const char *const *gateways, size_t n)
{
	struct prefix prefix = play_prefix(PLAY_PREFIX);
	struct addr at[4];

	for (size_t i = 0; i < n; i++)
		at[i] = play_addr(gateways[i]);
	judge_fib_of(j, router, play_ms(ms), &prefix, at, NULL, n);
}

/* Every router has the workers, and the one above has the routers. */
static void test_next_hops(void **state)
{
	static const char *const workers[] = {"10.0.0.51", "10.0.0.52", "10.0.0.53"};
	static const char *const uplinks[] = {"192.168.255.2", "192.168.255.3"};
	struct play *p = *state;
	struct judge_expect e = play_expect(p, JUDGE_NEXT_HOPS, "123", 0, 1000);
	struct judge_finding f;
	struct judge *j;

	tiers(p);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	has(j, 0, 10, workers, 3);
	has(j, 1, 20, workers, 2);
	has(j, UPSTREAM, 30, uplinks, 2);
	assert_int_equal(judge_evaluate(j, &e, play_ms(100), &p->arena).verdict, JUDGE_PENDING);
	f = judge_evaluate(j, &e, play_ms(1000), &p->arena);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(
		f,
		"; router2's kernel sends 172.16.254.1/32 to 10.0.0.51 (worker1), 10.0.0.52 (worker2); not to worker3; "
		"upstream's to 192.168.255.2 (router), 192.168.255.3 (router2)");
	has(j, 1, 40, workers, 3);
	has(j, UPSTREAM, 35, uplinks, 1);
	assert_int_equal(judge_evaluate(j, &e, play_ms(100), &p->arena).verdict, JUDGE_PENDING);
	has(j, UPSTREAM, 60, uplinks, 2);
	f = judge_evaluate(j, &e, play_ms(100), &p->arena);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 60);
	has(j, UPSTREAM, 70, NULL, 0);
	has(j, 9, 80, workers, 3); /* no such router */
	e.since = play_ms(75);
	f = judge_evaluate(j, &e, play_ms(1000), &p->arena);
	play_assert_says(f, "; upstream's kernel has no route to 172.16.254.1/32");
	judge_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(test_polarised), PLAY_TEST(test_independent), PLAY_TEST(test_waits_and_losses),
		PLAY_TEST(test_planned),   PLAY_TEST(test_next_hops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
