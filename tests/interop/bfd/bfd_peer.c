/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A BFD speaker that a script commands. Builds a sandbox of two namespaces, "daemon" and "peer", joined by a link; runs
 * the script in the first; speaks BFD in the second as the script asks, one line a command, over a socket at
 * /run/bfd_peer:
 *
 *   add LOCAL REMOTE TX_US RX_US MULTIPLIER active|passive [AUTH_TYPE KEY_ID KEY]
 *   set TX_US RX_US MULTIPLIER    down    up    info    die    await STATE MILLISECONDS
 *
 * Each is answered by one line. The script's exit status is the program's. */
#include "drive_bfd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET_PATH "/run/bfd_peer"
#define LINE_MAX_LEN 256
#define WORDS_MAX 10

struct peer {
	struct drive *drive;
	struct net_ns *ns[2]; /* daemon, peer */
	struct bfd *engine;
	struct drive_bfd *driver;
	bfd_session_id id;
	bool added;
	unsigned int falls, failures;
	int listener, control;
	struct drive_watch *listener_watch, *control_watch;
	char line[LINE_MAX_LEN];
	size_t len;
	bool awaits;
	enum wire_bfd_state awaited;
	struct instant await_until;
	bool ended;
	int status;
};

static void answer(struct peer *p, const char *text)
{
	(void)send(p->control, text, strlen(text), MSG_NOSIGNAL);
}

static void info_tell(struct peer *p)
{
	struct bfd_session_info i = bfd_session_info(p->engine, p->id);
	char text[LINE_MAX_LEN];

	snprintf(
		text, sizeof(text),
		"state=%s remote=%s diag=%u remote_diag=%u tx_us=%lld detect_us=%lld polling=%d falls=%u failures=%u\n",
		wire_bfd_state_text((uint8_t)i.state), wire_bfd_state_text((uint8_t)i.remote_state), i.diag,
		i.remote_diag, (long long)(i.tx_ns / NS_PER_US), (long long)(i.detect_ns / NS_PER_US), i.polling,
		p->falls, p->failures);
	answer(p, text);
}

static void await_look(struct peer *p)
{
	bool reached = p->awaits && bfd_session_info(p->engine, p->id).state == p->awaited;

	if (!reached && (!p->awaits || instant_before(drive_now(p->drive), p->await_until)))
		return;
	p->awaits = false;
	info_tell(p);
}

static void on_change(void *ctx, const struct bfd_output *change)
{
	struct peer *p = ctx;

	p->falls += change->from == WIRE_BFD_UP;
	p->failures += change->failure;
}

/* ---- Commands ---- */

static uint32_t number(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

static const char *add(struct peer *p, char **w, size_t n)
{
	struct bfd_session_conf conf = {0};
	struct drive_bfd_conf driver = {.ns = p->ns[1], .change = on_change, .ctx = p};
	struct errmsg err;

	if (p->added || (n != 7 && n != 10) || addr_parse(w[1], &conf.local) < 0 || addr_parse(w[2], &conf.remote) < 0)
		return "error arguments\n";
	conf.desired_tx_us = number(w[3]);
	conf.required_rx_us = number(w[4]);
	conf.multiplier = (uint8_t)number(w[5]);
	conf.passive = strcmp(w[6], "passive") == 0;
	if (n == 10) {
		conf.auth.type = (enum wire_bfd_auth_type)number(w[7]);
		conf.auth.key_id = (uint8_t)number(w[8]);
		conf.auth.key_len = (uint8_t)strnlen(w[9], BFD_KEY_MAX);
		memcpy(conf.auth.key, w[9], conf.auth.key_len);
	}
	driver.engine = p->engine = bfd_new(1);
	if (bfd_session_add(p->engine, &conf, drive_now(p->drive), &p->id) < 0)
		return "error session\n";
	p->added = true;
	p->falls = p->failures = 0;
	return drive_bfd_new(p->drive, &driver, &p->driver, &err) < 0 ? "error socket\n" : "ok\n";
}

static void die(struct peer *p)
{
	drive_bfd_free(p->driver);
	bfd_free(p->engine);
	p->driver = NULL;
	p->engine = NULL;
	p->added = false;
	p->awaits = false;
}

static void await(struct peer *p, const char *state, const char *ms)
{
	uint8_t s = 0;

	while (s < WIRE_BFD_STATE_COUNT - 1 && strcmp(state, wire_bfd_state_text(s)) != 0)
		s++;
	p->awaits = true;
	p->awaited = (enum wire_bfd_state)s;
	p->await_until = instant_add(drive_now(p->drive), number(ms) * NS_PER_MS);
}

static void command(struct peer *p, char **w, size_t n)
{
	struct instant now = drive_now(p->drive);

	if (n > 0 && strcmp(w[0], "add") == 0) {
		answer(p, add(p, w, n));
	} else if (n == 0 || !p->added || p->driver == NULL) {
		answer(p, "error no session\n");
	} else if (strcmp(w[0], "info") == 0) {
		info_tell(p);
	} else if (strcmp(w[0], "await") == 0 && n == 3) {
		await(p, w[1], w[2]);
	} else if (strcmp(w[0], "die") == 0) {
		die(p);
		answer(p, "ok\n");
	} else if (strcmp(w[0], "set") == 0 && n == 4) {
		answer(p, bfd_session_set(p->engine, p->id, number(w[1]), number(w[2]), (uint8_t)number(w[3]), now) < 0
				  ? "error parameters\n"
				  : "ok\n");
	} else {
		bfd_session_admin_down(p->engine, p->id, strcmp(w[0], "down") == 0, now);
		answer(p, "ok\n");
	}
	if (p->driver != NULL)
		drive_bfd_flush(p->driver);
}

static void line_take(struct peer *p)
{
	char *words[WORDS_MAX], *rest = p->line, *word;
	size_t n = 0;

	while (n < WORDS_MAX && (word = strsep(&rest, " ")) != NULL)
		words[n++] = word;
	command(p, words, n);
}

static void on_control(void *ctx, int fd)
{
	struct peer *p = ctx;
	char c;

	while (recv(fd, &c, 1, MSG_DONTWAIT) == 1) {
		p->line[p->len] = c == '\n' ? '\0' : c;
		if (c == '\n')
			line_take(p);
		p->len = c == '\n' || p->len + 2 >= sizeof(p->line) ? 0 : p->len + 1;
	}
}

static void on_listener(void *ctx, int fd)
{
	struct peer *p = ctx;

	if (p->control >= 0)
		return;
	p->control = accept(fd, NULL, NULL);
	if (p->control >= 0)
		p->control_watch = drive_watch(p->drive, p->control, on_control, p);
}

static void on_exit_of_script(void *ctx, pid_t pid, int wait_status)
{
	struct peer *p = ctx;

	(void)pid;
	p->ended = true;
	p->status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 1;
}

/* ---- The ground ---- */

static int ground(struct peer *p, struct errmsg *err)
{
	static const char *const names[] = {"daemon", "peer"};
	struct addr v4, v6;
	int r = 0;

	for (unsigned int i = 0; i < 2 && r == 0; i++)
		r = net_ns_new(names[i], &p->ns[i], err);
	if (r == 0)
		r = net_veth(p->ns[0], "link", p->ns[1], "link", 1, err);
	(void)addr_parse("10.0.0.1", &v4);
	(void)addr_parse("fd00::1", &v6);
	for (unsigned int i = 0; i < 2 && r == 0; i++) {
		(void)net_sysctl(p->ns[i], "net.ipv6.conf.link.accept_dad", "0", err);
		net_link_up(p->ns[i], "link");
		net_address_add(p->ns[i], "link", &v4, 24);
		net_address_add(p->ns[i], "link", &v6, 64);
		r = net_flush(p->ns[i], err);
		v4 = addr_add(&v4, 1);
		v6 = addr_add(&v6, 1);
	}
	return r;
}

static int listen_for_script(struct peer *p, struct errmsg *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};

	p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(p->listener, 1) < 0)
		return errmsg_set(err, -errno, "%s", SOCKET_PATH);
	p->listener_watch = drive_watch(p->drive, p->listener, on_listener, p);
	return 0;
}

static int script_start(struct peer *p, const char *const *argv, struct errmsg *err)
{
	struct net_spawn script = {.argv = argv, .output = STDERR_FILENO, .input = -1, .one_user = true};
	pid_t pid = net_spawn(p->ns[0], &script, err);

	if (pid < 0)
		return (int)pid;
	drive_child(p->drive, pid, on_exit_of_script, p);
	return 0;
}

static int body(void *arg)
{
	struct peer p = {.listener = -1, .control = -1, .status = 1};
	struct errmsg err = {0};
	int r = drive_new(&p.drive, &err);

	r = r < 0 ? r : ground(&p, &err);
	r = r < 0 ? r : listen_for_script(&p, &err);
	r = r < 0 ? r : script_start(&p, arg, &err);
	if (r < 0)
		fprintf(stderr, "bfd_peer: %s\n", err.text);
	while (r == 0 && !p.ended &&
	       drive_wait(p.drive, p.awaits ? p.await_until : instant_add(drive_now(p.drive), NS_PER_S)))
		await_look(&p);
	die(&p);
	drive_unwatch(p.control_watch);
	drive_unwatch(p.listener_watch);
	net_ns_free(p.ns[0]);
	net_ns_free(p.ns[1]);
	drive_free(p.drive);
	return p.status;
}

int main(int argc, char **argv)
{
	struct errmsg err = {0};
	char dir[4096];
	int status = 1;

	if (argc < 2) {
		fprintf(stderr, "usage: bfd_peer SCRIPT [ARGUMENT...]\n");
		return 2;
	}
	if (net_sandbox_run(body, argv + 1, getcwd(dir, sizeof(dir)), &status, &err) < 0) {
		fprintf(stderr, "skipped: %s\n", err.text);
		return 77;
	}
	return status;
}
