/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli_int.h"
#include "statistics.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 4096U
#define FLOWS_MAX UINT64_C(1000000000000)

struct arguments {
	double weights[MEMBERS_MAX];
	size_t members;
	bool weighted;
	double detect, alpha, power;
	uint64_t flows;	 /* 0: to be found */
	uint64_t values; /* distinct flows there can be; 0: any number */
	bool json;
};

enum { OPT_ALPHA = 256, OPT_POWER, OPT_FLOWS, OPT_VALUES, OPT_JSON };

static const struct argp_option options[] = {
	{"members", 'm', "N", 0, "next hops of equal weight (2 to 4096)", 0},
	{"weights", 'w', "W,W,...", 0, "next hops with weights, in place of --members", 0},
	{"detect", 'd', "BIAS", 0, "how far one member may be off unseen: 10% or 0.1 (25%)", 0},
	{"alpha", OPT_ALPHA, "RATE", 0, "how often a perfect hash may fail (1e-6)", 0},
	{"power", OPT_POWER, "RATE", 0, "how often the bias must be found (0.95)", 0},
	{"flows", OPT_FLOWS, "N", 0, "tell what so many flows can show", 0},
	{"values", OPT_VALUES, "N", 0, "how many distinct flows the varied fields can give", 0},
	{"json", OPT_JSON, NULL, 0, "one JSON object", 0},
	{0},
};

/* ---- Arguments ---- */

/* 10%, 0.1, 1e-6 */
static bool rate(const char *option, const char *text, double low, double high, double *ret)
{
	char *end = NULL;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (end != text && strcmp(end, "%") == 0) {
		value /= 100;
		end++;
	}
	if (errno != 0 || end == text || *end != '\0' || !(value >= low && value <= high)) {
		cli_complain("%s takes a share from %g to %g, such as %g or %g%%, not \"%s\"", option, low, high,
			     high / 4, high * 25, text);
		return false;
	}
	*ret = value;
	return true;
}

static bool weights(const char *text, struct arguments *a)
{
	a->members = 0;
	a->weighted = true;
	for (const char *at = text;; at++) {
		char *end = NULL;
		double value = strtod(at, &end);

		if (end == at || !(value > 0 && value <= 1e6) || (*end != ',' && *end != '\0') ||
		    a->members >= MEMBERS_MAX) {
			cli_complain("--weights takes up to %u numbers from above 0 to 1e6 with commas between them, "
				     "not \"%s\"",
				     MEMBERS_MAX, text);
			return false;
		}
		a->weights[a->members++] = value;
		at = end;
		if (*end == '\0')
			return true;
	}
}

static bool members(const char *text, struct arguments *a)
{
	uint64_t n;

	if (!cli_number("--members", text, MEMBERS_MAX, &n))
		return false;
	a->members = (size_t)n;
	for (size_t i = 0; i < a->members; i++)
		a->weights[i] = 1;
	return true;
}

static bool option(int key, const char *arg, struct arguments *a)
{
	switch (key) {
	case 'm':
		return members(arg, a);
	case 'w':
		return weights(arg, a);
	case 'd':
		return rate("--detect", arg, 0.0001, 10, &a->detect);
	case OPT_ALPHA:
		return rate("--alpha", arg, JUDGE_ALPHA_MIN, 0.5, &a->alpha);
	case OPT_POWER:
		return rate("--power", arg, 0.01, 0.999999, &a->power);
	case OPT_FLOWS:
		return cli_number("--flows", arg, FLOWS_MAX, &a->flows);
	case OPT_VALUES:
		return cli_number("--values", arg, UINT64_MAX / 2, &a->values);
	default:
		a->json = true;
		return true;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key != 'm' && key != 'w' && key != 'd' && (key < OPT_ALPHA || key > OPT_JSON))
		return ARGP_ERR_UNKNOWN;
	return option(key, arg, state->input) ? 0 : EINVAL;
}

/* ---- Answers ---- */

struct answer {
	uint64_t needed;
	double power;	   /* of a->flows, or of needed */
	double detectable; /* by a->flows */
	double smallest;   /* share */
	bool supported;
};

static struct answer answer_of(const struct arguments *a)
{
	struct answer ret = {.smallest = 1, .supported = true};
	double sum = 0, least = a->weights[0];
	uint64_t flows;

	for (size_t i = 0; i < a->members; i++) {
		sum += a->weights[i];
		least = fmin(least, a->weights[i]);
	}
	ret.smallest = least / sum;
	ret.needed = judge_flows_needed_of(a->weights, a->members, a->detect, a->alpha, a->power);
	flows = a->flows > 0 ? a->flows : ret.needed;
	ret.power = judge_power_of(a->weights, a->members, flows, a->detect, a->alpha);
	ret.detectable = judge_detectable_bias_of(a->weights, a->members, flows, a->alpha, a->power);
	ret.supported = (a->flows == 0 || a->flows >= ret.needed) && (a->values == 0 || a->values >= flows);
	return ret;
}

static void print_json(const struct arguments *a, const struct answer *r)
{
	printf("{\"members\": %zu, \"weighted\": %s, \"detect\": %.9g, \"alpha\": %.9g, \"power\": %.9g, ", a->members,
	       a->weighted ? "true" : "false", a->detect, a->alpha, a->power);
	printf("\"flows_needed\": %llu, \"smallest_share\": %.9g, \"df\": %zu, \"critical\": %.9g, ",
	       (unsigned long long)r->needed, r->smallest, a->members - 1, judge_critical(a->members, a->alpha));
	if (a->flows > 0)
		printf("\"flows\": %llu, \"flows_power\": %.9g, ", (unsigned long long)a->flows, r->power);
	if (a->flows > 0 && r->detectable <= 1)
		printf("\"detectable_bias\": %.9g, ", r->detectable);
	else if (a->flows > 0)
		printf("\"detectable_bias\": null, ");
	if (a->values > 0)
		printf("\"values\": %llu, ", (unsigned long long)a->values);
	printf("\"supported\": %s}\n", r->supported ? "true" : "false");
}

static void print_sample(const struct arguments *a, const struct answer *r)
{
	if (a->flows == 0)
		return;
	printf("%llu flows: ", (unsigned long long)a->flows);
	if (r->detectable > 1)
		printf("not even a dead member is found in %g %% of runs\n", 100 * a->power);
	else
		printf("a member off by %.3g %% or more is found in %g %% of runs\n", 100 * r->detectable,
		       100 * a->power);
	printf("  off by %g %%: found in %.4g %% of runs\n", 100 * a->detect, 100 * r->power);
}

static void print_text(const struct arguments *a, const struct answer *r)
{
	uint64_t flows = a->flows > 0 ? a->flows : r->needed;

	printf("%llu distinct flows over %zu %smembers\n", (unsigned long long)r->needed, a->members,
	       a->weighted ? "weighted " : "");
	printf("  show a member that is off by %g %% in %g %% of runs (the smallest share, %.4g %% of all)\n",
	       100 * a->detect, 100 * a->power, 100 * r->smallest);
	printf("  and fail a perfect hash once in %.0f runs\n", 1 / a->alpha);
	printf("  the verdict is \"unequal\" from chi-square %.2f on, %zu degree%s of freedom\n",
	       judge_critical(a->members, a->alpha), a->members - 1, a->members == 2 ? "" : "s");
	print_sample(a, r);
	if (a->values > 0 && a->values < flows)
		printf("What varies has %llu values: they give no more than so many distinct flows, and %llu are "
		       "needed.\nVary another field as well, or look for a larger bias.\n",
		       (unsigned long long)a->values, (unsigned long long)flows);
}

static int plan(const struct cli_command *self, int argc, char **argv)
{
	char doc[2048];
	struct arguments *a = memory_new(sizeof(*a));
	struct argp argp = {.options = options, .parser = parse, .args_doc = self->arguments, .doc = doc};
	struct answer r;
	int result = RUN_USAGE;

	*a = (struct arguments){.detect = 0.25, .alpha = JUDGE_ALPHA, .power = JUDGE_POWER};
	cli_usage_text(self, doc, sizeof(doc));
	if (argp_parse(&argp, argc, argv, 0, NULL, a) != 0) {
		free(a);
		return RUN_USAGE;
	}
	if (a->members < 2) {
		cli_complain("how many next hops? such as --members 3, or --weights 1,1,2");
	} else {
		r = answer_of(a);
		if (a->json)
			print_json(a, &r);
		else
			print_text(a, &r);
		result = r.supported ? RUN_PASSED : RUN_FAILED;
	}
	free(a);
	return fflush(stdout) == 0 ? result : RUN_BROKEN;
}

const struct cli_command cli_plan = {
	.name = "plan",
	.arguments = "",
	.about = "how many flows a claim about balance needs, or what so many flows can show",
	.examples = "  ecmplab plan --members 16 --detect 10% --alpha 1e-6\n"
		    "  ecmplab plan --weights 1,1,2 --detect 20% --power 0.99 --json\n"
		    "  ecmplab plan --members 3 --flows 20\n",
	.run = plan,
};
