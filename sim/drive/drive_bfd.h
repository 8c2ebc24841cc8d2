/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BFD engines over UDP (RFC 5881): port 3784 of a namespace, one source port a session, TTL 255 sent and asked for. Echo
 * packets (port 3785) are not listened for: they carry the sender's own address, so that a kernel that forwards sends
 * them back. */
#ifndef ECMPLAB_DRIVE_BFD_H
#define ECMPLAB_DRIVE_BFD_H

#include "bfd.h"
#include "drive.h"

struct drive_bfd;

typedef void drive_bfd_fn(void *ctx, const struct bfd_output *change);

struct drive_bfd_conf {
	struct bfd *engine; /* must outlive the drive_bfd; its sessions come and go as the caller likes */
	struct net_ns *ns;
	drive_bfd_fn *change; /* a session changed its state; may call into the engine. May be NULL */
	void *ctx;
};

/* -EADDRINUSE where somebody else speaks BFD in the namespace. */
int drive_bfd_new(struct drive *d, const struct drive_bfd_conf *conf, struct drive_bfd **ret, struct errmsg *err);
/* Protects the sessions of a BGP speaker (RFC 5882 section 10.2): where the path to a peer fails, its session ends with
 * Cease, BFD Down (RFC 9384), and starts again by itself. NULL for both: nobody's any more. Both must outlive that. */
void drive_bfd_protect(struct drive_bfd *b, struct bgp_speaker *engine, struct drive_speaker *driver);
/* Hands out what the engine has queued; to be called after every call into the engine from outside. */
void drive_bfd_flush(struct drive_bfd *b);
/* Says nothing more, as a killed process does. The engine stays the caller's. */
void drive_bfd_free(struct drive_bfd *b);

#endif
