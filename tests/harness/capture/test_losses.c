/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a ring lost frames, by readings of the kernel's count made up by hand, and by a kernel of ten lines that remembers. */
#include "capture_int.h"
#include "rng.h"
#include "support.h"

static struct instant at(int64_t ms)
{
	return (struct instant){ms * NS_PER_MS};
}

/* A block as it is read: the kernel's count has grown by `lost`; frames from first to last. */
static void block(struct loss_log *l, uint64_t lost, uint64_t frames, int64_t first, int64_t last)
{
	loss_counted(l, lost, at(first + 1000));
	loss_block(l, &(struct loss_block){frames, at(first), at(last)});
	loss_given_back(l);
}

/* Two blocks of three frames, full; seven frames lost until the first went back, then two frames more. */
static void test_one(void **state)
{
	struct loss_log l = {.blocks = 2};
	struct capture_loss got[CAPTURE_LOSSES_MAX];

	(void)state;
	block(&l, 7, 3, 0, 2);
	assert_int_equal(loss_all(&l, got), 1);
	assert_int_equal(got[0].after, 3);
	assert_int_equal(got[0].before, 0);
	block(&l, 0, 3, 3, 5);
	loss_all(&l, got);
	assert_int_equal(got[0].after, 6);
	assert_int_equal(got[0].since.ns, at(5).ns);
	assert_int_equal(got[0].until.ns, at(1000).ns); /* it was counted then */
	block(&l, 0, 2, 50, 51);
	block(&l, 0, 2, 60, 61);
	assert_int_equal(loss_all(&l, got), 1);
	assert_int_equal(got[0].frames, 7);
	assert_int_equal(got[0].after, 6);
	assert_int_equal(got[0].before, 7);
	assert_int_equal(got[0].since.ns, at(5).ns);
	assert_int_equal(got[0].until.ns, at(50).ns);
	VEC_FREE(&l.at);
}

/* Stalled twice, with a block between that neither may be dated into. */
static void test_two(void **state)
{
	struct loss_log l = {.blocks = 2};
	struct capture_loss got[CAPTURE_LOSSES_MAX];

	(void)state;
	block(&l, 7, 3, 0, 2);
	block(&l, 0, 3, 3, 5);
	block(&l, 4, 3, 50, 52); /* blocks 2 and 3 were full */
	block(&l, 0, 3, 53, 55);
	block(&l, 0, 1, 99, 99);
	assert_int_equal(loss_all(&l, got), 2);
	assert_int_equal(got[0].frames, 7);
	assert_int_equal(got[0].after, 6);
	assert_int_equal(got[0].before, 7);
	assert_int_equal(got[1].frames, 4);
	assert_int_equal(got[1].after, 9); /* as far as can be told: the count was last read before block 1 went back */
	assert_int_equal(got[1].before, 13);
	VEC_FREE(&l.at);
}

/* A ring under a kernel that knows which frames it lost: each must lie in an interval, and the sums must be right. */
struct kernel {
	uint64_t blocks, each;	   /* frames a block */
	uint64_t full, given;	   /* blocks closed, and given back */
	uint64_t in_block, kept;   /* frames in the open one; in all */
	uint64_t unread;	   /* lost and not yet told */
	VEC(uint64_t) lost_behind; /* how many had been kept when each was lost */
	VEC(uint64_t) sizes;	   /* of the closed blocks */
};

static void arrives(struct kernel *k)
{
	if (k->full - k->given == k->blocks) {
		k->unread++;
		VEC_PUSH(&k->lost_behind, k->kept);
		return;
	}
	k->kept++;
	if (++k->in_block == k->each) {
		VEC_PUSH(&k->sizes, k->each);
		k->in_block = 0;
		k->full++;
	}
}

static void timer(struct kernel *k)
{
	if (k->in_block == 0)
		return;
	VEC_PUSH(&k->sizes, k->in_block);
	k->in_block = 0;
	k->full++;
}

static void read_one(struct kernel *k, struct loss_log *l, struct rng *rng)
{
	uint64_t size, first;

	if (k->full == k->given)
		return;
	loss_counted(l, k->unread, at((int64_t)k->kept + 1));
	k->unread = 0;
	for (uint64_t n = rng_below(rng, 3); n > 0; n--) /* while it is read */
		arrives(k);
	size = k->sizes.at[k->given];
	first = l->frames + 1;
	loss_block(l, &(struct loss_block){size, at((int64_t)first), at((int64_t)(first + size - 1))});
	loss_given_back(l);
	k->given++;
	for (uint64_t n = rng_below(rng, 3); n > 0; n--)
		arrives(k);
}

static void check(const struct kernel *k, const struct loss_log *l)
{
	struct capture_loss got[CAPTURE_LOSSES_MAX];
	size_t n = loss_all(l, got);
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += got[i].frames;
		assert_true(i == 0 || got[i].after >= got[i - 1].before);
	}
	assert_int_equal(sum + k->unread, k->lost_behind.len);
	for (size_t f = 0; f < k->lost_behind.len - k->unread; f++) {
		bool dated = false;

		for (size_t i = 0; i < n; i++)
			dated = dated || (got[i].after <= k->lost_behind.at[f] &&
					  (got[i].before == 0 || k->lost_behind.at[f] < got[i].before));
		assert_true(dated);
	}
}

static void test_kernel(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct rng rng = {seed};
		struct kernel k = {.blocks = 2 + rng_below(&rng, 4), .each = 1 + rng_below(&rng, 5)};
		struct loss_log l = {.blocks = k.blocks};

		for (unsigned int i = 0; i < 600; i++) {
			uint64_t what = rng_below(&rng, 10), burst = what == 0 ? rng_below(&rng, 40) : 1;

			for (uint64_t n = 0; what < 7 && n < burst; n++)
				arrives(&k);
			if (what == 7)
				timer(&k);
			for (uint64_t n = what >= 8 ? 1 + rng_below(&rng, 2) : 0; n > 0; n--)
				read_one(&k, &l, &rng);
		}
		timer(&k);
		while (k.full > k.given || k.unread > 0) {
			read_one(&k, &l, &rng);
			timer(&k);
		}
		check(&k, &l);
		VEC_FREE(&l.at);
		VEC_FREE(&k.lost_behind);
		VEC_FREE(&k.sizes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_two),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
