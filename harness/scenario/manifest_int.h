/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manifests by kind: each kind is a record, read into a struct of sim/kube with the defaults that the API server fills in. */
#ifndef ECMPLAB_MANIFEST_INT_H
#define ECMPLAB_MANIFEST_INT_H

#include "fields_int.h"
#include "kube.h"
#include "vec.h"

/* What reading a file gives. */
struct manifest {
	struct reader r;
	VEC(struct kube_object) objects;
};

/* Kinds whose record is the object itself. */
extern const struct record manifest_service, manifest_deployment, manifest_slice, manifest_node, manifest_namespace;
extern const struct record manifest_pool, manifest_peer, manifest_peer_v1beta1, manifest_advertisement,
	manifest_community, manifest_bfd_profile;

/* Kinds that become something else. */
void manifest_endpoints(struct manifest *m, const struct yaml_node *doc);
void manifest_config_map(struct manifest *m, const struct yaml_node *doc);
void manifest_helm(struct manifest *m, const struct yaml_node *doc);
/* Adds an object of the kind that begins at the node. */
struct kube_object *manifest_add(struct manifest *m, enum kube_kind kind, const struct yaml_node *at);
struct kube_origin manifest_origin(const struct reader *r, const struct yaml_node *at);

/* As manifest_read, for a source that is open. */
int manifest_load(const struct yaml_source *src, struct arena *arena, struct diags *diags,
		  const struct kube_object **ret, size_t *ret_count);

/* Shared records and readers. */
extern const struct record manifest_meta, manifest_selector, manifest_requirement;
extern const struct words manifest_protocols;
/* Known, and read elsewhere: apiVersion and kind. */
void field_known(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
/* A field that changes what a cluster does and that the lab does not model: an error. */
void field_unsupported(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
void field_labels(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret); /* kube_labels */
void field_tristate(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
/* Entries of a pool: CIDRs and first-last, as a span of struct kube_range. */
void field_ranges(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);

#define META_ROWS(type)                                                                                                \
	{.key = "apiVersion", .read = field_known}, {.key = "kind", .read = field_known},                              \
	{                                                                                                              \
		.key = "metadata", .read = field_record, .offset = offsetof(type, meta), .more = &manifest_meta,       \
		.required = true                                                                                       \
	}
#define META_DEFAULTS                                                                                                  \
	{                                                                                                              \
		.namespace = "default"                                                                                 \
	}

#endif
