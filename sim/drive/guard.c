/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard.h"
#include "sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define TTL_MAX 255

#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73 /* linux/in6.h, which can't stand beside netinet/in.h */
#endif

int guard_check(const struct drive_guard *g)
{
	return g->password != NULL && strlen(g->password) > TCP_MD5SIG_MAXKEYLEN ? -EINVAL : 0;
}

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_ttl(int fd, uint8_t family, int ttl)
{
	return family == ADDR_V6 ? set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl)
				 : set_int(fd, IPPROTO_IP, IP_TTL, ttl);
}

static int set_min_ttl(int fd, uint8_t family, int ttl)
{
	return family == ADDR_V6 ? set_int(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, ttl)
				 : set_int(fd, IPPROTO_IP, IP_MINTTL, ttl);
}

static int set_password(int fd, const char *password, const struct addr *remote)
{
	struct tcp_md5sig md5 = {0};
	size_t n = strlen(password);

	(void)sockaddr_make(remote, 0, &md5.tcpm_addr);
	md5.tcpm_keylen = (uint16_t)n;
	memcpy(md5.tcpm_key, password, n);
	return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &md5, sizeof(md5)) < 0 ? -errno : 0;
}

/* RFC 5082 section 3: who is h hops away arrives with 256 - h or more. */
static int min_ttl(const struct drive_guard *g)
{
	return g->gtsm_hops > 0 ? TTL_MAX + 1 - g->gtsm_hops : 0;
}

int guard_listener_add(int fd, const struct drive_guard *g, const struct addr *remote)
{
	return g->password != NULL ? set_password(fd, g->password, remote) : 0;
}

/* A password that a listener was given is the accepted connection's too. */
int guard_connection(int fd, const struct drive_guard *g, const struct addr *remote)
{
	int r = guard_listener_add(fd, g, remote);

	if (r == 0 && g->gtsm_hops > 0)
		r = set_ttl(fd, remote->family, TTL_MAX);
	if (r == 0 && g->gtsm_hops > 0)
		r = set_min_ttl(fd, remote->family, min_ttl(g));
	if (r == 0 && g->gtsm_hops == 0 && g->ttl > 0)
		r = set_ttl(fd, remote->family, g->ttl);
	return r;
}

int guard_listener(int fd, const struct drive_guard *guards, size_t n, uint8_t family)
{
	int least = TTL_MAX, r = 0;
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		least = min_ttl(&guards[i]) < least ? min_ttl(&guards[i]) : least;
		any |= guards[i].gtsm_hops > 0;
	}
	if (any)
		r = set_ttl(fd, family, TTL_MAX);
	if (r == 0 && any && least > 0)
		r = set_min_ttl(fd, family, least);
	return r;
}
