/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BGP speakers that a script commands. Builds a sandbox of two namespaces, "daemon" and "peer", joined by a link; runs
 * the script in the first, which has 10.0.0.1 to 10.0.0.6 and fd00::1 to fd00::6 for as many daemons; speaks BGP in the
 * second, from the addresses 10.0.0.0 + HOST and fd00::HOST (256 to 855), as the script asks, one line a command, over a
 * socket at /run/bgp_peer:
 *
 *   new HOST FAMILY [KEY=VALUE...]          a speaker that listens at its address of this family
 *   peer HOST ADDRESS [KEY=VALUE...]        a peer of it, before "go"; they count from 0
 *   go HOST    kill HOST                    begins; is gone as a killed process is
 *   announce HOST HOP COMMUNITY PREFIX...   all that it announces from now on; HOP "-": its own address; COMMUNITY 0: none
 *   table HOST COUNT                        the same, of as many: 101.0.0.0/32 and those that follow it, each in an UPDATE
 *                                           of its own
 *   info HOST PEER   in HOST PEER   out HOST PEER   log HOST   routes HOST
 *   refresh HOST PEER FAMILY   stop HOST PEER TEXT   reset HOST PEER SUBCODE   start HOST PEER   raw HOST PEER HEX
 *   leave HOST PEER 1|0        RFC 8326, or no longer
 *   bfd HOST PEER              guards the session with BFD: 100 ms, thrice
 *   hush HOST PEER             that BFD says nothing more; the session goes on
 *
 * Each is answered by one line of JSON. The script's exit status is the program's. */
#include "peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET_PATH "/run/bgp_peer"
#define LINE_MAX_LEN 140000U
#define WORDS_MAX 40
#define RAW_MAX 69632U
#define FIRST_HOST 256
#define LAST_HOST 855
#define DAEMONS 6
#define BFD_US 100000U
#define TABLE_MAX 200000
#define TABLE_FIRST "101.0.0.0"

struct lab {
	struct drive *drive;
	struct net_ns *ns[2]; /* daemon, peer */
	struct speaker speakers[SPEAKERS_MAX];
	int listener, control;
	struct drive_watch *listener_watch, *control_watch;
	char line[LINE_MAX_LEN];
	size_t len;
	bool ended;
	int status;
};

/* ---- A speaker's life ---- */

static void dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port, struct addr *ret_source)
{
	struct speaker *s = ctx;

	*ret_remote = s->remotes[peer];
	*ret_port = 179;
	*ret_source = s->local;
}

static void route(void *ctx, const struct bgp_output *r)
{
	tell_route(ctx, r);
}

static void notice(void *ctx, const struct bgp_output *n)
{
	tell_notice(ctx, n);
}

static struct speaker *find(struct lab *l, unsigned int host)
{
	for (size_t i = 0; i < SPEAKERS_MAX; i++)
		if (l->speakers[i].host == host)
			return &l->speakers[i];
	return NULL;
}

static void hush(struct speaker *s)
{
	drive_bfd_free(s->bfd_driver);
	bfd_free(s->bfd);
	s->bfd_driver = NULL;
	s->bfd = NULL;
}

static void die(struct speaker *s)
{
	hush(s);
	drive_speaker_free(s->driver);
	bgp_speaker_free(s->engine);
	tell_end(s);
	memset(s, 0, sizeof(*s));
}

/* ---- Fields by name ---- */

struct field {
	const char *name;
	size_t offset, size;
};

#define SPEAKER_FIELD(f)                                                                                               \
	{                                                                                                              \
#f, offsetof(struct bgp_speaker_conf, f), sizeof(((struct bgp_speaker_conf *)NULL)->f)                 \
	}
#define PEER_FIELD(f)                                                                                                  \
	{                                                                                                              \
#f, offsetof(struct bgp_peer_conf, f), sizeof(((struct bgp_peer_conf *)NULL)->f)                       \
	}

static const struct field speaker_fields[] = {
	SPEAKER_FIELD(as),
	SPEAKER_FIELD(profile),
	SPEAKER_FIELD(max_paths),
	SPEAKER_FIELD(always_compare_med),
	SPEAKER_FIELD(multipath_relax),
	SPEAKER_FIELD(readvertise),
	SPEAKER_FIELD(restarting),
	SPEAKER_FIELD(deferral_s),
	SPEAKER_FIELD(min_origination_s),
	{NULL, 0, 0},
};

static const struct field peer_fields[] = {
	PEER_FIELD(remote_as),
	PEER_FIELD(passive),
	PEER_FIELD(hold_s),
	PEER_FIELD(connect_retry_s),
	PEER_FIELD(idle_hold_s),
	PEER_FIELD(delay_open_s),
	PEER_FIELD(session.mrai_s),
	PEER_FIELD(session.send_hold_s),
	PEER_FIELD(max_prefixes),
	PEER_FIELD(both_families),
	PEER_FIELD(role),
	PEER_FIELD(role_strict),
	PEER_FIELD(extended_next_hop),
	PEER_FIELD(add_path_v4),
	PEER_FIELD(add_path_v6),
	PEER_FIELD(restart.on),
	PEER_FIELD(restart.time_s),
	PEER_FIELD(restart.forwarding),
	PEER_FIELD(restart.notification),
	PEER_FIELD(restart.stale_s),
	PEER_FIELD(restart.long_lived_s),
	PEER_FIELD(requires_policy),
	PEER_FIELD(import_policy),
	PEER_FIELD(export_policy),
	{NULL, 0, 0},
};

static uint32_t number(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

static bool field_set(const struct field *fields, void *conf, const char *name, uint32_t value)
{
	uint8_t byte = (uint8_t)value;
	uint16_t half = (uint16_t)value;

	for (; fields->name != NULL; fields++) {
		const void *from = fields->size == 1 ? &byte : fields->size == 2 ? (const void *)&half : &value;

		if (strcmp(fields->name, name) != 0)
			continue;
		memcpy((uint8_t *)conf + fields->offset, from, fields->size);
		return true;
	}
	return false;
}

static size_t unhex(const char *text, uint8_t *ret, size_t cap)
{
	size_t n = 0;
	unsigned int byte;

	while (n < cap && sscanf(text + 2 * n, "%2x", &byte) == 1)
		ret[n++] = (uint8_t)byte;
	return n;
}

/* ---- Commands: each says whether it could, and may answer by itself ---- */

static bool speaker_new(struct lab *l, char **w, size_t n)
{
	static const struct drive_speaker_ops ops = {.route = route, .notice = notice, .dial = dial};
	struct bgp_speaker_conf conf = {.profile = BGP_PROFILE_STANDARD, .max_paths = 8};
	unsigned int host = number(w[1]);
	struct speaker *s = find(l, host) != NULL ? NULL : find(l, 0);
	char address[32];

	if (s == NULL || host < FIRST_HOST || host > LAST_HOST)
		return false;
	conf.router_id = 0x0a000000U + host;
	conf.seed = host;
	for (size_t i = 3; i < n; i++) {
		const char *name = strsep(&w[i], "=");

		if (w[i] == NULL || !field_set(speaker_fields, &conf, name, number(w[i])))
			return false;
	}
	snprintf(address, sizeof(address), *w[2] == '6' ? "fd00::%x" : "10.0.%u.%u", *w[2] == '6' ? host : host >> 8,
		 host & 0xff);
	s->host = host;
	s->engine = bgp_speaker_new(&conf);
	(void)addr_parse(address, &s->local);
	s->conf = (struct drive_speaker_conf){.engine = s->engine,
					      .ns = l->ns[1],
					      .listens = true,
					      .listen_address = s->local,
					      .ops = &ops,
					      .ctx = s,
					      .guards = s->guards};
	tell_begin(s);
	return true;
}

/* "1/128,25/70". */
static bool families(struct bgp_peer_conf *conf, const char *text)
{
	for (size_t n = 0; n < BGP_OTHER_FAMILIES; n++) {
		struct bgp_family *f = &conf->other_families[n];

		if (sscanf(text, "%hu/%hhu", &f->afi, &f->safi) != 2)
			return false;
		text = strchr(text, ',');
		if (text++ == NULL)
			return true;
	}
	return false;
}

static bool peer_word(struct speaker *s, size_t i, struct bgp_peer_conf *conf, const char *name, const char *value)
{
	if (strcmp(name, "password") == 0) {
		snprintf(s->passwords[i], PASSWORD_MAX, "%s", value);
		s->guards[i].password = s->passwords[i];
	} else if (strcmp(name, "gtsm") == 0) {
		s->guards[i].gtsm_hops = (uint8_t)number(value);
	} else if (strcmp(name, "ttl") == 0) {
		s->guards[i].ttl = (uint8_t)number(value);
	} else if (strcmp(name, "extra") == 0) {
		conf->extra_capabilities = s->extra[i];
		conf->extra_capabilities_len = unhex(value, s->extra[i], CAPABILITIES_MAX);
	} else if (strcmp(name, "without") == 0) {
		conf->no_capabilities = s->without[i];
		conf->no_capabilities_count = unhex(value, s->without[i], CAPABILITIES_MAX);
	} else if (strcmp(name, "families") == 0) {
		return families(conf, value);
	} else {
		return field_set(peer_fields, conf, name, number(value));
	}
	return true;
}

static bool peer_add(struct speaker *s, char **w, size_t n)
{
	struct bgp_peer_conf conf = {.name = "peer", .hold_s = 90, .connect_retry_s = 1, .idle_hold_s = 1};
	size_t i = s->conf.guard_count;
	bgp_peer_id id;

	if (n < 3 || i == PEERS_MAX || addr_parse(w[2], &s->remotes[i]) < 0)
		return false;
	conf.local = s->local;
	conf.remote = s->remotes[i];
	for (size_t k = 3; k < n; k++) {
		const char *name = strsep(&w[k], "=");

		if (w[k] == NULL || !peer_word(s, i, &conf, name, w[k]))
			return false;
	}
	s->conf.guard_count = i + 1;
	return bgp_peer_add(s->engine, &conf, &id) == 0;
}

static bool announce(struct lab *l, struct speaker *s, char **w, size_t n)
{
	struct bgp_originated routes[WORDS_MAX] = {0};
	uint32_t community = n > 3 ? number(w[3]) : 0;
	struct addr hop = {0};

	if (n < 4 || (*w[2] != '-' && addr_parse(w[2], &hop) < 0))
		return false;
	for (size_t i = 4; i < n; i++) {
		struct bgp_originated *r = &routes[i - 4];

		r->next_hop = hop;
		r->communities = &community;
		r->community_count = community != 0;
		if (prefix_parse(w[i], &r->prefix) < 0)
			return false;
	}
	bgp_originate(s->engine, routes, n - 4);
	bgp_routes_commit(s->engine, drive_now(l->drive));
	return true;
}

/* Each has a community of its own, and so an UPDATE. */
static bool table(struct lab *l, struct speaker *s, size_t count)
{
	struct bgp_originated *routes = calloc(TABLE_MAX, sizeof(*routes));
	uint32_t *communities = calloc(TABLE_MAX, sizeof(*communities));
	bool fits = routes != NULL && communities != NULL && count <= TABLE_MAX;

	for (uint32_t i = 0; fits && i < count; i++) {
		communities[i] = i + 1;
		routes[i].communities = &communities[i];
		routes[i].community_count = 1;
		routes[i].prefix.len = 32;
		(void)addr_parse(TABLE_FIRST, &routes[i].prefix.addr);
		routes[i].prefix.addr = addr_add(&routes[i].prefix.addr, i);
	}
	if (fits) {
		bgp_originate(s->engine, routes, count);
		bgp_routes_commit(s->engine, drive_now(l->drive));
	}
	free(routes);
	free(communities);
	return fits;
}

/* BFD with the peer; one speaker at a time can have it. */
static bool protect(struct lab *l, struct speaker *s, bgp_peer_id peer)
{
	struct bfd_session_conf conf = {.local = s->local,
					.remote = s->remotes[peer],
					.desired_tx_us = BFD_US,
					.required_rx_us = BFD_US,
					.multiplier = 3};
	struct drive_bfd_conf driver = {.ns = l->ns[1]};
	struct errmsg err;

	if (s->bfd != NULL || s->driver == NULL)
		return false;
	driver.engine = s->bfd = bfd_new(s->host);
	if (bfd_session_add(s->bfd, &conf, drive_now(l->drive), &s->bfd_session) < 0 ||
	    drive_bfd_new(l->drive, &driver, &s->bfd_driver, &err) < 0)
		return false;
	drive_bfd_protect(s->bfd_driver, s->engine, s->driver);
	drive_bfd_flush(s->bfd_driver);
	return true;
}

static bool raw(struct lab *l, struct speaker *s, bgp_peer_id peer, const char *text)
{
	uint8_t *bytes = malloc(RAW_MAX);
	bool sent =
		bytes != NULL && bgp_send_raw(s->engine, peer, bytes, unhex(text, bytes, RAW_MAX), drive_now(l->drive));

	free(bytes);
	return sent;
}

static bool stop(struct lab *l, struct speaker *s, bgp_peer_id peer, char *text)
{
	struct bgp_cease why = {.subcode = BGP_CEASE_SHUTDOWN, .text = text};

	for (char *c = text; (c = strchr(c, '_')) != NULL;)
		*c = ' ';
	bgp_peer_shutdown(s->engine, peer, &why, drive_now(l->drive));
	return true;
}

/* Of one peer. 1: answered by itself; 0: done; -1: could not. */
static int peer_command(struct lab *l, struct speaker *s, char **w, size_t n, FILE *to)
{
	bgp_peer_id peer = number(w[2]);
	struct instant now = drive_now(l->drive);
	struct bgp_cease why = {0};

	if (peer >= bgp_peer_count(s->engine))
		return -1;
	if (strcmp(w[0], "info") == 0)
		return tell_info(s, peer, to), 1;
	if (strcmp(w[0], "in") == 0 || strcmp(w[0], "out") == 0)
		return tell_routes(s, peer, *w[0] == 'i', to), 1;
	if (strcmp(w[0], "start") == 0)
		return bgp_peer_start(s->engine, peer, now), 0;
	if (strcmp(w[0], "bfd") == 0)
		return protect(l, s, peer) ? 0 : -1;
	if (strcmp(w[0], "hush") == 0)
		return hush(s), 0;
	if (n < 4)
		return -1;
	why.subcode = (enum bgp_cease_subcode)number(w[3]);
	if (strcmp(w[0], "reset") == 0)
		return bgp_peer_reset(s->engine, peer, &why, now), 0;
	if (strcmp(w[0], "leave") == 0)
		return bgp_peer_graceful_shutdown(s->engine, peer, number(w[3]) != 0, now), 0;
	if (strcmp(w[0], "refresh") == 0)
		return bgp_peer_refresh(s->engine, peer, (uint8_t)number(w[3]), now) ? 0 : -1;
	if (strcmp(w[0], "stop") == 0)
		return stop(l, s, peer, w[3]) ? 0 : -1;
	return strcmp(w[0], "raw") == 0 && raw(l, s, peer, w[3]) ? 0 : -1;
}

static int command(struct lab *l, char **w, size_t n, FILE *to)
{
	struct speaker *s = n > 1 ? find(l, number(w[1])) : NULL;
	struct errmsg err;

	if (n > 2 && strcmp(w[0], "new") == 0)
		return speaker_new(l, w, n) ? 0 : -1;
	if (s == NULL || s->host == 0)
		return -1;
	if (strcmp(w[0], "go") == 0)
		return drive_speaker_new(l->drive, &s->conf, &s->driver, &err);
	if (strcmp(w[0], "kill") == 0)
		return die(s), 0;
	if (strcmp(w[0], "log") == 0)
		return tell_tale(&s->log, to), 1;
	if (strcmp(w[0], "routes") == 0)
		return tell_tale(&s->routes, to), 1;
	if (strcmp(w[0], "peer") == 0)
		return peer_add(s, w, n) ? 0 : -1;
	if (strcmp(w[0], "announce") == 0)
		return announce(l, s, w, n) ? 0 : -1;
	if (strcmp(w[0], "table") == 0)
		return n > 2 && table(l, s, number(w[2])) ? 0 : -1;
	return n > 2 ? peer_command(l, s, w, n, to) : -1;
}

static void line_take(struct lab *l)
{
	char *words[WORDS_MAX], *rest = l->line, *word, *text = NULL;
	size_t n = 0, len = 0, sent = 0;
	FILE *to = open_memstream(&text, &len);
	int r;

	while (n < WORDS_MAX && (word = strsep(&rest, " ")) != NULL)
		words[n++] = word;
	r = command(l, words, n, to);
	if (r <= 0)
		fprintf(to, r == 0 ? "{}\n" : "null\n");
	fclose(to);
	for (ssize_t k = 0; sent < len && k >= 0; sent += (size_t)(k > 0 ? k : 0))
		k = send(l->control, text + sent, len - sent, MSG_NOSIGNAL);
	free(text);
	for (size_t i = 0; i < SPEAKERS_MAX; i++)
		if (l->speakers[i].driver != NULL)
			drive_speaker_flush(l->speakers[i].driver);
}

static void on_control(void *ctx, int fd)
{
	struct lab *l = ctx;
	char c;

	while (recv(fd, &c, 1, MSG_DONTWAIT) == 1) {
		l->line[l->len] = c == '\n' ? '\0' : c;
		if (c == '\n')
			line_take(l);
		l->len = c == '\n' || l->len + 2 >= sizeof(l->line) ? 0 : l->len + 1;
	}
}

static void on_listener(void *ctx, int fd)
{
	struct lab *l = ctx;

	if (l->control >= 0)
		return;
	l->control = accept(fd, NULL, NULL);
	if (l->control >= 0)
		l->control_watch = drive_watch(l->drive, l->control, on_control, l);
}

static void on_exit_of_script(void *ctx, pid_t pid, int wait_status)
{
	struct lab *l = ctx;

	(void)pid;
	l->ended = true;
	l->status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 1;
}

/* ---- The ground ---- */

static int ground(struct lab *l, struct errmsg *err)
{
	static const char *const names[] = {"daemon", "peer"};
	struct addr v4, v6, link_local;
	int r = 0;

	for (unsigned int i = 0; i < 2 && r == 0; i++)
		r = net_ns_new(names[i], &l->ns[i], err);
	if (r == 0)
		r = net_veth(l->ns[0], "link", l->ns[1], "link", 1, err);
	for (unsigned int i = 0; i < 2 && r == 0; i++) {
		(void)net_sysctl(l->ns[i], "net.ipv6.conf.link.accept_dad", "0", err);
		net_link_up(l->ns[i], "link");
		(void)addr_parse(i == 0 ? "10.0.0.1" : "10.0.1.0", &v4);
		(void)addr_parse(i == 0 ? "fd00::1" : "fd00::100", &v6);
		(void)addr_parse(i == 0 ? "fe80::1" : "fe80::2", &link_local); /* FRR asks for one */
		net_address_add(l->ns[i], "link", &link_local, 64);
		for (unsigned int k = 0; k < (i == 0 ? DAEMONS : LAST_HOST - FIRST_HOST + 1); k++) {
			net_address_add(l->ns[i], "link", &v4, 16);
			net_address_add(l->ns[i], "link", &v6, 64);
			v4 = addr_add(&v4, 1);
			v6 = addr_add(&v6, 1);
		}
		r = net_flush(l->ns[i], err);
	}
	return r;
}

static int listen_for_script(struct lab *l, struct errmsg *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};

	l->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->listener < 0 || bind(l->listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(l->listener, 1) < 0)
		return errmsg_set(err, -errno, "%s", SOCKET_PATH);
	l->listener_watch = drive_watch(l->drive, l->listener, on_listener, l);
	return 0;
}

static int script_start(struct lab *l, const char *const *argv, struct errmsg *err)
{
	struct net_spawn script = {.argv = argv, .output = STDERR_FILENO, .input = -1, .one_user = true};
	pid_t pid = net_spawn(l->ns[0], &script, err);

	if (pid < 0)
		return (int)pid;
	drive_child(l->drive, pid, on_exit_of_script, l);
	return 0;
}

static int body(void *arg)
{
	struct lab *l = calloc(1, sizeof(*l));
	struct errmsg err = {0};
	int r, status;

	if (l == NULL)
		abort();
	l->listener = l->control = -1;
	l->status = 1;
	r = drive_new(&l->drive, &err);
	r = r < 0 ? r : ground(l, &err);
	r = r < 0 ? r : listen_for_script(l, &err);
	r = r < 0 ? r : script_start(l, arg, &err);
	if (r < 0)
		fprintf(stderr, "bgp_peer: %s\n", err.text);
	while (r == 0 && !l->ended && drive_wait(l->drive, instant_add(drive_now(l->drive), NS_PER_S)))
		;
	for (size_t i = 0; i < SPEAKERS_MAX; i++)
		if (l->speakers[i].host != 0)
			die(&l->speakers[i]);
	drive_unwatch(l->control_watch);
	drive_unwatch(l->listener_watch);
	net_ns_free(l->ns[0]);
	net_ns_free(l->ns[1]);
	drive_free(l->drive);
	status = l->status;
	free(l);
	return status;
}

int main(int argc, char **argv)
{
	struct errmsg err = {0};
	char dir[4096];
	int status = 1;

	if (argc < 2) {
		fprintf(stderr, "usage: bgp_peer SCRIPT [ARGUMENT...]\n");
		return 2;
	}
	if (net_sandbox_run(body, argv + 1, getcwd(dir, sizeof(dir)), &status, &err) < 0) {
		fprintf(stderr, "skipped: %s\n", err.text);
		return 77;
	}
	return status;
}
