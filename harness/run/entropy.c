/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many of a set of flows the router's hash can tell apart: what a claim about its balance rests on. */
#include "run_int.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* What is left of a flow where the hash does not look is zero: addresses, label, ports, protocol. */
enum { KEY_SRC = 0, KEY_DST = 16, KEY_LABEL = 32, KEY_SRC_PORT = 36, KEY_DST_PORT = 38, KEY_PROTOCOL = 40, KEY_LEN };

unsigned int run_hash_fields(const struct net_hash *hash)
{
	switch (hash->policy) {
	case NET_HASH_L3:
	case NET_HASH_INNER_L3:
		return NET_HASH_SRC | NET_HASH_DST | NET_HASH_FLOW_LABEL;
	case NET_HASH_L4:
		return NET_HASH_5_TUPLE;
	case NET_HASH_FIELDS:
		return hash->fields;
	}
	return 0;
}

static void key_make(const struct net_tuple *t, unsigned int fields, uint8_t ret[static KEY_LEN])
{
	bool ports = !t->fragment && (t->protocol == IPPROTO_TCP || t->protocol == IPPROTO_UDP);

	memset(ret, 0, KEY_LEN);
	if ((fields & NET_HASH_SRC) != 0)
		memcpy(ret + KEY_SRC, t->src.b, sizeof(t->src.b));
	if ((fields & NET_HASH_DST) != 0)
		memcpy(ret + KEY_DST, t->dst.b, sizeof(t->dst.b));
	if ((fields & NET_HASH_FLOW_LABEL) != 0)
		memcpy(ret + KEY_LABEL, &t->flow_label, sizeof(t->flow_label));
	if ((fields & NET_HASH_SRC_PORT) != 0 && ports)
		memcpy(ret + KEY_SRC_PORT, &t->src_port, sizeof(t->src_port));
	if ((fields & NET_HASH_DST_PORT) != 0 && ports)
		memcpy(ret + KEY_DST_PORT, &t->dst_port, sizeof(t->dst_port));
	if ((fields & NET_HASH_PROTOCOL) != 0)
		ret[KEY_PROTOCOL] = t->protocol;
}

static int by_octets(const void *a, const void *b)
{
	return memcmp(a, b, KEY_LEN);
}

uint32_t run_flows_keys(const struct net_hash *hash, const struct net_tuple *tuples, uint32_t n)
{
	uint8_t *keys = memory_grow(NULL, (size_t)n + 1, KEY_LEN);
	unsigned int fields = run_hash_fields(hash);
	uint32_t distinct = 0;

	for (size_t i = 0; i < n; i++)
		key_make(&tuples[i], fields, keys + i * KEY_LEN);
	if (n > 1)
		qsort(keys, n, KEY_LEN, by_octets);
	for (size_t i = 0; i < n; i++)
		distinct += i == 0 || by_octets(keys + i * KEY_LEN, keys + (i - 1) * KEY_LEN) != 0;
	free(keys);
	return distinct;
}
