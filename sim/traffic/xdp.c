/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AF_XDP as a way out, in copy mode: the kernel reads a descriptor of eight octets in place of a message header, an array of
 * parts and an address, and does not dissect the frame. Nothing is attached to the interface. What the kernel has taken it has
 * copied, so a frame may be written again at once, although its completion may come much later (a queue of netem holds it). */
#include "traffic_int.h"

#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE TRAFFIC_BATCH
#define DESCRIPTORS AT_ONCE
#define COMPLETIONS 1024U /* more than a socket's send buffer lets be on their way */
#define FILL 2U		  /* never used; the kernel wants one */
#define CHUNK 2048U
#define HELD_NS (50 * NS_PER_MS) /* an RCU grace period, and a work queue behind it */
#define HELD_STEP_NS (NS_PER_MS / 10)

_Static_assert(CHUNK % sizeof(struct traffic_frame) == 0, "no frame lies across the end of a chunk");

int xdp_arena(struct traffic_xdp *x, size_t size)
{
	x->fd = -1;
	x->size = (size + CHUNK - 1) / CHUNK * CHUNK;
	x->area = mmap(NULL, x->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (x->area != MAP_FAILED)
		return 0;
	x->area = NULL;
	return -errno;
}

static int set(const struct traffic_xdp *x, int option, const void *value, socklen_t n)
{
	return setsockopt(x->fd, SOL_XDP, option, value, n) < 0 ? -errno : 0;
}

static int make_rings(const struct traffic_xdp *x, struct xdp_mmap_offsets *ret)
{
	struct xdp_umem_reg area = {.addr = (uintptr_t)x->area, .len = x->size, .chunk_size = CHUNK};
	const struct {
		int option;
		unsigned int n;
	} rings[] = {{XDP_UMEM_FILL_RING, FILL}, {XDP_UMEM_COMPLETION_RING, COMPLETIONS}, {XDP_TX_RING, DESCRIPTORS}};
	socklen_t len = sizeof(*ret);
	int result = set(x, XDP_UMEM_REG, &area, sizeof(area));

	for (size_t i = 0; result == 0 && i < sizeof(rings) / sizeof(rings[0]); i++)
		result = set(x, rings[i].option, &rings[i].n, sizeof(rings[i].n));
	if (result == 0 && getsockopt(x->fd, SOL_XDP, XDP_MMAP_OFFSETS, ret, &len) < 0)
		result = -errno;
	return result;
}

static int map(const struct traffic_xdp *x, struct traffic_xdp_ring *ring, const struct xdp_ring_offset *at,
	       size_t size, off_t which)
{
	uint8_t *base = mmap(NULL, at->desc + size, PROT_READ | PROT_WRITE, MAP_SHARED, x->fd, which);

	if (base == MAP_FAILED)
		return -errno;
	*ring = (struct traffic_xdp_ring){.base = base,
					  .size = at->desc + size,
					  .producer = (uint32_t *)(void *)(base + at->producer),
					  .consumer = (uint32_t *)(void *)(base + at->consumer),
					  .entries = base + at->desc};
	return 0;
}

/* The kernel takes a closed socket off its link a moment after the close, and tells nobody; one that is in use stays. */
static int bind_to(const struct traffic_xdp *x, const struct sockaddr_xdp *link)
{
	const struct timespec step = {.tv_nsec = HELD_STEP_NS};
	int result;

	for (int64_t waited = 0;; waited += HELD_STEP_NS) {
		result = bind(x->fd, (const struct sockaddr *)link, sizeof(*link)) < 0 ? -errno : 0;
		if (result != -EBUSY || waited >= HELD_NS)
			return result;
		(void)ppoll(NULL, 0, &step, NULL);
	}
}

static int prepare(struct traffic_xdp *x, unsigned int index)
{
	struct sockaddr_xdp link = {.sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY, .sxdp_ifindex = index};
	struct xdp_mmap_offsets at;
	int result = make_rings(x, &at);

	if (result == 0)
		result = map(x, &x->out, &at.tx, DESCRIPTORS * sizeof(struct xdp_desc), XDP_PGOFF_TX_RING);
	if (result == 0)
		result =
			map(x, &x->done, &at.cr, COMPLETIONS * sizeof(uint64_t), (off_t)XDP_UMEM_PGOFF_COMPLETION_RING);
	return result == 0 ? bind_to(x, &link) : result;
}

static void unmap(struct traffic_xdp_ring *ring)
{
	if (ring->base != NULL)
		munmap(ring->base, ring->size);
	*ring = (struct traffic_xdp_ring){0};
}

/* The maps hold the socket, too. */
static void shut(struct traffic_xdp *x)
{
	unmap(&x->out);
	unmap(&x->done);
	if (x->fd >= 0)
		close(x->fd);
	x->fd = -1;
}

bool xdp_open(struct traffic_xdp *x, struct net_ns *client, unsigned int index)
{
	struct errmsg why;

	x->fd = net_socket(client, AF_XDP, SOCK_RAW, 0, &why);
	if (x->fd >= 0 && prepare(x, index) == 0)
		return true;
	shut(x);
	return false;
}

void xdp_close(struct traffic_xdp *x)
{
	shut(x);
	if (x->area != NULL)
		munmap(x->area, x->size);
	x->area = NULL;
}

static void put(struct traffic_xdp *x, uint64_t addr, size_t len)
{
	struct xdp_desc *d = (struct xdp_desc *)(void *)x->out.entries + x->put++ % DESCRIPTORS;

	*d = (struct xdp_desc){.addr = addr, .len = (uint32_t)len};
}

static int kick(const struct traffic_xdp *x)
{
	__atomic_store_n(x->out.producer, x->put, __ATOMIC_RELEASE);
	__atomic_store_n(x->done.consumer, __atomic_load_n(x->done.producer, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
	return sendto(x->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? -errno : 0;
}

static bool all_taken(const struct traffic_xdp *x)
{
	return __atomic_load_n(x->out.consumer, __ATOMIC_ACQUIRE) == x->put;
}

/* Lets the kernel pass over what the ring has: some kernels one at a time; when one looks for more it shows how far it is. 0 or
 * -errno, when it can't now. */
static int pass_over(const struct traffic_xdp *x)
{
	int result = 0;

	for (unsigned int i = 0; i <= DESCRIPTORS && result == 0 && !all_taken(x); i++)
		result = kick(x);
	return all_taken(x) ? 0 : result < 0 ? result : -EAGAIN;
}

static uint64_t count_invalid(const struct traffic_xdp *x)
{
	struct xdp_statistics now = {0};
	socklen_t len = sizeof(now);

	(void)getsockopt(x->fd, SOL_XDP, XDP_STATISTICS, &now, &len);
	return now.tx_invalid_descs;
}

/* How many of the last n the kernel has not taken; these it will not take any more. After a call that ended early most kernels
 * don't say (before 6.17 net/xdp/xsk.c shows its place in the ring when it has emptied it only), but one that meets descriptors
 * of no frame passes over them, and counts. -errno when it can't be asked now: the link is down. */
static int take_back(struct traffic_xdp *x, unsigned int n)
{
	uint64_t before = count_invalid(x);
	int result;

	x->put -= n;
	for (unsigned int i = 0; i < n; i++)
		put(x, UINT64_MAX, 1);
	result = pass_over(x);
	return result < 0 ? result : (int)(count_invalid(x) - before);
}

/* Some of n; result is what the kernel answered. One that it took and that found no room behind the link must go again. */
static int some_gone(struct traffic_xdp *x, unsigned int n, int result)
{
	int left = take_back(x, n), gone;

	if (left < 0) {
		x->stale = true;
		return result < 0 ? result : left;
	}
	gone = (int)n - left - (result == -EBUSY && (unsigned int)left < n);
	if (gone > 0)
		return gone;
	return result == 0 || result == -EBUSY || result == -ENOBUFS || result == -EINTR ? -EAGAIN : result;
}

int xdp_send(struct traffic_xdp *x, const struct iovec *frames, unsigned int n)
{
	int result = x->stale ? pass_over(x) : 0;

	if (result < 0)
		return result;
	x->stale = false;
	n = n < AT_ONCE ? n : AT_ONCE;
	for (unsigned int i = 0; i < n; i++)
		put(x, (uint64_t)((uint8_t *)frames[i].iov_base - x->area), frames[i].iov_len);
	result = kick(x);
	return result == 0 && all_taken(x) ? (int)n : some_gone(x, n, result);
}
