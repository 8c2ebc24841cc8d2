/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "article.h"

#include <stdio.h>

#define LABELS                                                                                                         \
	{                                                                                                              \
		.at = &app, .len = 1                                                                                   \
	}

static const struct kube_label app = {"app", "nginx"};

struct addr article_addr(const char *text)
{
	struct addr a = {0};

	(void)addr_parse(text, &a);
	return a;
}

struct prefix article_prefix(const char *text)
{
	struct prefix p = {0};

	(void)prefix_parse(text, &p);
	return p;
}

struct node_lab_conf article_conf(unsigned int workers, unsigned int clients)
{
	return (struct node_lab_conf){
		.cluster_net = article_prefix("10.0.0.0/24"),
		.client_net = article_prefix("172.16.0.0/24"),
		.router_cluster = article_addr("10.0.0.1"),
		.router_client = article_addr("172.16.0.1"),
		.control_plane = article_addr("10.0.0.10"),
		.first_worker = article_addr("10.0.0.51"),
		.first_client = article_addr("172.16.0.10"),
		.workers = workers,
		.clients = clients,
	};
}

static void paper_lab(struct node_lab *lab, const struct node_lab_conf *conf)
{
	unsigned int workers = conf->workers;

	*lab = (struct node_lab){.conf = *conf};
	lab->router.name = "router";
	lab->workers = arena_array(&lab->arena, workers, sizeof(*lab->workers));
	for (unsigned int i = 0; i < workers; i++) {
		lab->workers[i].host.name = arena_printf(&lab->arena, "worker%u", i + 1);
		lab->workers[i].host.address = addr_add(&lab->conf.first_worker, i);
	}
}

void article_paper_lab(struct node_lab *lab, unsigned int workers)
{
	struct node_lab_conf conf = article_conf(workers, 0);

	paper_lab(lab, &conf);
}

void article_paper_lab6(struct node_lab *lab, unsigned int workers)
{
	struct node_lab_conf conf = article_conf(workers, 0);

	conf.cluster_net = article_prefix("fd00:10::/64");
	conf.client_net = article_prefix("fd00:172::/64");
	conf.router_cluster = article_addr("fd00:10::1");
	conf.router_client = article_addr("fd00:172::1");
	conf.first_worker = article_addr("fd00:10::33");
	paper_lab(lab, &conf);
}

struct kube_cluster *article_cluster(enum kube_metallb metallb)
{
	struct kube_cluster *c =
		kube_cluster_new(&(struct kube_cluster_conf){.metallb = metallb,
							     .pod_net = article_prefix("10.244.0.0/16"),
							     .service_net = article_prefix("10.96.0.0/12"),
							     .seed = 1});
	struct addr at = article_addr("10.0.0.51"), control_plane = article_addr("10.0.0.10");

	for (unsigned int i = 1; i <= 3; i++, at = addr_add(&at, 1)) {
		char name[16];

		snprintf(name, sizeof(name), "worker%u", i);
		kube_cluster_node(c, name, &at, true);
	}
	kube_cluster_node(c, "control-plane", &control_plane, false);
	return c;
}

int article_apply(struct kube_cluster *cluster, struct errmsg *err)
{
	static const struct kube_port port = {.name = "", .protocol = KUBE_TCP, .port = 80, .target_port = 80};
	static const char *const pools[] = {"pool"};
	static struct kube_range range; /* filled once, always alike */
	static struct kube_object objects[] = {
		{.kind = KUBE_IP_ADDRESS_POOL,
		 .pool = {.meta = {.name = "pool", .namespace = "metallb-system"},
			  .ranges = &range,
			  .range_count = 1,
			  .auto_assign = true,
			  .avoid_buggy_ips = true}},
		{.kind = KUBE_BGP_ADVERTISEMENT,
		 .advertisement = {.meta = {.name = "all", .namespace = "metallb-system"},
				   .aggregation_length = 32,
				   .aggregation_length_v6 = 128,
				   .pools = {.at = pools, .len = 1}}},
		{.kind = KUBE_DEPLOYMENT,
		 .deployment = {.meta = {.name = "nginx", .namespace = "default"},
				.replicas = 3,
				.selector = {.labels = LABELS},
				.pod_labels = LABELS}},
		{.kind = KUBE_SERVICE,
		 .service = {.meta = {.name = "nginx", .namespace = "default"},
			     .type = KUBE_LOAD_BALANCER,
			     .selector = LABELS,
			     .ports = &port,
			     .port_count = 1}},
	};
	size_t n;
	const struct kube_pod *pods;
	unsigned int uids[8];
	int r;

	range = (struct kube_range){.is_cidr = true, .cidr = article_prefix("172.16.254.0/24")};
	r = kube_apply_all(cluster, objects, sizeof(objects) / sizeof(objects[0]), err);
	pods = kube_pods(cluster, &n);
	for (size_t i = 0; i < n && i < 8; i++)
		uids[i] = pods[i].uid;
	for (size_t i = 0; i < n && i < 8; i++)
		kube_pod_ready(cluster, uids[i], true);
	return r;
}

struct kube_object article_peer(const char *name)
{
	return (struct kube_object){.kind = KUBE_BGP_PEER,
				    .peer = {.meta = {.name = name, .namespace = "metallb-system"},
					     .my_asn = ARTICLE_WORKER_AS,
					     .peer_asn = ARTICLE_ROUTER_AS,
					     .peer_address = article_addr("10.0.0.1"),
					     .peer_port = 179,
					     .hold_ns = KUBE_TIME_UNSET,
					     .keepalive_ns = KUBE_TIME_UNSET}};
}
