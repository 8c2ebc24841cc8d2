/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pair.h"

#include "arena.h"
#include "frames.h"
#include "support.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t left_mac[6] = {2, 0, 0, 0, 0, 0x0a};
const uint8_t pair_right_mac[6] = {2, 0, 0, 0, 0, 0x0b};

int pair_run(const char *const *argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static bool put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	bool ok = f != NULL && fputs(text, f) >= 0;

	return f != NULL && fclose(f) == 0 && ok;
}

static const char *enter(void)
{
	unsigned int uid = getuid(), gid = getgid();
	char map[64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return "no unprivileged user namespaces here";
	(void)put_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (!put_file("/proc/self/uid_map", map))
		return "can't map the user";
	snprintf(map, sizeof(map), "0 %u 1", gid);
	if (!put_file("/proc/self/gid_map", map))
		return "can't map the group";
	return NULL;
}

static const char *build(struct pair *pair)
{
	static const char *const commands[][14] = {
		{"ip", "link", "add", "left", "type", "veth", "peer", "name", "right"},
		{"ip", "link", "set", "left", "address", "02:00:00:00:00:0a", "addrgenmode", "none", "up"},
		{"ip", "link", "set", "right", "address", "02:00:00:00:00:0b", "addrgenmode", "none", "up"},
		/* until then the kernel drops what is sent */
		{"timeout", "10", "sh", "-c",
		 "for l in left right; do until ip -o link show dev $l | grep -q 'state UP'; do sleep 0.01; done; "
		 "done"},
	};
	struct sockaddr_ll to = {.sll_family = AF_PACKET};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (pair_run(commands[i]) != 0)
			return "ip can't make a veth pair";
	}
	pair->ns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	snprintf(pair->dir, sizeof(pair->dir), "%s/ecmplab-capture-XXXXXX", P_tmpdir);
	if (mkdtemp(pair->dir) == NULL)
		return "no directory for the captures";
	pair->dir_fd = open(pair->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pair->sender = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	to.sll_ifindex = (int)if_nametoindex("left");
	if (bind(pair->sender, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return "can't send raw frames";
	return NULL;
}

int pair_setup(void **state)
{
	struct pair *pair = memory_new(sizeof(*pair));

	pair->ns_fd = pair->dir_fd = pair->sender = -1;
	pair->refused = enter();
	if (pair->refused == NULL)
		pair->refused = build(pair);
	*state = pair;
	return 0;
}

int pair_teardown(void **state)
{
	struct pair *pair = *state;

	if (pair->dir_fd >= 0)
		(void)pair_run((const char *const[]){"rm", "-r", pair->dir, NULL});
	close(pair->ns_fd);
	close(pair->dir_fd);
	close(pair->sender);
	free(pair);
	return 0;
}

struct pair *pair_of(void **state)
{
	struct pair *pair = *state;

	if (pair->refused != NULL) {
		print_message("skipped: %s\n", pair->refused);
		skip();
	}
	return pair;
}

void pair_send(struct pair *pair, uint32_t flow, const uint8_t *dst_mac)
{
	static uint8_t frame[FRAME_MAX];
	uint8_t tag[WIRE_FLOWTAG_LEN];
	struct frame_spec spec = {.src = "10.0.0.1",
				  .dst = "10.0.0.2",
				  .src_port = (uint16_t)(1024 + flow % 60000),
				  .dst_port = 53,
				  .protocol = 17,
				  .payload = tag,
				  .payload_len = sizeof(tag),
				  .dst_mac = dst_mac};
	struct wire_out out = wire_out_to(tag, sizeof(tag));
	size_t n;

	wire_flowtag_encode(&out, &(struct wire_flowtag){.run = pair->run, .flow = flow, .sent_ns = 1});
	n = frame_ethernet(&spec, frame);
	memcpy(frame + 6, left_mac, sizeof(left_mac));
	assert_int_equal(send(pair->sender, frame, n, 0), n);
}

uint64_t pair_received(void)
{
	FILE *f = fopen("/proc/self/net/dev", "re");
	unsigned long long packets = 0;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, " right: %*u %llu", &packets) == 1)
			break;
	}
	fclose(f);
	return packets;
}
