/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which families a speaker does: unicast, and what its peers are configured for beyond that. */
#include "bgp_int.h"

bool family_find(const struct bgp_speaker *s, uint16_t afi, uint8_t safi, enum family *ret)
{
	for (enum family f = FAMILY_V4; f < s->family_end; f++) {
		if (s->families[f].afi == afi && s->families[f].safi == safi) {
			*ret = f;
			return true;
		}
	}
	return false;
}

bool family_add(struct bgp_speaker *s, struct bgp_family family, enum family *ret)
{
	if (family_find(s, family.afi, family.safi, ret))
		return true;
	if (s->family_end == FAMILY_COUNT)
		return false;
	*ret = s->family_end++;
	s->families[*ret] = family;
	return true;
}

struct wire_family family_wire(const struct bgp_speaker *s, enum family f, uint8_t flags)
{
	return (struct wire_family){.afi = s->families[f].afi, .safi = s->families[f].safi, .flags = flags};
}

bool family_agreed(const struct conn *c, enum family f)
{
	if (family_is_other(f))
		return (c->others >> f & 1) != 0;
	return f == FAMILY_V6 ? c->ipv6 : c->ipv4;
}
