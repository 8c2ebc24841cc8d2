/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cluster that is fed with manifests as users write them. */
#ifndef ECMPLAB_TEST_WORLD_H
#define ECMPLAB_TEST_WORLD_H

#include "kube.h"
#include "support.h"

#define WORLD_NODES 3U

struct world {
	struct arena arena;
	struct kube_cluster *cluster;
	struct errmsg err; /* of the last refusal */
};

/* A test whose *state is a world with worker1 to worker3 at 10.0.0.51 and a control plane at 10.0.0.10. */
#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
#define WORLD_TEST_LEGACY(test) cmocka_unit_test_setup_teardown(test, world_setup_legacy, world_teardown)
int world_setup(void **state);
int world_setup_legacy(void **state);
#define WORLD_TEST_FRR(test) cmocka_unit_test_setup_teardown(test, world_setup_frr, world_teardown)
int world_setup_frr(void **state);
/* As world_setup_frr, with the networks of a lab over IPv6: pods fd00:244::/64, services fd00:96::/112. */
int world_setup_ipv6(void **state);
int world_teardown(void **state);

/* Applies a manifest; false: refused, and err says why. A manifest that can't be read fails the test. */
bool world_try(struct world *w, const char *yaml);
void world_apply(struct world *w, const char *yaml);
/* As world_apply with printf's arguments. */
void world_applyf(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Fails the test unless the manifest is refused with these words. */
void world_refuses(struct world *w, const char *yaml, const char *words);
/* A pool of the addresses, "172.16.254.0/24, 10.0.0.1-10.0.0.9", with further lines of its spec or "". */
void world_pool(struct world *w, const char *name, const char *addresses, const char *spec);
/* A LoadBalancer Service of the pods with app: web, on port 80; metadata and spec are further fields in flow style, which
 * win, or "". */
void world_service(struct world *w, const char *name, const char *metadata, const char *spec);
void world_delete(struct world *w, enum kube_kind kind, const char *name);
/* "172.16.254.1", or "172.16.254.1 1000::" for two, or "" while it is pending; in a static buffer. */
const char *world_ingress(struct world *w, const char *name);
const char *world_pending(struct world *w, const char *name);
/* "172.16.254.1/32 lp 0 communities 0x..." for each announcement of the node, "; " between them; in a static buffer. */
const char *world_announced(struct world *w, const char *node);
const char *world_reason(struct world *w, const char *node, const char *service);

#endif
