/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net_int.h"

#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

/* libnftables waits with select(), which knows no descriptor from FD_SETSIZE on. Its context keeps a netlink socket of the
 * namespace in which it was made; where all low numbers are taken, the spare one is lent to it. */

void net_spare_keep(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null >= 0 && null != NET_SPARE_FD) {
		(void)dup3(null, NET_SPARE_FD, O_CLOEXEC);
		close(null);
	}
}

static bool low_is_free(void)
{
	int probe = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

	if (probe >= 0)
		close(probe);
	return probe >= 0 && probe < FD_SETSIZE;
}

static struct nft_ctx *context_new(void)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	if (nft != NULL) {
		(void)nft_ctx_buffer_output(nft);
		(void)nft_ctx_buffer_error(nft);
	}
	return nft;
}

/* Both buffers are emptied by looking at them: what one script said is not the next one's. */
static int script_run(const struct net_ns *ns, struct nft_ctx *nft, const char *script, char **ret_output,
		      struct errmsg *err)
{
	int r = nft_run_cmd_from_buffer(nft, script);
	const char *said = nft_ctx_get_error_buffer(nft), *output = nft_ctx_get_output_buffer(nft);

	if (r != 0)
		return errmsg_say(err, -EINVAL, "%s: nftables: %.700s", ns->name, said);
	if (ret_output != NULL) {
		*ret_output = memory_grow(NULL, strlen(output) + 1, 1);
		memcpy(*ret_output, output, strlen(output) + 1);
	}
	return 0;
}

/* With a context that is kept, since making one takes longer than running most scripts. */
static int run_low(struct net_ns *ns, const char *script, char **ret_output, struct errmsg *err)
{
	if (ns->nft == NULL)
		ns->nft = context_new();
	if (ns->nft == NULL)
		return errmsg_say(err, -ENOMEM, "%s: nftables", ns->name);
	return script_run(ns, ns->nft, script, ret_output, err);
}

static int run_spare(const struct net_ns *ns, const char *script, char **ret_output, struct errmsg *err)
{
	struct nft_ctx *nft;
	int r;

	if (close(NET_SPARE_FD) < 0)
		return errmsg_say(err, -EMFILE, "%s: more descriptors are open than nftables can work with", ns->name);
	nft = context_new();
	r = nft != NULL ? script_run(ns, nft, script, ret_output, err)
			: errmsg_say(err, -ENOMEM, "%s: nftables", ns->name);
	if (nft != NULL)
		nft_ctx_free(nft);
	net_spare_keep();
	return r;
}

static int run(struct net_ns *ns, const char *script, char **ret_output, struct errmsg *err)
{
	struct errmsg late;
	int r = net_ns_enter(ns, err);

	if (r < 0)
		return r;
	if (ns->nft != NULL || low_is_free())
		r = run_low(ns, script, ret_output, err);
	else
		r = run_spare(ns, script, ret_output, err);
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
