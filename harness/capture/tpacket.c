/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet socket with a ring of blocks (TPACKET_V3) that the kernel fills and this program reads in place. libpcap has the same,
 * but no block below 256 KiB, which a thousand links would multiply.
 *
 * A block is handed over when it is full or its timer ends after its first frame; frames have the length they have in it.
 * So a ring is good for as many such times as it has blocks before the collector must have come by. */
#include "capture_int.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BLOCKS 8U
#define BLOCK_MIN ((size_t)16 << 10) /* holds a jumbo frame */
#define BLOCK_MAX ((size_t)32 << 10) /* many of them: frames that trickle fill a block a timer each */
#define VLAN_TAG_LEN 4U

struct tpacket {
	int fd;
	char interface[IFNAMSIZ];
	uint8_t *map;
	size_t block_bytes, block_count, next;
	struct capture_stats counts; /* the kernel forgets what it has told */
	struct loss_log losses;
};

static size_t block_size(size_t ring_bytes)
{
	size_t block = BLOCK_MIN;

	while (block < BLOCK_MAX && block * 2 * BLOCKS <= ring_bytes)
		block *= 2;
	return block;
}

/* Where memory is short a smaller ring is better than none. */
static int ring_make(struct tpacket *t, size_t ring_bytes, unsigned int retire_ms)
{
	struct tpacket_req3 r = {.tp_retire_blk_tov = retire_ms};
	int result = -ENOMEM;

	for (size_t bytes = ring_bytes; bytes >= 2 * BLOCK_MIN && result == -ENOMEM; bytes /= 2) {
		t->block_bytes = block_size(bytes);
		t->block_count = bytes / t->block_bytes;
		r.tp_block_size = (unsigned int)t->block_bytes;
		r.tp_block_nr = (unsigned int)t->block_count;
		r.tp_frame_size = r.tp_block_size; /* means nothing here, but the product is checked */
		r.tp_frame_nr = r.tp_block_nr;
		result = setsockopt(t->fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof(r)) < 0 ? -errno : 0;
	}
	if (result < 0)
		return result;
	t->losses.blocks = t->block_count;
	t->map = mmap(NULL, t->block_bytes * t->block_count, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
	if (t->map != MAP_FAILED)
		return 0;
	t->map = NULL;
	return -errno;
}

/* From the bind on there are frames, of an interface that is up. */
static int listen_on(const struct tpacket *t, unsigned int index)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = (uint16_t)((ETH_P_ALL & 0xff) << 8 | ETH_P_ALL >> 8),
		.sll_ifindex = (int)index,
	};
	int error = 0;
	socklen_t len = sizeof(error);

	if (bind(t->fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

static int setup(struct tpacket *t, const struct tpacket_conf *conf)
{
	int version = TPACKET_V3, reserve = VLAN_TAG_LEN;
	unsigned int index = if_nametoindex(conf->interface);
	int result;

	if (index == 0)
		return -errno;
	if (setsockopt(t->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(t->fd, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof(reserve)) < 0)
		return -errno;
	result = ring_make(t, conf->ring_bytes, conf->retire_ms);
	return result == 0 ? listen_on(t, index) : result;
}

int tpacket_open(const struct tpacket_conf *conf, struct tpacket **ret, struct errmsg *err)
{
	struct tpacket *t = memory_new(sizeof(*t));
	int result;

	if (strlen(conf->interface) < sizeof(t->interface))
		memcpy(t->interface, conf->interface, strlen(conf->interface));
	t->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	result = t->fd < 0 ? -errno : setup(t, conf);
	if (result < 0) {
		tpacket_close(t);
		return errmsg_set(err, result, "can't capture on %s", conf->interface);
	}
	*ret = t;
	return 0;
}

void tpacket_close(struct tpacket *t)
{
	if (t == NULL)
		return;
	if (t->map != NULL)
		munmap(t->map, t->block_bytes * t->block_count);
	if (t->fd >= 0)
		close(t->fd);
	VEC_FREE(&t->losses.at);
	free(t);
}

int tpacket_fd(const struct tpacket *t)
{
	return t->fd;
}

bool tpacket_mac(const struct tpacket *t, uint8_t ret[static 6])
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, t->interface, sizeof(request.ifr_name));
	if (ioctl(t->fd, SIOCGIFHWADDR, &request) < 0)
		return false;
	memcpy(ret, request.ifr_hwaddr.sa_data, 6);
	return true;
}

/* The kernel keeps a VLAN tag beside the frame; on the wire it is in it. Room was reserved in front. */
static uint8_t *tag_back(const struct tpacket3_hdr *h, uint8_t *frame, struct pcap_pkthdr *header)
{
	uint16_t type = (h->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? h->hv1.tp_vlan_tpid : ETH_P_8021Q;
	uint16_t tci = (uint16_t)h->hv1.tp_vlan_tci;
	uint8_t *tagged = frame - VLAN_TAG_LEN;

	if ((h->tp_status & TP_STATUS_VLAN_VALID) == 0 || header->caplen < ETH_HLEN)
		return frame;
	memmove(tagged, frame, (size_t)2 * ETH_ALEN);
	memcpy(tagged + (size_t)2 * ETH_ALEN,
	       (const uint8_t[]){(uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(tci >> 8), (uint8_t)tci}, VLAN_TAG_LEN);
	header->caplen += VLAN_TAG_LEN;
	header->len += VLAN_TAG_LEN;
	return tagged;
}

/* Nothing is in the ring: because nothing came, or since nothing will come again. A link that is down may come up. */
static int nothing(const struct tpacket *t)
{
	struct ifreq request = {0};
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
		return 0;
	memcpy(request.ifr_name, t->interface, sizeof(request.ifr_name));
	return ioctl(t->fd, SIOCGIFINDEX, &request) < 0 ? -errno : 0;
}

static struct loss_block read_block(uint8_t *at, pcap_handler fn, void *ctx)
{
	const struct tpacket_block_desc *block = (const void *)at;
	struct loss_block ret = {.frames = block->hdr.bh1.num_pkts};

	at += block->hdr.bh1.offset_to_first_pkt;
	for (uint32_t i = 0; i < ret.frames; i++) {
		const struct tpacket3_hdr *h = (const void *)at;
		struct pcap_pkthdr header = {
			.ts = {.tv_sec = h->tp_sec, .tv_usec = h->tp_nsec}, .caplen = h->tp_snaplen, .len = h->tp_len};

		if (i == 0)
			ret.first = capture_stamp(&header);
		ret.last = capture_stamp(&header);
		fn(ctx, &header, tag_back(h, at + h->tp_mac, &header));
		at += h->tp_next_offset;
	}
	return ret;
}

int tpacket_read(struct tpacket *t, pcap_handler fn, void *ctx)
{
	uint8_t *at = t->map + t->next * t->block_bytes;
	struct tpacket_block_desc *block = (void *)at;
	struct capture_stats ignored;
	struct loss_block held;

	if ((__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0)
		return nothing(t);
	(void)tpacket_counts(t, &ignored);
	held = read_block(at, fn, ctx);
	loss_block(&t->losses, &held);
	loss_given_back(&t->losses);
	__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	t->next = (t->next + 1) % t->block_count;
	return 1;
}

static struct instant wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (struct instant){t.tv_sec * NS_PER_S + t.tv_nsec};
}

int tpacket_counts(struct tpacket *t, struct capture_stats *ret)
{
	struct tpacket_stats_v3 now;
	socklen_t len = sizeof(now);

	if (getsockopt(t->fd, SOL_PACKET, PACKET_STATISTICS, &now, &len) < 0)
		return -errno;
	/* What it dropped it counts among what it received. */
	t->counts.frames += now.tp_packets - now.tp_drops;
	t->counts.dropped += now.tp_drops;
	loss_counted(&t->losses, now.tp_drops, now.tp_drops > 0 ? wall() : (struct instant){0});
	*ret = t->counts;
	return 0;
}

size_t tpacket_losses(const struct tpacket *t, struct capture_loss ret[static CAPTURE_LOSSES_MAX])
{
	return loss_all(&t->losses, ret);
}
