/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lab's network as the kernel sees it: what routes lead where, and who really answers whom. */
#include "article.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 10000
#define CLOSED_PORT 9
#define VIP "172.16.254.1"
#define LONG_NAME "a-pod-with-a-name-that-is-longer-than-a-namespace-may-have"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Failures are told on stderr and by the status: cmocka's jumps don't reach over the sandbox's processes. */
static bool fails(bool wrong, const char *what, const char *whom)
{
	if (wrong)
		fprintf(stderr, "%s: %s\n", whom, what);
	return wrong;
}

/* ---- ip's view ---- */

/* What a program says in a node's namespace. Returns its exit status, or -errno when it can't be had. */
static int ask(struct net_ns *ns, const char *const *argv, char *ret, size_t room, struct errmsg *err)
{
	int pipe_fds[2], status = -1;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	pid = net_spawn(ns, &(struct net_spawn){.argv = argv, .output = pipe_fds[1], .input = -1}, err);
	close(pipe_fds[1]);
	while (pid > 0 && len + 1 < room && (n = read(pipe_fds[0], ret + len, room - 1 - len)) > 0)
		len += (size_t)n;
	ret[len] = '\0';
	close(pipe_fds[0]);
	if (pid < 0)
		return pid;
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

/* "key":"value" of ip's JSON, "" where there is none. */
static void json_text(const char *json, const char *key, char *ret, size_t room)
{
	char quoted[32];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\":\"", key);
	at = strstr(json, quoted);
	at = at != NULL ? at + strlen(quoted) : "";
	snprintf(ret, room, "%.*s", (int)strcspn(at, "\""), at);
}

static const struct route {
	const char *from, *to;
	const char *gateway; /* "": on link */
	const char *dev;     /* NULL: there must be no route */
	const char *source;
} routes[] = {
	{"client1", "10.0.0.51", "172.16.0.1", "eth0", "172.16.0.10"},
	{"client1", VIP, "172.16.0.1", "eth0", "172.16.0.10"},
	{"client2", VIP, "172.16.0.1", "eth0", "172.16.0.11"},
	{"client1", "172.16.0.11", "", "eth0", "172.16.0.10"},
	{"router", "10.0.0.53", "", "eth0", "10.0.0.1"},
	{"router", "172.16.0.11", "", "eth1", "172.16.0.1"},
	{"router", VIP, NULL, NULL, NULL},
	{"router", "10.244.0.2", NULL, NULL, NULL},
	{"worker1", "172.16.0.10", "10.0.0.1", "eth0", "10.0.0.51"},
	{"worker1", "10.0.0.52", "", "eth0", "10.0.0.51"},
	{"worker1", "10.244.0.2", "", "pod1", "10.244.0.1"},
	{"worker1", "10.244.1.2", "10.0.0.52", "eth0", "10.0.0.51"},
	{"worker3", "10.244.0.2", "10.0.0.51", "eth0", "10.0.0.53"},
	/* What is for nobody must not go back to the router. */
	{"worker1", VIP, NULL, NULL, NULL},
	{"control-plane", VIP, NULL, NULL, NULL},
	{"control-plane", "10.244.1.2", "10.0.0.52", "eth0", "10.0.0.10"},
	{"control-plane", "172.16.0.10", "10.0.0.1", "eth0", "10.0.0.10"},
	{"pod-a", "172.16.0.10", "10.244.0.1", "eth0", "10.244.0.2"},
	{"pod-a", "10.244.1.2", "10.244.0.1", "eth0", "10.244.0.2"},
	{"pod-b", "10.244.0.2", "10.244.1.1", "eth0", "10.244.1.2"},
	{LONG_NAME, "10.0.0.1", "10.244.0.1", "eth0", "10.244.0.3"},
};

static bool route_holds(struct node_lab *lab, const struct route *r, struct errmsg *err)
{
	const char *const argv[] = {"ip", "-j", "route", "get", r->to, NULL};
	char json[4096], gateway[64], dev[64], source[64], whom[128];
	int status = ask(node_find(lab, r->from), argv, json, sizeof(json), err);

	snprintf(whom, sizeof(whom), "%s to %s", r->from, r->to);
	if (r->dev == NULL)
		return !fails(status == 0, "there is a route", whom);
	json_text(json, "gateway", gateway, sizeof(gateway));
	json_text(json, "dev", dev, sizeof(dev));
	json_text(json, "prefsrc", source, sizeof(source));
	return !fails(status != 0, json, whom) && !fails(strcmp(gateway, r->gateway) != 0, gateway, whom) &&
	       !fails(strcmp(dev, r->dev) != 0, dev, whom) && !fails(strcmp(source, r->source) != 0, source, whom);
}

/* ---- Who answers ---- */

static const struct reach {
	const char *from, *to;
	int error; /* of a connection to a closed port: refused means that packets go there and back */
} reaches[] = {
	{"client1", "10.0.0.1", ECONNREFUSED},
	{"client1", "10.0.0.10", ECONNREFUSED},
	{"client1", "10.0.0.53", ECONNREFUSED},
	{"client2", "172.16.0.10", ECONNREFUSED},
	{"router", "172.16.0.11", ECONNREFUSED},
	{"router", "10.0.0.52", ECONNREFUSED},
	{"router", VIP, ENETUNREACH},
	{"worker1", "10.0.0.53", ECONNREFUSED},
	{"worker2", "10.0.0.1", ECONNREFUSED},
	{"worker2", "172.16.0.11", ECONNREFUSED},
	{"worker2", VIP, ENETUNREACH},
	{"worker1", "10.244.0.2", ECONNREFUSED},
	{"worker3", "10.244.0.2", ECONNREFUSED},
	{"control-plane", "10.244.1.2", ECONNREFUSED},
	{"pod-a", "10.244.1.2", ECONNREFUSED},
	{"pod-b", "10.244.0.3", ECONNREFUSED},
	{"pod-a", "10.0.0.53", ECONNREFUSED},
	{LONG_NAME, "10.244.0.2", ECONNREFUSED},
	{"control-plane", "10.0.0.1", ECONNREFUSED},
};

static int connect_error(int fd, const struct addr *to)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(CLOSED_PORT)};
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof(error);

	at.sin_addr.s_addr = htonl(addr_v4_value(to));
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 && errno != EINPROGRESS)
		return errno;
	if (poll(&p, 1, DEADLINE_MS) != 1)
		return ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

static bool reach_holds(struct node_lab *lab, const struct reach *r, struct errmsg *err)
{
	struct addr to = article_addr(r->to);
	int fd = net_socket(node_find(lab, r->from), AF_INET, SOCK_STREAM, 0, err);
	char whom[128];
	int error;

	snprintf(whom, sizeof(whom), "%s to %s", r->from, r->to);
	if (fails(fd < 0, err->text, whom))
		return false;
	error = connect_error(fd, &to);
	close(fd);
	return !fails(error != r->error, strerror(error), whom);
}

/* ---- The lab ---- */

static bool pods_add(struct node_lab *lab, struct kube_cluster *cluster, struct errmsg *err)
{
	const struct kube_pod pods[] = {
		{.uid = 1, .name = "pod-a", .node = "worker1", .address = article_addr("10.244.0.2"), .port = 80},
		{.uid = 2, .name = "pod-b", .node = "worker2", .address = article_addr("10.244.1.2"), .port = 80},
		{.uid = 3, .name = LONG_NAME, .node = "worker1", .address = article_addr("10.244.0.3"), .port = 80},
	};
	struct kube_pod lost = {.uid = 4, .name = "lost", .node = "worker9", .address = article_addr("10.244.9.2")};
	struct node_pod *added;

	for (size_t i = 0; i < COUNT(pods); i++) {
		if (fails(node_pod_add(lab, &pods[i], cluster, &added, err) < 0, err->text, pods[i].name) ||
		    fails(added->uid != pods[i].uid || node_find(lab, pods[i].name) != added->ns, "not found",
			  pods[i].name))
			return false;
	}
	return !fails(node_pod_add(lab, &lost, cluster, &added, err) != -EINVAL, "has a place", "lost") &&
	       !fails(strstr(err->text, "worker9") == NULL, err->text, "lost") &&
	       !fails(node_find(lab, "lost") != NULL, "found", "lost");
}

static bool names_hold(const struct node_lab *lab)
{
	static const char *const there[] = {"router", "control-plane", "worker1", "worker3", "client1", "client2"};
	static const char *const none[] = {"", "worker4", "worker", "client3", "Router", "fabric"};
	bool good = true;

	for (size_t i = 0; i < COUNT(there); i++)
		good = !fails(node_find(lab, there[i]) == NULL, "is not there", there[i]) && good;
	for (size_t i = 0; i < COUNT(none); i++)
		good = !fails(node_find(lab, none[i]) != NULL, "is there", none[i]) && good;
	return good;
}

/* A removed pod is no longer there for anybody; the others are. */
static bool removal_holds(struct node_lab *lab, struct errmsg *err)
{
	static const struct reach left = {"worker1", "10.244.0.3", ECONNREFUSED};

	node_pod_remove(lab, 1);
	node_pod_remove(lab, 99);
	return !fails(node_find(lab, "pod-a") != NULL || lab->pods.len != 2, "is still there", "pod-a") &&
	       !fails(node_find(lab, "pod-b") == NULL, "is gone", "pod-b") && reach_holds(lab, &left, err);
}

/* The switch passes on what no router would: an IP header that is nonsense. */
static bool switch_is_blind(struct node_lab *lab, struct errmsg *err)
{
	static const uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0x99, 0x99, 8, 0, 0x4f, 0xee};
	struct sockaddr_ll from = {.sll_family = AF_PACKET},
			   to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int sender = net_socket(lab->workers[0].host.ns, AF_PACKET, SOCK_RAW, 0, err);
	int tap = net_socket(lab->workers[1].host.ns, AF_PACKET, SOCK_RAW, 0, err);
	struct pollfd p = {.fd = tap, .events = POLLIN};
	uint8_t mac[6], got[128];
	unsigned int from_index = 0, to_index = 0;
	bool came = false;

	if (net_link_info(lab->workers[0].host.ns, NODE_HOST_LINK, mac, &from_index, err) == 0 &&
	    net_link_info(lab->workers[1].host.ns, NODE_HOST_LINK, mac, &to_index, err) == 0) {
		from.sll_ifindex = (int)from_index;
		to.sll_ifindex = (int)to_index;
		came = bind(tap, (const struct sockaddr *)&to, sizeof(to)) == 0 &&
		       sendto(sender, frame, sizeof(frame), 0, (const struct sockaddr *)&from, sizeof(from)) > 0;
	}
	/* Other frames may come first. */
	while (came) {
		came = poll(&p, 1, DEADLINE_MS) == 1;
		if (came && recv(tap, got, sizeof(got), 0) == (ssize_t)sizeof(frame) &&
		    memcmp(got, frame, sizeof(frame)) == 0)
			break;
	}
	close(sender);
	close(tap);
	return !fails(!came, "a nonsense packet did not come through", "switch");
}

static int network(void *arg)
{
	struct node_lab_conf conf = article_conf(3, 2);
	struct kube_cluster *cluster = article_cluster(KUBE_METALLB_NATIVE);
	struct node_lab *lab = NULL;
	struct errmsg err = {0};
	char path[256];
	bool good = !fails(node_lab_new(&conf, &lab, &err) < 0, err.text, "lab") && names_hold(lab) &&
		    pods_add(lab, cluster, &err);

	(void)arg;
	if (good && net_program_find("ip", path, sizeof(path))) {
		for (size_t i = 0; i < COUNT(routes); i++)
			good = route_holds(lab, &routes[i], &err) && good;
	}
	for (size_t i = 0; i < COUNT(reaches) && lab != NULL; i++)
		good = reach_holds(lab, &reaches[i], &err) && good;
	good = good && switch_is_blind(lab, &err) && removal_holds(lab, &err);
	node_lab_free(lab);
	kube_cluster_free(cluster);
	return good ? 0 : 1;
}

static const struct hash {
	enum node_hash hash;
	const char *policy, *fields; /* fields NULL: whatever they are */
	const char *text;
} hashes[] = {
	{NODE_HASH_DEFAULT, "0", NULL, "net.ipv4.fib_multipath_hash_policy=0"},
	{NODE_HASH_L3, "0", NULL, "net.ipv4.fib_multipath_hash_policy=0"},
	/* 0x37: both addresses, protocol, both ports */
	{NODE_HASH_L4, "3", "55", "net.ipv4.fib_multipath_hash_policy=3, fib_multipath_hash_fields=0x37"},
};

static bool hash_holds(const struct hash *h, struct errmsg *err)
{
	struct node_lab_conf conf = article_conf(1, 1);
	struct node_lab *lab = NULL;
	char text[128], policy[16] = "", fields[16] = "";
	bool good;

	conf.control_plane = (struct addr){0};
	conf.hash = h->hash;
	conf.hash_seed = 12345;
	good = !fails(node_lab_new(&conf, &lab, err) < 0 ||
			      node_hash_text(lab, lab->router.ns, text, sizeof(text), err) < 0,
		      err->text, h->text) &&
	       !fails(strcmp(text, h->text) != 0, text, h->text) &&
	       !fails(node_find(lab, "control-plane") != NULL, "a control plane", h->text);
	good = good &&
	       net_sysctl_get(lab->router.ns, "net.ipv4.fib_multipath_hash_policy", policy, sizeof(policy), err) == 0 &&
	       net_sysctl_get(lab->router.ns, "net.ipv4.fib_multipath_hash_fields", fields, sizeof(fields), err) == 0 &&
	       !fails(strcmp(policy, h->policy) != 0, policy, h->text) &&
	       !fails(h->fields != NULL && strcmp(fields, h->fields) != 0, fields, h->text);
	node_lab_free(lab);
	return good;
}

static int hashing(void *arg)
{
	struct errmsg err = {0};
	bool good = true;

	(void)arg;
	for (size_t i = 0; i < COUNT(hashes); i++)
		good = hash_holds(&hashes[i], &err) && good;
	return good ? 0 : 1;
}

/* More nodes than the kernel's neighbour table holds in its default: their entries are permanent. */
static int many(void *arg)
{
	struct node_lab_conf conf = article_conf(202, 1);
	const char *const argv[] = {"ip", "-4", "neigh", "show", "nud", "permanent", NULL};
	struct node_lab *lab = NULL;
	struct errmsg err = {0};
	static const struct reach last = {"router", "10.0.0.252", ECONNREFUSED};
	static char text[65536];
	unsigned int lines = 0;
	bool good =
		!fails(node_lab_new(&conf, &lab, &err) < 0, err.text, "202 workers") && reach_holds(lab, &last, &err);

	(void)arg;
	if (good && ask(lab->router.ns, argv, text, sizeof(text), &err) == 0) {
		for (const char *at = strchr(text, '\n'); at != NULL; at = strchr(at + 1, '\n'))
			lines++;
		good = !fails(lines != 202, text, "permanent neighbours");
	}
	node_lab_free(lab);
	return good ? 0 : 1;
}

static void run(int (*body)(void *arg))
{
	struct errmsg err = {0};
	int status = -1;

	if (net_sandbox_run(body, NULL, NULL, &status, &err) < 0) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	assert_int_equal(status, 0);
}

static void everyone_reaches_what_it_must(void **state)
{
	(void)state;
	run(network);
}

static void the_hash_is_as_asked(void **state)
{
	(void)state;
	run(hashing);
}

static void many_neighbours_are_permanent(void **state)
{
	(void)state;
	run(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everyone_reaches_what_it_must),
		cmocka_unit_test(the_hash_is_as_asked),
		cmocka_unit_test(many_neighbours_are_permanent),
	};

	return cmocka_run_group_tests_name("node: lab", tests, NULL, NULL);
}
