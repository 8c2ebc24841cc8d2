/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "instant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t ns;
};

/* Longer names first, so that "ms" is not read as "m". */
static const struct unit units[] = {
	{"ms", NS_PER_MS}, {"us", NS_PER_US}, {"ns", 1}, {"h", 3600 * NS_PER_S}, {"m", 60 * NS_PER_S}, {"s", NS_PER_S},
};

static const struct unit *unit_at(const char *text)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strncmp(text, units[i].name, strlen(units[i].name)) == 0)
			return &units[i];
	}
	return NULL;
}

int duration_parse(const char *text, int64_t *ret_ns)
{
	const double limit_ns = 24.0 * 3600 * (double)NS_PER_S;
	double total_ns = 0;

	if (strcmp(text, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	do {
		char *end = NULL;
		double value;
		const struct unit *unit;

		/* strtod alone would take "inf", "nan", signs and hex. */
		if (*text == '\0' || strspn(text, "0123456789.") == 0 || strncmp(text, "0x", 2) == 0)
			return -EINVAL;
		value = strtod(text, &end);
		unit = end != text ? unit_at(end) : NULL;
		if (unit == NULL)
			return -EINVAL;
		total_ns += value * (double)unit->ns;
		if (!(total_ns <= limit_ns))
			return -ERANGE;
		text = end + strlen(unit->name);
	} while (*text != '\0');
	*ret_ns = (int64_t)(total_ns + 0.5);
	return 0;
}

struct duration_text duration_text(int64_t ns)
{
	struct duration_text t;
	static const struct unit shown[] = {{"s", NS_PER_S}, {"ms", NS_PER_MS}, {"us", NS_PER_US}};

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		double value = (double)ns / (double)shown[i].ns;

		if (value >= 1 || value <= -1) {
			snprintf(t.s, sizeof(t.s), value < 100 && value > -100 ? "%.3g %s" : "%.0f %s", value,
				 shown[i].name);
			return t;
		}
	}
	snprintf(t.s, sizeof(t.s), "%lld ns", (long long)ns);
	return t;
}
