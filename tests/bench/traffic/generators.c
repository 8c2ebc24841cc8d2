/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many packets a second each generator brings over a veth, all on one core: ours with every flow distinct and every packet
 * stamped, the ways into the kernel that it could take with one frame over and over, and other people's programs. What counts
 * is what the other end received, by the kernel's counter; it is dropped there at once. Medians of rounds in which all take
 * their turn. One frame has the length of ours of the same family. Programs that are not installed are left out.
 * Usage: traffic_generators [PACKETS [ROUNDS [NAME]]]; NAME is a part of the names to be measured. */
#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINK "eth0"
#define SINK "sink0"
#define ROUNDS_MAX 25U
#define UNIQUE 1000U /* frames of the capture that tcpreplay repeats */
#define FLOOD_NS (NS_PER_S)

struct ground {
	struct net_ns *client, *sink;
	struct traffic_macs macs;
	struct addr src, dst;
	struct traffic_frame frame, frame6;
	uint64_t packets;
	unsigned int rounds;
	const char *only; /* NULL: all */
	char dir[64];
};

struct sample {
	double wall, cpu; /* thousands of packets a second, and a second of processor time */
	uint64_t received;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static double cpu_s(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* ---- What is compared ---- */

enum family { V4, V6 };

static struct traffic_flows flows_of(const struct ground *g, enum family family)
{
	struct traffic_flows flows = {.dst_port = 80,
				      .vary = TRAFFIC_VARY_SRC_PORT | TRAFFIC_VARY_DST_PORT,
				      .count = (uint32_t)g->packets,
				      .packets = 1,
				      .run = 1,
				      .seed = 1};

	flows.src = g->src;
	flows.dst = g->dst;
	if (family == V6) {
		addr_parse("2001:db8::10", &flows.src);
		addr_parse("2001:db8:1::1", &flows.dst);
		flows.vary = TRAFFIC_VARY_SRC_PORT | TRAFFIC_VARY_FLOW_LABEL;
	}
	return flows;
}

static int ours(struct ground *g, const struct traffic_flows *flows, struct errmsg *err)
{
	struct traffic_sender *s;
	int n;

	if (traffic_sender_new(g->client, LINK, g->macs.gateway, flows, &s, err) < 0)
		return err->code;
	do {
		n = traffic_sender_send(s, 256, err);
	} while (n > 0 || n == -EAGAIN);
	traffic_sender_free(s);
	return n;
}

static int run_v4(struct ground *g, struct errmsg *err)
{
	struct traffic_flows flows = flows_of(g, V4);

	return ours(g, &flows, err);
}

static int run_v6(struct ground *g, struct errmsg *err)
{
	struct traffic_flows flows = flows_of(g, V6);

	return ours(g, &flows, err);
}

static int run_syn(struct ground *g, struct errmsg *err)
{
	struct traffic_flows flows = flows_of(g, V4);

	flows.protocol = TRAFFIC_TCP_SYN;
	return ours(g, &flows, err);
}

static int run_icmp(struct ground *g, struct errmsg *err)
{
	struct traffic_flows flows = flows_of(g, V4);

	flows.protocol = TRAFFIC_ICMP_ECHO;
	addr_parse("10.8.0.1", &flows.src_net.addr);
	flows.src_net.len = 8;
	flows.vary = TRAFFIC_VARY_SRC_PORT | TRAFFIC_VARY_SRC_ADDR;
	return ours(g, &flows, err);
}

static int run_fragments(struct ground *g, struct errmsg *err)
{
	struct traffic_flows flows = flows_of(g, V4);

	flows.fragments = true;
	flows.count /= 2;
	return ours(g, &flows, err);
}

static int by_path(struct ground *g, path_fn *path, struct errmsg *err)
{
	return path(&(struct path_load){g->client, LINK, &g->frame, g->dst, g->packets}, err);
}

static int run_send(struct ground *g, struct errmsg *err)
{
	return by_path(g, path_send, err);
}

static int run_udp(struct ground *g, struct errmsg *err)
{
	return by_path(g, path_udp, err);
}

static int run_sendmmsg(struct ground *g, struct errmsg *err)
{
	return by_path(g, path_sendmmsg, err);
}

static int run_v2(struct ground *g, struct errmsg *err)
{
	return by_path(g, path_ring_v2, err);
}

static int run_v3(struct ground *g, struct errmsg *err)
{
	return by_path(g, path_ring_v3, err);
}

static int run_xdp(struct ground *g, struct errmsg *err)
{
	return by_path(g, path_xdp, err);
}

/* Ends it after `for_ns` where that is not 0. */
static int run_program(struct ground *g, const char *const *argv, int64_t for_ns, struct errmsg *err)
{
	struct net_spawn what = {.argv = argv, .output = -1, .input = -1, .dir = g->dir};
	struct timespec wait = {for_ns / NS_PER_S, for_ns % NS_PER_S};
	pid_t pid = net_spawn(g->client, &what, err);
	int status;

	if (pid < 0)
		return (int)pid;
	if (for_ns > 0) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
		kill(pid, SIGINT);
	}
	waitpid(pid, &status, 0);
	return 0;
}

static int run_tcpreplay(struct ground *g, struct errmsg *err)
{
	char loops[32];
	const char *const argv[] = {"tcpreplay", "-q",	     "--topspeed", "--preload-pcap", "-i", LINK,
				    loops,	 "one.pcap", NULL};

	snprintf(loops, sizeof(loops), "--loop=%llu", (unsigned long long)(g->packets / UNIQUE));
	return run_program(g, argv, 0, err);
}

static int trafgen(struct ground *g, const char *file, struct errmsg *err)
{
	char n[32];
	const char *const argv[] = {"trafgen", "--dev",	 LINK, "--conf",	file, "--num",
				    n,	       "--cpus", "1",  "--no-sock-mem", NULL};

	snprintf(n, sizeof(n), "%llu", (unsigned long long)g->packets);
	return run_program(g, argv, 0, err);
}

static int run_trafgen(struct ground *g, struct errmsg *err)
{
	return trafgen(g, "one.cfg", err);
}

static int run_trafgen6(struct ground *g, struct errmsg *err)
{
	return trafgen(g, "six.cfg", err);
}

static int run_mausezahn(struct ground *g, struct errmsg *err)
{
	char n[32];
	const char *const argv[] = {
		"mausezahn", LINK,	 "-c", n,	   "-q", "-a",	"02:00:00:00:00:01", "-b", "02:00:00:00:00:02",
		"-A",	     "10.9.0.1", "-B", "10.9.0.2", "-t", "udp", "sp=1024,dp=80",     "-p", "32",
		NULL};

	snprintf(n, sizeof(n), "%llu", (unsigned long long)g->packets);
	return run_program(g, argv, 0, err);
}

static int run_hping3(struct ground *g, struct errmsg *err)
{
	const char *const argv[] = {"hping3", "--flood", "--udp", "-p", "80", "-d", "32", "-I", LINK, "10.9.0.2", NULL};

	return run_program(g, argv, FLOOD_NS, err);
}

struct generator {
	const char *name, *program;
	int (*run)(struct ground *g, struct errmsg *err);
	bool child;
};

static const struct generator generators[] = {
	{"ecmplab, IPv4, distinct flows, stamped", NULL, run_v4, false},
	{"ecmplab, IPv6, distinct flows, stamped", NULL, run_v6, false},
	{"ecmplab, TCP SYN", NULL, run_syn, false},
	{"ecmplab, ICMP echo", NULL, run_icmp, false},
	{"ecmplab, fragments", NULL, run_fragments, false},
	{"one frame: AF_XDP, copied", NULL, run_xdp, false},
	{"one frame: sendmmsg, qdisc bypass", NULL, run_sendmmsg, false},
	{"one frame: send loop, AF_PACKET", NULL, run_send, false},
	{"one frame: TX ring V2, qdisc bypass", NULL, run_v2, false},
	{"one frame: TX ring V3, qdisc bypass", NULL, run_v3, false},
	{"one datagram: sendto loop, UDP socket", NULL, run_udp, false},
	{"tcpreplay --topspeed --preload-pcap", "tcpreplay", run_tcpreplay, true},
	{"trafgen, IPv4", "trafgen", run_trafgen, true},
	{"trafgen, IPv6", "trafgen", run_trafgen6, true},
	{"mausezahn", "mausezahn", run_mausezahn, true},
	{"hping3 --flood", "hping3", run_hping3, true},
};

#define GENERATORS (sizeof(generators) / sizeof(generators[0]))

/* ---- The ground ---- */

static FILE *file_in(const struct ground *g, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", g->dir, name);
	return fopen(path, "we");
}

static void write_cfg(const struct ground *g, const char *name, const struct traffic_frame *frame)
{
	FILE *f = file_in(g, name);

	fprintf(f, "{");
	for (size_t i = 0; i < frame->len; i++)
		fprintf(f, "0x%02x%s", frame->bytes[i], i + 1 < frame->len ? ", " : "}\n");
	fclose(f);
}

static void write_files(const struct ground *g)
{
	static const uint32_t head[] = {0xa1b2c3d4, 4U << 16 | 2U, 0, 0, 65535, 1};
	uint32_t record[] = {0, 0, (uint32_t)g->frame.len, (uint32_t)g->frame.len};
	FILE *f = file_in(g, "one.pcap");

	fwrite(head, sizeof(head), 1, f);
	for (unsigned int i = 0; i < UNIQUE; i++) {
		fwrite(record, sizeof(record), 1, f);
		fwrite(g->frame.bytes, g->frame.len, 1, f);
	}
	fclose(f);
	write_cfg(g, "one.cfg", &g->frame);
	write_cfg(g, "six.cfg", &g->frame6);
}

static int make_frames(struct ground *g, struct errmsg *err)
{
	struct traffic_tuple tuple = {.src = g->src, .dst = g->dst, .src_port = 1024, .dst_port = 80};
	struct wire_flowtag tag = {1, 0, 0, 0};

	if (traffic_frame_make(&g->frame, &g->macs, &tuple, err) < 0)
		return err->code;
	traffic_frame_set(&g->frame, &tuple, &tag);
	addr_parse("2001:db8::10", &tuple.src);
	addr_parse("2001:db8:1::1", &tuple.dst);
	if (traffic_frame_make(&g->frame6, &g->macs, &tuple, err) < 0)
		return err->code;
	traffic_frame_set(&g->frame6, &tuple, &tag);
	return 0;
}

static int ground_init(struct ground *g, struct errmsg *err)
{
	unsigned int index;

	addr_parse("10.9.0.1", &g->src);
	addr_parse("10.9.0.2", &g->dst);
	if (net_ns_new("client", &g->client, err) < 0 || net_ns_new("sink", &g->sink, err) < 0 ||
	    net_veth(g->client, LINK, g->sink, SINK, 7, err) < 0)
		return err->code;
	net_address_add(g->client, LINK, &g->src, 24);
	net_link_up(g->client, LINK);
	net_link_up(g->sink, SINK);
	if (net_flush(g->sink, err) < 0 || net_link_info(g->client, LINK, g->macs.own, &index, err) < 0 ||
	    net_link_info(g->sink, SINK, g->macs.gateway, &index, err) < 0)
		return err->code;
	net_neighbour_add(g->client, LINK, &g->dst, g->macs.gateway);
	if (net_flush(g->client, err) < 0 || make_frames(g, err) < 0)
		return err->code;
	snprintf(g->dir, sizeof(g->dir), "/tmp/traffic-bench-XXXXXX");
	if (mkdtemp(g->dir) == NULL)
		return errmsg_set(err, -errno, "a folder for the bench");
	write_files(g);
	return net_nft(g->sink,
		       "table netdev bench {\n"
		       "chain in { type filter hook ingress device \"" SINK "\" priority 0; policy drop; }\n"
		       "}\n",
		       err);
}

static void ground_fini(struct ground *g)
{
	static const char *const files[] = {"one.pcap", "one.cfg", "six.cfg"};
	char path[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && g->dir[0] != '\0'; i++) {
		snprintf(path, sizeof(path), "%s/%s", g->dir, files[i]);
		unlink(path);
	}
	rmdir(g->dir);
	net_ns_free(g->client);
	net_ns_free(g->sink);
}

/* ---- Measuring ---- */

static int measure(struct ground *g, const struct generator *what, struct sample *ret, struct errmsg *err)
{
	struct net_counters before = {0}, after = {0};
	double cpu = cpu_s(what->child ? RUSAGE_CHILDREN : RUSAGE_SELF);
	int64_t began;
	double wall;
	int result = net_link_counters(g->sink, SINK, &before, err);

	began = now_ns();
	if (result == 0)
		result = what->run(g, err);
	wall = (double)(now_ns() - began) / 1e9;
	cpu = cpu_s(what->child ? RUSAGE_CHILDREN : RUSAGE_SELF) - cpu;
	if (result == 0)
		result = net_link_counters(g->sink, SINK, &after, err);
	ret->received = after.rx_packets - before.rx_packets;
	ret->wall = (double)ret->received / wall / 1e3;
	ret->cpu = cpu > 0 ? (double)ret->received / cpu / 1e3 : 0;
	return result;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void tell(const struct generator *what, const struct sample *samples, unsigned int n)
{
	double wall[ROUNDS_MAX], cpu[ROUNDS_MAX];

	for (unsigned int i = 0; i < n; i++) {
		wall[i] = samples[i].wall;
		cpu[i] = samples[i].cpu;
	}
	qsort(wall, n, sizeof(wall[0]), by_value);
	qsort(cpu, n, sizeof(cpu[0]), by_value);
	printf("%-42s %6.0f (%.0f-%.0f)   %6.0f (%.0f-%.0f)\n", what->name, wall[n / 2], wall[0], wall[n - 1],
	       cpu[n / 2], cpu[0], cpu[n - 1]);
}

static int body(void *arg)
{
	static struct sample samples[GENERATORS][ROUNDS_MAX];
	struct ground *g = arg;
	struct errmsg err = {0};
	bool there[GENERATORS];
	char path[256];

	if (ground_init(g, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (size_t k = 0; k < GENERATORS; k++) {
		there[k] = g->only == NULL || strstr(generators[k].name, g->only) != NULL;
		if (!there[k])
			continue;
		there[k] = generators[k].program == NULL || net_program_find(generators[k].program, path, sizeof(path));
		if (!there[k])
			printf("%s is not installed, and left out\n", generators[k].program);
	}
	for (unsigned int round = 0; round < g->rounds; round++) {
		for (size_t k = 0; k < GENERATORS; k++) {
			if (there[k] && measure(g, &generators[k], &samples[k][round], &err) < 0) {
				printf("%s: %s\n", generators[k].name, err.text);
				there[k] = false;
			}
		}
	}
	printf("%u rounds of %llu packets of %zu octets, %zu of IPv6: thousands received a second, median "
	       "(least-most)\n",
	       g->rounds, (unsigned long long)g->packets, g->frame.len, g->frame6.len);
	printf("%-42s %-18s %s\n", "", "of the clock", "of the processor");
	for (size_t k = 0; k < GENERATORS; k++) {
		if (there[k])
			tell(&generators[k], samples[k], g->rounds);
	}
	ground_fini(g);
	return 0;
}

int main(int argc, char **argv)
{
	struct ground g = {.packets = argc > 1 ? strtoull(argv[1], NULL, 10) : 500000,
			   .rounds = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 5,
			   .only = argc > 3 ? argv[3] : NULL};
	struct errmsg err = {0};
	cpu_set_t one;
	int status = 1;

	if (g.packets < UNIQUE || g.packets > UINT32_MAX || g.rounds == 0 || g.rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: traffic_generators [PACKETS [ROUNDS, at most %u [NAME]]]\n", ROUNDS_MAX);
		return 2;
	}
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (net_sandbox_run(body, &g, NULL, &status, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	return status;
}
