/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nftables/libnftables.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* libnftables waits with select(), which knows no descriptor from FD_SETSIZE on. Its context has one netlink socket of
 * the namespace in which it was made. Where all low numbers are taken, contexts get the spare one, one after the other.
 *
 * Closing such a socket waits for what the kernel has still to destroy, ten milliseconds after many a script. So where
 * there are many namespaces a script's context, which keeps 650 kB of what it saw, goes with the script, and its
 * socket stays, under a high number, until the namespace goes. */
#define FEW_NAMESPACES 256 /* descriptors; up to there a namespace keeps its context */

void net_spare_keep(void)
{
	int null;

	if (fcntl(NET_SPARE_FD, F_GETFD) >= 0)
		return;
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null >= 0 && null != NET_SPARE_FD) {
		(void)dup3(null, NET_SPARE_FD, O_CLOEXEC);
		close(null);
	}
}

static bool is_netlink(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_NETLINK;
}

/* What stands there is /dev/null or some context's socket, unless whoever started us had the number in use. */
static bool spare_is_ours(void)
{
	struct stat st;

	return is_netlink(NET_SPARE_FD) ||
	       (fstat(NET_SPARE_FD, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
}

/* The number that the next descriptor gets. */
static int next_number(void)
{
	int probe = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

	if (probe >= 0)
		close(probe);
	return probe >= 0 ? probe : INT_MAX;
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

/* With a context that is kept: making one takes about as long as running a small script. */
static int run_kept(struct net_ns *ns, const char *script, char **ret_output, struct errmsg *err)
{
	if (ns->nft == NULL)
		ns->nft = context_new();
	if (ns->nft == NULL)
		return errmsg_say(err, -ENOMEM, "%s: nftables", ns->name);
	return script_run(ns, ns->nft, script, ret_output, err);
}

/* The context's socket gets another name, so that closing it under its own costs nothing. */
static void park(struct net_ns *ns, int number)
{
	size_t n = sizeof(ns->nft_parked) / sizeof(ns->nft_parked[0]);
	int fd = is_netlink(number) ? fcntl(number, F_DUPFD_CLOEXEC, FD_SETSIZE) : -1;

	for (size_t i = 0; i < n && fd >= 0; i++) {
		if (ns->nft_parked[i] != 0)
			continue;
		ns->nft_parked[i] = fd;
		return;
	}
	if (fd >= 0)
		close(fd);
}

/* With a context for this script alone. */
static int run_once(struct net_ns *ns, const char *script, char **ret_output, struct errmsg *err)
{
	int number = next_number();
	struct nft_ctx *nft;
	int r;

	if (number >= FD_SETSIZE) {
		if (!spare_is_ours())
			return errmsg_say(err, -EMFILE, "%s: more descriptors are open than nftables can work with",
					  ns->name);
		number = NET_SPARE_FD;
		close(number);
	}
	nft = context_new();
	if (nft == NULL) {
		net_spare_keep();
		return errmsg_say(err, -EMFILE, "%s: no descriptor is left for nftables", ns->name);
	}
	r = script_run(ns, nft, script, ret_output, err);
	park(ns, number);
	nft_ctx_free(nft);
	net_spare_keep();
	return r;
}

void net_nft_free(struct net_ns *ns)
{
	if (ns->nft != NULL)
		nft_ctx_free(ns->nft);
	for (size_t i = 0; i < sizeof(ns->nft_parked) / sizeof(ns->nft_parked[0]); i++)
		if (ns->nft_parked[i] != 0)
			close(ns->nft_parked[i]);
}

static int run(struct net_ns *ns, const char *script, char **ret_output, struct errmsg *err)
{
	struct errmsg late;
	int r = net_ns_enter(ns, err);

	if (r < 0)
		return r;
	if (ns->nft != NULL || (ns->fd < FEW_NAMESPACES && next_number() < FD_SETSIZE))
		r = run_kept(ns, script, ret_output, err);
	else
		r = run_once(ns, script, ret_output, err);
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
