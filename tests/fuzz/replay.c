/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without a fuzzer: plays the seeds of folders, and for each a bounded number of mutations that are the same in every run. */
#include "fuzz.h"

#include "arena.h"
#include "rng.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_MAX 65536U
#define MUTATIONS 200U	  /* of each seed, while there are few */
#define PLAYED_MAX 20000U /* about so many of a folder with more */

struct input {
	uint8_t bytes[SEED_MAX + 64];
	size_t n;
};

static void octet_change(struct input *in, struct rng *rng)
{
	static const uint8_t telling[] = {0, 1, 2, 4, 0x7f, 0x80, 0xfe, 0xff};
	size_t at = in->n > 0 ? rng_below(rng, in->n) : 0;

	switch (rng_below(rng, 4)) {
	case 0:
		in->bytes[at] ^= (uint8_t)(1U << rng_below(rng, 8));
		break;
	case 1:
		in->bytes[at] = telling[rng_below(rng, sizeof(telling))];
		break;
	case 2: /* an octet less */
		if (in->n > at + 1)
			memmove(in->bytes + at, in->bytes + at + 1, in->n - at - 1);
		in->n -= in->n > 0;
		break;
	default: /* or one more */
		if (in->n < SEED_MAX) {
			memmove(in->bytes + at + 1, in->bytes + at, in->n - at);
			in->bytes[at] = (uint8_t)rng_below(rng, 256);
			in->n++;
		}
		break;
	}
}

static void play(const uint8_t *bytes, size_t n)
{
	/* of exactly this size, so that a sanitizer sees one octet too far */
	uint8_t *exact = memory_grow(NULL, n + 1, 1);

	memcpy(exact, bytes, n);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

static void seed_play(const struct input *seed, unsigned int mutations, struct rng *rng)
{
	static struct input in;

	play(seed->bytes, seed->n);
	for (unsigned int i = 0; i < mutations; i++) {
		in = *seed;
		for (uint64_t k = 1 + rng_below(rng, 6); k > 0; k--)
			octet_change(&in, rng);
		play(in.bytes, in.n);
	}
}

static size_t folder_play(const char *folder, struct rng *rng)
{
	static struct input seed;
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort);
	unsigned int mutations = n > 0 ? PLAYED_MAX / (unsigned int)n : 0;
	size_t played = 0;

	mutations = mutations < MUTATIONS ? mutations : MUTATIONS;
	for (int i = 0; i < n; i++) {
		char path[4096];
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		f = names[i]->d_name[0] != '.' ? fopen(path, "re") : NULL;
		free(names[i]);
		if (f == NULL)
			continue;
		seed.n = fread(seed.bytes, 1, SEED_MAX, f);
		fclose(f);
		seed_play(&seed, mutations, rng);
		played++;
	}
	if (n >= 0)
		free(names);
	printf("%s: %zu seeds, %u mutations each\n", folder, played, mutations);
	return played;
}

int main(int argc, char **argv)
{
	struct rng rng = {.state = 1};
	size_t played = 0;

	for (int i = 1; i < argc; i++)
		played += folder_play(argv[i], &rng);
	return played > 0 ? 0 : 1;
}
