/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session.families: what a session carries beyond IPv4 and IPv6 unicast (RFC 4760), by name or by IANA's numbers. */
#include "plan_int.h"

#include <stdlib.h>
#include <string.h>

#define AFI_IPV4 1
#define AFI_IPV6 2
#define SAFI_UNICAST 1

static const struct {
	const char *word;
	struct plan_afi family;
} named[] = {
	{"ipv4_multicast", {AFI_IPV4, 2}},  {"ipv4_labeled", {AFI_IPV4, 4}},	{"ipv4_vpn", {AFI_IPV4, 128}},
	{"ipv4_flowspec", {AFI_IPV4, 133}}, {"ipv6_multicast", {AFI_IPV6, 2}},	{"ipv6_labeled", {AFI_IPV6, 4}},
	{"ipv6_vpn", {AFI_IPV6, 128}},	    {"ipv6_flowspec", {AFI_IPV6, 133}}, {"l2vpn_vpls", {25, 65}},
	{"l2vpn_evpn", {25, 70}},	    {"link_state", {16388, 71}},
};
#define NAMED (sizeof(named) / sizeof(named[0]))

/* "25/70". */
static bool by_number(const char *text, struct plan_afi *ret)
{
	unsigned long afi, safi;
	char *end;

	if (strspn(text, "0123456789/") != strlen(text))
		return false;
	afi = strtoul(text, &end, 10);
	if (*end != '/' || end[1] == '\0')
		return false;
	safi = strtoul(end + 1, &end, 10);
	if (*end != '\0' || afi == 0 || afi > UINT16_MAX || safi == 0 || safi > UINT8_MAX)
		return false;
	*ret = (struct plan_afi){(uint16_t)afi, (uint8_t)safi};
	return true;
}

static bool by_name(const char *text, struct plan_afi *ret)
{
	for (size_t i = 0; i < NAMED; i++) {
		if (strcmp(text, named[i].word) == 0) {
			*ret = named[i].family;
			return true;
		}
	}
	return false;
}

static void one_read(struct reader *r, const struct yaml_node *v, const char *key, struct plan_engine *engine)
{
	const char *text = reader_text(r, v, key), *words[NAMED];
	struct plan_afi family;

	if (text == NULL)
		return;
	for (size_t i = 0; i < NAMED; i++)
		words[i] = named[i].word;
	if (!by_name(text, &family) && !by_number(text, &family)) {
		reader_unknown_word(r, v, "families: neither AFI/SAFI in numbers nor one that is called", words, NAMED);
		return;
	}
	if ((family.afi == AFI_IPV4 || family.afi == AFI_IPV6) && family.safi == SAFI_UNICAST) {
		diag_hint(r, reader_fault(r, v, "families: unicast is no further family"),
			  "sessions carry it without a word");
		return;
	}
	for (size_t i = 0; i < engine->family_count; i++) {
		if (engine->families[i].afi == family.afi && engine->families[i].safi == family.safi) {
			reader_fault(r, v, "families: %s stands there twice", text);
			return;
		}
	}
	if (engine->family_count == PLAN_FAMILIES_MAX)
		reader_fault(r, v, "families: more than %d", PLAN_FAMILIES_MAX);
	else
		engine->families[engine->family_count++] = family;
}

void plan_afi_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	if (v->kind != YAML_LIST) {
		reader_wrong_type(r, v, f->key, "a list");
		return;
	}
	for (size_t i = 0; i < v->count; i++)
		one_read(r, v->items[i], f->key, ret);
}
