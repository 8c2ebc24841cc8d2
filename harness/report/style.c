/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report_int.h"

#include <string.h>

static bool is_set(const char *value)
{
	return value != NULL && *value != '\0';
}

bool report_colour_wanted(const char *option, bool tty, const char *no_color, const char *clicolor_force,
			  const char *term)
{
	if (option != NULL && strcmp(option, "always") == 0)
		return true;
	if (option != NULL && strcmp(option, "never") == 0)
		return false;
	if (is_set(no_color))
		return false;
	if (is_set(clicolor_force) && strcmp(clicolor_force, "0") != 0)
		return true;
	return tty && (term == NULL || strcmp(term, "dumb") != 0);
}

const char *report_verdict_name(enum report_verdict v)
{
	static const char *const names[REPORT_VERDICT_COUNT] = {
		[REPORT_PASSED] = "pass",  [REPORT_FAILED] = "fail",   [REPORT_INCONCLUSIVE] = "inconclusive",
		[REPORT_SKIPPED] = "skip", [REPORT_BROKEN] = "broken", [REPORT_INTERRUPTED] = "interrupted",
	};

	return v < REPORT_VERDICT_COUNT ? names[v] : "broken";
}
