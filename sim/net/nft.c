/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net_int.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>

/* The context keeps a netlink socket of the namespace in which it was made. */
static int context(struct net_ns *ns, struct errmsg *err)
{
	if (ns->nft != NULL)
		return 0;
	ns->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (ns->nft == NULL)
		return errmsg_say(err, -ENOMEM, "%s: nftables", ns->name);
	(void)nft_ctx_buffer_output(ns->nft);
	(void)nft_ctx_buffer_error(ns->nft);
	return 0;
}

static int run(struct net_ns *ns, const char *script, char **ret_output, struct errmsg *err)
{
	struct errmsg late;
	int r = net_ns_enter(ns, err);

	if (r < 0)
		return r;
	r = context(ns, err);
	if (r == 0 && nft_run_cmd_from_buffer(ns->nft, script) != 0)
		r = errmsg_say(err, -EINVAL, "%s: nftables: %.700s", ns->name, nft_ctx_get_error_buffer(ns->nft));
	if (r == 0 && ret_output != NULL) {
		*ret_output = strdup(nft_ctx_get_output_buffer(ns->nft));
		if (*ret_output == NULL)
			memory_exhausted();
	}
	if (net_ns_leave(&late) < 0 && r == 0) {
		*err = late;
		r = late.code;
	}
	return r;
}

int net_nft(struct net_ns *ns, const char *script, struct errmsg *err)
{
	return run(ns, script, NULL, err);
}

int net_nft_list(struct net_ns *ns, char **ret, struct errmsg *err)
{
	return run(ns, "list ruleset", ret, err);
}
