/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without a fuzzer: plays the seeds of folders and of packed files, and for each a bounded number of mutations that are the same in every run. */
#include "fuzz.h"

#include "arena.h"
#include "rng.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

static unsigned int mutations_of(size_t seeds)
{
	return seeds * MUTATIONS <= PLAYED_MAX ? MUTATIONS : PLAYED_MAX / (unsigned int)seeds;
}

/* A file for each seed. */
static size_t folder_play(const char *folder, struct rng *rng)
{
	static struct input seed;
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort);
	size_t played = 0;

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
		seed_play(&seed, mutations_of((size_t)n), rng);
		played++;
	}
	if (n >= 0)
		free(names);
	return played;
}

static bool next_seed(FILE *f, struct input *ret)
{
	uint8_t len[4];

	if (fread(len, 1, sizeof(len), f) != sizeof(len))
		return false;
	ret->n = len[0] | (size_t)len[1] << 8 | (size_t)len[2] << 16 | (size_t)len[3] << 24;
	return ret->n <= SEED_MAX && fread(ret->bytes, 1, ret->n, f) == ret->n;
}

/* All seeds in one, as corpus.py writes them. */
static size_t file_play(FILE *f, struct rng *rng)
{
	static struct input seed;
	size_t count = 0, played = 0;

	while (next_seed(f, &seed))
		count++;
	rewind(f);
	for (; played < count && next_seed(f, &seed); played++)
		seed_play(&seed, mutations_of(count), rng);
	return played;
}

static size_t path_play(const char *path, struct rng *rng)
{
	struct stat st;
	FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
	size_t played = f != NULL ? file_play(f, rng) : folder_play(path, rng);

	printf("%s: %zu seeds, %u mutations each\n", path, played, played > 0 ? mutations_of(played) : 0);
	if (f != NULL)
		fclose(f);
	return played;
}

int main(int argc, char **argv)
{
	struct rng rng = {.state = 1};
	size_t played = 0;

	for (int i = 1; i < argc; i++)
		played += path_play(argv[i], &rng);
	return played > 0 ? 0 : 1;
}
