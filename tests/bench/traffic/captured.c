/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One measurement for tests/bench/capture: a lab's network of client, router and three workers, our flows through it as fast as it
 * forwards them, and a capture on each link that a lab captures. Prints as JSON what each link's kernel counted and what the
 * capture says of it. Workers drop what came, behind the taps and the counters.
 * Usage: traffic_captured none|ecmplab|turns|dumpcap|tcpdump PACKETS FOLDER */
#include "capture.h"
#include "node.h"
#include "traffic.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 3U
#define LINKS (WORKERS + 3U)
#define CLIENT_LINK WORKERS
#define BATCH 256U
#define STILL_NS (50 * NS_PER_MS) /* the path is empty when no counter moved for so long */
/* A peer hands over its last frames when the timer of its ring ends, a second at most. */
#define PEER_REST_NS (1200 * NS_PER_MS)
#define PEER_READY_NS (20 * NS_PER_S)
#define RING_KIB "4096"
#define RING_MIB "4" /* what each link of a small lab has here too */

enum mode { MODE_NONE, MODE_ECMPLAB, MODE_TURNS, MODE_DUMPCAP, MODE_TCPDUMP, MODE_COUNT };

static const char *const mode_names[] = {"none", "ecmplab", "turns", "dumpcap", "tcpdump"};

struct tap {
	const char *name;
	struct net_ns *ns;
	const char *interface;
	char file[32], log[32];
	pid_t pid; /* a peer's */
	uint64_t before, counted, captured, lost;
};

struct bench {
	enum mode mode;
	uint32_t packets;
	int dir_fd;
	const char *dir;
	struct node_lab *lab;
	struct tap taps[LINKS];
	struct traffic_sender *sender;
	struct capture *capture;
	uint64_t events, sent, forwarded;
	int64_t began, ended;
	double sender_cpu, capture_cpu;
	double drain_cpu; /* of the sender's thread, in turns */
	bool done;	  /* the sender; atomic */
	struct errmsg err;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void rest(int64_t ns)
{
	struct timespec t = {ns / NS_PER_S, ns % NS_PER_S};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static double cpu_s(clockid_t whose)
{
	struct timespec t;

	clock_gettime(whose, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of the processes that were waited for. */
static double children_cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* ---- The ground ---- */

static int lab_make(struct bench *b)
{
	struct node_lab_conf conf = {.workers = WORKERS, .clients = 1, .hash = NODE_HASH_L4};
	struct prefix vip;
	struct addr gateways[WORKERS];

	prefix_parse("10.0.0.0/24", &conf.cluster_net);
	prefix_parse("172.16.0.0/24", &conf.client_net);
	addr_parse("10.0.0.1", &conf.router_cluster);
	addr_parse("172.16.0.1", &conf.router_client);
	addr_parse("10.0.0.51", &conf.first_worker);
	addr_parse("172.16.0.10", &conf.first_client);
	prefix_parse("192.168.10.100/32", &vip);
	if (node_lab_new(&conf, &b->lab, &b->err) < 0)
		return b->err.code;
	for (unsigned int i = 0; i < WORKERS; i++) {
		gateways[i] = b->lab->workers[i].host.address;
		if (net_nft(b->lab->workers[i].host.ns,
			    "table netdev bench {\n"
			    "chain in { type filter hook ingress device \"" NODE_HOST_LINK
			    "\" priority 0; policy accept; ip daddr 192.168.10.100 drop; }\n"
			    "}\n",
			    &b->err) < 0)
			return b->err.code;
	}
	net_route_multipath(b->lab->router.ns, &vip, gateways, WORKERS);
	return net_flush(b->lab->router.ns, &b->err);
}

static void tap_set(struct tap *tap, const char *name, struct net_ns *ns, const char *interface)
{
	*tap = (struct tap){.name = name, .ns = ns, .interface = interface};
	snprintf(tap->file, sizeof(tap->file), "%s.pcap", name);
	snprintf(tap->log, sizeof(tap->log), "%s.log", name);
}

/* As a lab's evidence: each host's end of its link, and both of the router. */
static void taps_set(struct bench *b)
{
	const struct node_lab *lab = b->lab;

	for (unsigned int i = 0; i < WORKERS; i++)
		tap_set(&b->taps[i], lab->workers[i].host.name, lab->workers[i].host.ns, NODE_HOST_LINK);
	tap_set(&b->taps[CLIENT_LINK], "client1", lab->clients[0].ns, NODE_HOST_LINK);
	tap_set(&b->taps[CLIENT_LINK + 1], "router-cluster", lab->router.ns, NODE_ROUTER_CLUSTER_LINK);
	tap_set(&b->taps[CLIENT_LINK + 2], "router-clients", lab->router.ns, NODE_ROUTER_CLIENT_LINK);
}

static int sender_make(struct bench *b, uint32_t packets, uint32_t run)
{
	struct traffic_flows flows = {.dst_port = 80,
				      .src = b->lab->clients[0].address,
				      .vary = TRAFFIC_VARY_SRC_PORT | TRAFFIC_VARY_DST_PORT,
				      .count = packets,
				      .packets = 1,
				      .run = run,
				      .seed = run};
	unsigned int index;
	uint8_t mac[6];

	addr_parse("192.168.10.100", &flows.dst);
	if (net_link_info(b->lab->router.ns, NODE_ROUTER_CLIENT_LINK, mac, &index, &b->err) < 0)
		return b->err.code;
	return traffic_sender_new(b->lab->clients[0].ns, NODE_HOST_LINK, mac, &flows, &b->sender, &b->err);
}

/* ---- What the kernel counts ---- */

/* Both ways, but for what our generator sends: it passes the taps of the link that it leaves by. */
static int count(struct bench *b, const struct tap *tap, uint64_t *ret)
{
	struct net_counters c = {0};
	int result = net_link_counters(tap->ns, tap->interface, &c, &b->err);

	*ret = c.rx_packets + (tap == &b->taps[CLIENT_LINK] ? 0 : c.tx_packets);
	return result;
}

static int arrived(struct bench *b, uint64_t *ret)
{
	*ret = 0;
	for (unsigned int i = 0; i < WORKERS; i++) {
		struct net_counters c = {0};

		if (net_link_counters(b->taps[i].ns, b->taps[i].interface, &c, &b->err) < 0)
			return b->err.code;
		*ret += c.rx_packets;
	}
	return 0;
}

/* Until nothing is on the way; `ended` is when the last arrived, or the sender's end where all had by then. */
static int path_empty(struct bench *b)
{
	uint64_t last, now;
	int64_t moved = now_ns();

	b->ended = moved;
	if (arrived(b, &last) < 0)
		return b->err.code;
	while (now_ns() - moved < STILL_NS) {
		rest(NS_PER_MS);
		if (arrived(b, &now) < 0)
			return b->err.code;
		if (now != last)
			b->ended = moved = now_ns();
		last = now;
	}
	return 0;
}

/* ---- Sending ---- */

static void drain_all(struct bench *b)
{
	double cpu = cpu_s(CLOCK_THREAD_CPUTIME_ID);

	for (unsigned int link = 0; link < LINKS && b->err.code == 0; link++)
		(void)capture_drain(b->capture, link, &b->err);
	b->drain_cpu += cpu_s(CLOCK_THREAD_CPUTIME_ID) - cpu;
}

static void *send_all(void *arg)
{
	struct bench *b = arg;
	struct errmsg err;
	int n;

	b->sender_cpu = cpu_s(CLOCK_THREAD_CPUTIME_ID);
	do {
		n = traffic_sender_send(b->sender, BATCH, &err);
		b->sent += n > 0 ? (uint64_t)n : 0;
		if (b->mode == MODE_TURNS)
			drain_all(b);
	} while (n > 0 || n == -EAGAIN);
	b->sender_cpu = cpu_s(CLOCK_THREAD_CPUTIME_ID) - b->sender_cpu - b->drain_cpu;
	__atomic_store_n(&b->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void drain_until_done(struct bench *b)
{
	struct pollfd fds[LINKS];

	for (unsigned int i = 0; i < LINKS; i++)
		fds[i] = (struct pollfd){.fd = capture_fd(b->capture, i), .events = POLLIN};
	while (!__atomic_load_n(&b->done, __ATOMIC_ACQUIRE) && b->err.code == 0) {
		(void)poll(fds, LINKS, 10);
		for (unsigned int i = 0; i < LINKS && b->err.code == 0; i++) {
			if ((fds[i].revents & POLLIN) != 0)
				(void)capture_drain(b->capture, i, &b->err);
		}
	}
}

static int flood(struct bench *b)
{
	pthread_t thread;
	int result;

	b->began = now_ns();
	if (b->mode == MODE_TURNS) {
		(void)send_all(b);
	} else {
		result = pthread_create(&thread, NULL, send_all, b);
		if (result != 0)
			return errmsg_set(&b->err, -result, "no thread to send from");
		if (b->mode == MODE_ECMPLAB)
			drain_until_done(b);
		pthread_join(thread, NULL);
	}
	return b->err.code < 0 ? b->err.code : path_empty(b);
}

/* The router learns its neighbours, and every table is as large as it gets. */
static int warm_up(struct bench *b)
{
	uint64_t packets = 2000;
	int result = sender_make(b, (uint32_t)packets, 1), n;

	while (result == 0 && packets > 0) {
		n = traffic_sender_send(b->sender, 8, &b->err);
		if (n <= 0)
			break;
		packets -= (uint64_t)n;
	}
	b->err.code = 0;
	traffic_sender_free(b->sender);
	b->sender = NULL;
	return result < 0 ? result : path_empty(b);
}

/* ---- Ours ---- */

static void on_event(void *ctx, const struct capture_event *event)
{
	struct bench *b = ctx;

	b->events += event->kind == CAPTURE_FLOW;
}

static int ours_open(struct bench *b)
{
	struct capture_link links[LINKS];

	for (unsigned int i = 0; i < LINKS; i++) {
		links[i] = (struct capture_link){.name = b->taps[i].name,
						 .ns_fd = net_ns_fd(b->taps[i].ns),
						 .interface = b->taps[i].interface,
						 .file = b->taps[i].file,
						 .trunk = i >= WORKERS};
	}
	b->capture = capture_new(on_event, b);
	return capture_open(b->capture, links, LINKS, b->dir_fd, &b->err);
}

static int ours_close(struct bench *b)
{
	if (capture_settle(b->capture, &b->err) < 0 || capture_stop(b->capture, &b->err) < 0)
		return b->err.code;
	for (unsigned int i = 0; i < LINKS; i++) {
		struct capture_stats stats = {0};

		if (capture_drain(b->capture, i, &b->err) < 0 || capture_stats(b->capture, i, &stats, &b->err) < 0)
			return b->err.code;
		b->taps[i].captured = stats.frames;
		b->taps[i].lost = stats.dropped;
	}
	return 0;
}

/* ---- Peers ---- */

static size_t log_read(const struct bench *b, const struct tap *tap, char *ret, size_t room)
{
	int fd = openat(b->dir_fd, tap->log, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, ret, room - 1) : 0;

	if (fd >= 0)
		close(fd);
	ret[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static int peer_await(struct bench *b, const struct tap *tap)
{
	const char *word = b->mode == MODE_DUMPCAP ? "File: " : "listening on";
	int64_t deadline = now_ns() + PEER_READY_NS;
	char text[4096];

	do {
		(void)log_read(b, tap, text, sizeof(text));
		if (strstr(text, word) != NULL)
			return 0;
		rest(5 * NS_PER_MS);
	} while (now_ns() < deadline);
	return errmsg_say(&b->err, -ETIMEDOUT, "%s: no capture: %s", tap->name, text);
}

static int peer_start(struct bench *b, struct tap *tap)
{
	const char *const dumpcap[] = {"dumpcap", "-q", "-i", tap->interface, "-B", RING_MIB, "-w", tap->file, NULL};
	const char *const tcpdump[] = {"tcpdump", "-n",	    "-Z", "root",    "-i", tap->interface,
				       "-B",	  RING_KIB, "-w", tap->file, NULL};
	struct net_spawn what = {
		.argv = b->mode == MODE_DUMPCAP ? dumpcap : tcpdump, .input = -1, .dir = b->dir, .one_user = true};

	what.output = openat(b->dir_fd, tap->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (what.output < 0)
		return errmsg_set(&b->err, -errno, "%s", tap->log);
	tap->pid = net_spawn(tap->ns, &what, &b->err);
	close(what.output);
	return tap->pid < 0 ? (int)tap->pid : 0;
}

/* The number that ends where `end` is. */
static uint64_t number_before(const char *text, const char *end)
{
	while (end > text && end[-1] >= '0' && end[-1] <= '9')
		end--;
	return strtoull(end, NULL, 10);
}

/* "Packets received/dropped on interface 'eth0': 1/0 (...)"; "1 packets captured", "0 packets dropped by kernel". */
static int peer_read(struct bench *b, struct tap *tap)
{
	const char *captured, *lost;
	char text[8192];

	(void)log_read(b, tap, text, sizeof(text));
	if (b->mode == MODE_DUMPCAP) {
		captured = strstr(text, "received/dropped on interface");
		captured = captured != NULL ? strstr(captured, "': ") : NULL;
		lost = captured != NULL ? strchr(captured, '/') : NULL;
	} else {
		captured = strstr(text, " packets captured");
		lost = strstr(text, " packets dropped by kernel");
	}
	if (captured == NULL || lost == NULL)
		return errmsg_say(&b->err, -EBADMSG, "%s: no count: %s", tap->name, text);
	tap->captured = b->mode == MODE_DUMPCAP ? strtoull(captured + 3, NULL, 10) : number_before(text, captured);
	tap->lost = b->mode == MODE_DUMPCAP ? strtoull(lost + 1, NULL, 10) : number_before(text, lost);
	return 0;
}

static int peers_close(struct bench *b)
{
	int status;

	rest(PEER_REST_NS);
	for (unsigned int i = 0; i < LINKS; i++)
		kill(b->taps[i].pid, SIGINT);
	for (unsigned int i = 0; i < LINKS; i++)
		waitpid(b->taps[i].pid, &status, 0);
	for (unsigned int i = 0; i < LINKS; i++) {
		if (peer_read(b, &b->taps[i]) < 0)
			return b->err.code;
	}
	return 0;
}

static int peers_open(struct bench *b)
{
	for (unsigned int i = 0; i < LINKS; i++) {
		if (peer_start(b, &b->taps[i]) < 0)
			return b->err.code;
	}
	for (unsigned int i = 0; i < LINKS; i++) {
		if (peer_await(b, &b->taps[i]) < 0)
			return b->err.code;
	}
	return 0;
}

/* ---- One measurement ---- */

static bool is_ours(const struct bench *b)
{
	return b->mode == MODE_ECMPLAB || b->mode == MODE_TURNS;
}

static int taps_open(struct bench *b)
{
	if (b->mode == MODE_NONE)
		return 0;
	return is_ours(b) ? ours_open(b) : peers_open(b);
}

static int taps_close(struct bench *b)
{
	if (b->mode == MODE_NONE)
		return 0;
	return is_ours(b) ? ours_close(b) : peers_close(b);
}

static int measure(struct bench *b)
{
	uint64_t first, last;
	double cpu;

	for (unsigned int i = 0; i < LINKS; i++) {
		if (count(b, &b->taps[i], &b->taps[i].before) < 0)
			return b->err.code;
	}
	if (arrived(b, &first) < 0 || sender_make(b, b->packets, 2) < 0 || taps_open(b) < 0)
		return b->err.code;
	cpu = cpu_s(CLOCK_PROCESS_CPUTIME_ID);
	if (flood(b) < 0)
		return b->err.code;
	for (unsigned int i = 0; i < LINKS; i++) {
		if (count(b, &b->taps[i], &b->taps[i].counted) < 0)
			return b->err.code;
		b->taps[i].counted -= b->taps[i].before;
	}
	if (arrived(b, &last) < 0 || taps_close(b) < 0)
		return b->err.code;
	b->forwarded = last - first;
	b->capture_cpu = children_cpu_s();
	if (is_ours(b))
		b->capture_cpu = cpu_s(CLOCK_PROCESS_CPUTIME_ID) - cpu - b->sender_cpu;
	return 0;
}

static void tell(const struct bench *b)
{
	printf("{\"mode\": \"%s\", \"sent\": %llu, \"forwarded\": %llu, \"seconds\": %.6f, \"sender_cpu\": %.3f, "
	       "\"capture_cpu\": %.3f, \"events\": %llu, \"links\": [",
	       mode_names[b->mode], (unsigned long long)b->sent, (unsigned long long)b->forwarded,
	       (double)(b->ended - b->began) / 1e9, b->sender_cpu, b->capture_cpu, (unsigned long long)b->events);
	for (unsigned int i = 0; i < LINKS; i++) {
		const struct tap *tap = &b->taps[i];

		printf("%s{\"name\": \"%s\", \"counted\": %llu, \"captured\": %llu, \"lost\": %llu}", i > 0 ? ", " : "",
		       tap->name, (unsigned long long)tap->counted, (unsigned long long)tap->captured,
		       (unsigned long long)tap->lost);
	}
	printf("]}\n");
}

static int body(void *arg)
{
	struct bench *b = arg;
	int result = lab_make(b);

	if (result == 0) {
		taps_set(b);
		result = warm_up(b);
	}
	if (result == 0)
		result = measure(b);
	if (result < 0)
		fprintf(stderr, "%s\n", b->err.text);
	else
		tell(b);
	capture_free(b->capture);
	traffic_sender_free(b->sender);
	node_lab_free(b->lab);
	return result < 0;
}

int main(int argc, char **argv)
{
	struct bench b = {.mode = MODE_COUNT, .dir_fd = -1};
	struct errmsg err = {0};
	int status = 1;

	for (unsigned int i = 0; i < MODE_COUNT && argc == 4; i++)
		b.mode = strcmp(argv[1], mode_names[i]) == 0 ? (enum mode)i : b.mode;
	if (b.mode != MODE_COUNT) {
		b.packets = (uint32_t)strtoul(argv[2], NULL, 10);
		b.dir = argv[3];
		b.dir_fd = open(b.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (b.packets == 0 || b.dir_fd < 0) {
		fprintf(stderr, "usage: traffic_captured none|ecmplab|turns|dumpcap|tcpdump PACKETS FOLDER\n");
		return 2;
	}
	if (net_sandbox_run(body, &b, b.dir, &status, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	return status;
}
