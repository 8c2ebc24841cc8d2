/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saved captures. libpcap reads pcap and pcapng alike and turns every stamp into nanoseconds. */
#include "capture_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define READ_BUFFER ((size_t)1 << 18)

struct reading {
	struct capture *capture;
	unsigned int link;
	struct instant last;
};

static void on_frame(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct reading *r = (struct reading *)(void *)user;

	r->last = capture_stamp(header);
	capture_frame(r->capture, r->link, r->last, bytes, header->caplen);
}

static int read_frames(struct capture *c, pcap_t *pcap, const char *path, unsigned int link, struct errmsg *err)
{
	struct reading r = {.capture = c, .link = link};
	struct link *l = capture_link_at(c, link);
	int result;

	l->linktype = pcap_datalink(pcap);
	l->decoded = l->bytes = l->fragments = 0;
	result = pcap_loop(pcap, -1, on_frame, (u_char *)&r);
	l = capture_link_at(c, link);
	tcp_finish(&c->decoder, link, &(struct packet){.frame = l->decoded, .time = r.last, .carried = true});
	if (result < 0)
		return errmsg_say(err, -EBADMSG, "%s: frame %" PRIu64 " can't be read: %s", path, l->decoded + 1,
				  pcap_geterr(pcap));
	return 0;
}

int capture_read(struct capture *c, const char *path, unsigned int link, struct errmsg *err)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *stream;
	pcap_t *pcap;
	int result;

	if (link >= CAPTURE_LINKS_MAX)
		return errmsg_say(err, -EINVAL, "%s: link %u is beyond the last", path, link);
	stream = fopen(path, "rbe");
	if (stream == NULL)
		return errmsg_set(err, -errno, "%s", path);
	(void)setvbuf(stream, NULL, _IOFBF, READ_BUFFER);
	errno = 0;
	pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why);
	if (pcap == NULL) {
		fclose(stream);
		return errmsg_say(err, -EBADMSG, "%s is no capture file: %s", path, why);
	}
	result = read_frames(c, pcap, path, link, err);
	pcap_close(pcap); /* and the stream with it */
	return result;
}
