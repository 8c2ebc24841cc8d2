/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube_int.h"

#include <string.h>

/* The widest prefix that begins at the address and does not reach beyond last. */
static struct prefix widest(const struct addr *first, const struct addr *last)
{
	unsigned int width = (unsigned int)addr_len(first->family) * 8;
	struct prefix best = prefix_host(first);

	for (unsigned int len = width; len-- > 0;) {
		struct prefix p = prefix_make(first, len);
		struct addr end = prefix_last(&p);

		if (!addr_equal(&p.addr, first) || addr_compare(&end, last) > 0)
			break;
		best = p;
	}
	return best;
}

size_t kube_range_cidrs(const struct kube_range *range, struct prefix *ret, size_t room)
{
	struct addr at = range->first;
	size_t n = 0;

	if (range->is_cidr) {
		if (room > 0)
			ret[0] = range->cidr;
		return 1;
	}
	while (addr_compare(&at, &range->last) <= 0) {
		struct prefix p = widest(&at, &range->last);
		struct addr end = prefix_last(&p);

		if (n < room)
			ret[n] = p;
		n++;
		at = addr_add(&end, 1);
		if (addr_compare(&at, &end) <= 0)
			break; /* past the family's last address */
	}
	return n;
}
