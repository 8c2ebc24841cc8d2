/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table that grows and shrinks at random finds what a plain array has, also where hashes are the same. */
#include "chains.h"
#include "rng.h"
#include "support.h"

#define MEMBERS 500
#define STEPS 20000

struct member {
	struct chain chain; /* first */
	uint64_t key;
	bool there;
};

static struct member *find(const struct chains *t, uint64_t hash, uint64_t key)
{
	for (struct chain *c = chains_find(t, hash); c != NULL; c = chain_next(c)) {
		struct member *m = (struct member *)(void *)c;

		assert_int_equal(m->chain.hash, hash);
		if (m->key == key)
			return m;
	}
	return NULL;
}

/* mask 0: all in one bucket under one hash. */
static void finds_what_is_there(uint64_t mask)
{
	static struct member members[MEMBERS];
	struct chains t = {0};
	struct rng rng = {.state = 7};
	size_t count = 0;

	for (size_t i = 0; i < MEMBERS; i++)
		members[i] = (struct member){.key = i};
	assert_null(find(&t, 1, 1));
	for (size_t step = 0; step < STEPS; step++) {
		struct member *m = &members[rng_below(&rng, MEMBERS)];
		uint64_t hash = hash_mix(m->key) & mask;

		assert_ptr_equal(find(&t, hash, m->key), m->there ? m : NULL);
		if (m->there)
			chains_remove(&t, &m->chain);
		else
			chains_add(&t, &m->chain, hash);
		m->there = !m->there;
		count += m->there ? 1 : SIZE_MAX;
		assert_int_equal(t.count, count);
	}
	chains_free(&t);
	assert_null(find(&t, 1, 1));
}

static void test_chains(void **state)
{
	(void)state;
	finds_what_is_there(UINT64_MAX);
	finds_what_is_there(3);
	finds_what_is_there(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
