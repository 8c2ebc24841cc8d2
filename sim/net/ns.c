/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES "/run/netns"

int net_ns_enter(const struct net_ns *ns, struct errmsg *err)
{
	return setns(ns->fd, CLONE_NEWNET) < 0 ? errmsg_set(err, -errno, "enter namespace %s", ns->name) : 0;
}

int net_ns_leave(struct errmsg *err)
{
	int fd = open(NET_HOME, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 || setns(fd, CLONE_NEWNET) < 0 ? errmsg_set(err, -errno, "return to the first namespace") : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

/* "ip netns exec NAME" inside the sandbox finds namespaces by a bind mount. Nothing of ours needs it, so that a kernel that
 * refuses costs only that. */
static bool name_bind(const char *name)
{
	char path[64];
	int fd;

	if (name[0] == '.' || name[0] == '\0' || strchr(name, '/') != NULL)
		return false;
	snprintf(path, sizeof(path), "%s/%s", NAMES, name);
	(void)mkdir(NAMES, 0755);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444); /* the first of a name has it */
	if (fd < 0)
		return false;
	close(fd);
	if (mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL) == 0)
		return true;
	(void)unlink(path);
	return false;
}

static void name_unbind(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", NAMES, name);
	if (umount2(path, MNT_DETACH) == 0)
		(void)unlink(path);
}

/* What must happen while the thread is inside. */
static int inside(struct net_ns *ns, struct errmsg *err)
{
	int one = 1;

	ns->fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	ns->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ns->netlink = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (ns->fd < 0 || ns->control < 0 || ns->netlink == NULL ||
	    mnl_socket_bind(ns->netlink, 0, MNL_SOCKET_AUTOPID) < 0)
		return errmsg_set(err, -errno, "namespace %s", ns->name);
	/* Acknowledgements without the request they answer: a batch's then fit the receive buffer. */
	(void)mnl_socket_setsockopt(ns->netlink, NETLINK_CAP_ACK, &one, sizeof(one));
	ns->named = name_bind(ns->name);
	return 0;
}

/* No router solicitations or link-local addresses: a lab's wires carry what the lab does. */
static int quiet(struct net_ns *ns, struct errmsg *err)
{
	static const struct net_sysctl what[] = {
		{"net.ipv6.conf.default.addr_gen_mode", "1"},
		{"net.ipv6.conf.default.accept_ra", "0"},
		{"net.ipv6.conf.default.accept_dad", "0"},
	};

	return net_sysctls(ns, what, sizeof(what) / sizeof(what[0]), true, err); /* a kernel may be without IPv6 */
}

int net_ns_new(const char *name, struct net_ns **ret, struct errmsg *err)
{
	struct net_ns *ns = memory_new(sizeof(*ns));
	struct errmsg ignored;
	int r;

	snprintf(ns->name, sizeof(ns->name), "%s", name);
	ns->fd = ns->control = -1;
	r = unshare(CLONE_NEWNET) < 0 ? errmsg_set(err, -errno, "make namespace %s", name) : inside(ns, err);
	if (r == 0)
		r = net_ns_leave(err);
	else
		(void)net_ns_leave(&ignored);
	if (r == 0)
		r = quiet(ns, err);
	if (r == 0) {
		net_link_up(ns, "lo");
		r = net_flush(ns, err);
	}
	if (r < 0) {
		net_ns_free(ns);
		return r;
	}
	*ret = ns;
	return 0;
}

void net_ns_free(struct net_ns *ns)
{
	if (ns == NULL)
		return;
	net_nft_free(ns);
	if (ns->netlink != NULL)
		mnl_socket_close(ns->netlink);
	if (ns->control >= 0)
		close(ns->control);
	if (ns->fd >= 0)
		close(ns->fd);
	if (ns->named)
		name_unbind(ns->name);
	VEC_FREE(&ns->queue);
	VEC_FREE(&ns->requests);
	free(ns);
}

const char *net_ns_name(const struct net_ns *ns)
{
	return ns->name;
}

int net_ns_fd(const struct net_ns *ns)
{
	return ns->fd;
}

int net_socket(struct net_ns *ns, int domain, int type, int protocol, struct errmsg *err)
{
	int r = net_ns_enter(ns, err);
	int fd;

	if (r < 0)
		return r;
	fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		fd = errmsg_set(err, -errno, "%s: socket", ns->name);
	r = net_ns_leave(err);
	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : fd;
}

/* Below net only: what lies elsewhere is one for the whole machine, and root's sandbox could write it. */
static int sysctl_path(const char *name, char *ret, size_t room)
{
	int n = snprintf(ret, room, "/proc/sys/%s", name);

	if ((strncmp(name, "net.", 4) != 0 && strncmp(name, "net/", 4) != 0) || strstr(name, "/..") != NULL)
		return -EPERM;
	if (n < 0 || (size_t)n >= room)
		return -ENAMETOOLONG;
	for (char *p = ret; *p != '\0' && strchr(name, '/') == NULL; p++) {
		if (*p == '.')
			*p = '/';
	}
	return 0;
}

static int sysctl_open(struct net_ns *ns, const char *name, int flags, struct errmsg *err)
{
	char path[256];
	int fd;
	int r = sysctl_path(name, path, sizeof(path));

	if (r < 0)
		return errmsg_set(err, r, "%s: sysctl %s", ns->name, name);
	r = net_ns_enter(ns, err);
	if (r < 0)
		return r;
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		fd = errmsg_set(err, -errno, "%s: sysctl %s", ns->name, name);
	r = net_ns_leave(err);
	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : fd;
}

int net_sysctl(struct net_ns *ns, const char *name, const char *value, struct errmsg *err)
{
	int fd = sysctl_open(ns, name, O_WRONLY, err);
	int r = 0;

	if (fd < 0)
		return fd;
	if (write(fd, value, strlen(value)) < 0)
		r = errmsg_set(err, -errno, "%s: sysctl %s=%s", ns->name, name, value);
	close(fd);
	return r;
}

/* The kernel finds a namespace's "net/ipv4" among those of all namespaces, one after the other: with a thousand this takes longer
 * than everything else, so it is looked for once. */
struct sysctl_dir {
	int fd;
	size_t len; /* of the path that it stands for, with its slash; 0: none */
	char path[64];
};

/* The directory two levels down, and where the rest of the path begins. */
static int dir_open(struct sysctl_dir *d, const char *path)
{
	const char *second = strchr(path + strlen("/proc/sys/net/"), '/');
	size_t len = second != NULL ? (size_t)(second - path) + 1 : 0;

	if (len == 0 || len >= sizeof(d->path))
		return -ENOENT;
	if (d->len == len && memcmp(d->path, path, len) == 0)
		return 0;
	if (d->len > 0)
		close(d->fd);
	snprintf(d->path, sizeof(d->path), "%.*s", (int)len, path);
	d->fd = open(d->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	d->len = d->fd >= 0 ? len : 0;
	return d->fd >= 0 ? 0 : -errno;
}

static int sysctl_write(struct sysctl_dir *d, const struct net_sysctl *what)
{
	char path[256];
	int fd, r = sysctl_path(what->name, path, sizeof(path));

	if (r == 0)
		r = dir_open(d, path);
	if (r < 0)
		return r;
	fd = openat(d->fd, path + d->len, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write(fd, what->value, strlen(what->value)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int net_sysctls(struct net_ns *ns, const struct net_sysctl *what, size_t n, bool lacking, struct errmsg *err)
{
	struct sysctl_dir d = {0};
	struct errmsg late;
	int r = net_ns_enter(ns, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++) {
		int done = sysctl_write(&d, &what[i]);

		if (done < 0 && !(lacking && done == -ENOENT))
			r = errmsg_set(err, done, "%s: sysctl %s=%s", ns->name, what[i].name, what[i].value);
	}
	if (d.len > 0)
		close(d.fd);
	if (net_ns_leave(&late) < 0 && r == 0) {
		*err = late;
		r = late.code;
	}
	return r;
}

int net_sysctl_get(struct net_ns *ns, const char *name, char *ret, size_t room, struct errmsg *err)
{
	int fd = sysctl_open(ns, name, O_RDONLY, err);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, ret, room - 1);
	if (n < 0) {
		int r = errmsg_set(err, -errno, "%s: sysctl %s", ns->name, name);

		close(fd);
		return r;
	}
	close(fd);
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}
