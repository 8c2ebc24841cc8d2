/* SPDX-License-Identifier: GPL-2.0-or-later */
/* networks.family: the lab's networks are of one family, and what that asks of the rest. */
#include "plan_int.h"

static const char *const family_words[] = {[PLAN_FAMILY_IPV4] = "ipv4", [PLAN_FAMILY_IPV6] = "ipv6"};
const struct words plan_families = WORDS(family_words);

void plan_family_default(const struct yaml_node *networks, enum plan_family family, struct plan_lab *lab)
{
	const struct {
		const char *key;
		struct prefix *net;
		struct prefix v6;
	} nets[] = {{"cluster", &lab->cluster_net, {{ADDR_V6, {0xfd, 0, 0, 0x10}}, 64}},
		    {"clients", &lab->client_net, {{ADDR_V6, {0xfd, 0, 0x01, 0x72}}, 64}},
		    {"pods", &lab->pod_net, {{ADDR_V6, {0xfd, 0, 0x02, 0x44}}, 64}},
		    {"services", &lab->service_net, {{ADDR_V6, {0xfd, 0, 0, 0x96}}, 112}}};
	bool v6 = family == PLAN_FAMILY_IPV6 || lab->cluster_net.addr.family == ADDR_V6;

	for (size_t i = 0; v6 && i < sizeof(nets) / sizeof(nets[0]); i++) {
		if (yaml_get(networks, nets[i].key) == NULL)
			*nets[i].net = nets[i].v6;
	}
	if (lab->upstream.net.addr.family == ADDR_NONE)
		lab->upstream.net = v6 ? (struct prefix){{ADDR_V6, {0xfd, 0, 0x02, 0x55}}, 64}
				       : (struct prefix){{ADDR_V4, {192, 168, 255}}, 24};
}

void plan_family_check(struct plan_state *s, const struct yaml_node *map, struct plan_lab *lab)
{
	const struct yaml_node *workers = yaml_get(map, "workers");

	if (lab->cluster_net.addr.family != ADDR_V6)
		return;
	if (yaml_get(workers, "metallb") == NULL)
		lab->metallb = KUBE_METALLB_FRR;
	if (lab->metallb != KUBE_METALLB_FRR && lab->metallb != KUBE_METALLB_STANDARD)
		diag_hint(&s->r,
			  reader_fault(&s->r, workers != NULL ? workers : map,
				       "MetalLB announces IPv6 in its FRR mode alone"),
			  "write workers: {metallb: frr}");
}
