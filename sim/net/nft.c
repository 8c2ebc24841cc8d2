/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net_int.h"

#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* libnftables waits with select(), which knows no descriptor from FD_SETSIZE on. Its context keeps one netlink socket of
 * the namespace in which it was made. Where all low numbers are taken, contexts share the spare one: each has its socket
 * parked under a high number and is lent the spare for as long as a script runs. (Closing the socket instead would wait
 * for what the kernel has still to destroy, ten milliseconds after many a script.) */

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

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* What stands there is /dev/null or some context's socket, unless whoever started us had the number in use. */
static bool spare_is_ours(void)
{
	struct stat st;

	return is_netlink(NET_SPARE_FD) ||
	       (fstat(NET_SPARE_FD, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
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

/* A context whose socket has the spare number, since that is the only low one free; it is parked at once. */
static int lent_new(struct net_ns *ns, struct errmsg *err)
{
	if (!spare_is_ours())
		return errmsg_say(err, -EMFILE, "%s: more descriptors are open than nftables can work with", ns->name);
	close(NET_SPARE_FD);
	ns->nft = context_new();
	ns->nft_parked = is_netlink(NET_SPARE_FD) ? fcntl(NET_SPARE_FD, F_DUPFD_CLOEXEC, FD_SETSIZE) : -1;
	if (ns->nft != NULL && ns->nft_parked >= 0)
		return 0;
	net_nft_free(ns);
	return errmsg_say(err, -EMFILE, "%s: no descriptor is left for nftables", ns->name);
}

static int run_lent(struct net_ns *ns, const char *script, char **ret_output, struct errmsg *err)
{
	int r;

	if (ns->nft == NULL)
		r = lent_new(ns, err);
	else if (!spare_is_ours() || dup3(ns->nft_parked, NET_SPARE_FD, O_CLOEXEC) < 0)
		r = errmsg_say(err, -EMFILE, "%s: the descriptor for nftables is in use", ns->name);
	else
		r = 0;
	if (r < 0)
		return r;
	r = script_run(ns, ns->nft, script, ret_output, err);
	/* The library opens another socket when somebody else changes rules under it; its number is not for us to know. */
	if (!same_file(ns->nft_parked, NET_SPARE_FD))
		net_nft_free(ns);
	return r;
}

void net_nft_free(struct net_ns *ns)
{
	if (ns->nft_parked >= 0 && spare_is_ours())
		(void)dup3(ns->nft_parked, NET_SPARE_FD, O_CLOEXEC);
	if (ns->nft != NULL)
		nft_ctx_free(ns->nft);
	if (ns->nft_parked >= 0)
		close(ns->nft_parked);
	ns->nft = NULL;
	ns->nft_parked = -1;
	net_spare_keep();
}

static int run(struct net_ns *ns, const char *script, char **ret_output, struct errmsg *err)
{
	struct errmsg late;
	int r = net_ns_enter(ns, err);

	if (r < 0)
		return r;
	if (ns->nft_parked >= 0 || (ns->nft == NULL && !low_is_free()))
		r = run_lent(ns, script, ret_output, err);
	else
		r = run_low(ns, script, ret_output, err);
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
