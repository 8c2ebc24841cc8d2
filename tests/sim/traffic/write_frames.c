/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a capture of frames of every kind to standard output, for test_tshark.py. */
#include "traffic_int.h"

#include <stdio.h>
#include <stdlib.h>

#define FLOWS 200U

static void write_frame(const struct traffic_frame *f)
{
	uint32_t record[] = {1, 0, (uint32_t)f->len, (uint32_t)f->len};

	fwrite(record, sizeof(record), 1, stdout);
	fwrite(f->bytes, f->len, 1, stdout);
}

static int write_kind(struct traffic_flows *flows, bool fragments)
{
	static const struct traffic_macs macs = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
	struct traffic_frame f[2] = {0};
	struct traffic_tuple tuples[FLOWS];
	struct errmsg err = {0};
	int result = traffic_tuples(flows, tuples, &err);

	if (result == 0)
		result = fragments ? traffic_fragments_make(f, &macs, tuples, &err)
				   : traffic_frame_make(f, &macs, tuples, &err);
	for (uint32_t i = 0; result == 0 && i < flows->count * 2; i++) {
		struct wire_flowtag tag = {flows->run, i % flows->count, i / flows->count, 77 + i};

		if (fragments)
			traffic_fragments_set(f, &tuples[tag.flow], &tag);
		else
			traffic_frame_set(f, &tuples[tag.flow], &tag);
		write_frame(&f[0]);
		if (fragments)
			write_frame(&f[1]);
	}
	if (result < 0)
		fprintf(stderr, "%s\n", err.text);
	return result;
}

int main(void)
{
	static const uint32_t head[] = {0xa1b2c3d4, 4U << 16 | 2U, 0, 0, 65535, 1};

	fwrite(head, sizeof(head), 1, stdout);
	for (unsigned int kind = 0; kind < 4 * TRAFFIC_PROTOCOLS; kind++) {
		bool v6 = kind % 2 != 0, fragments = kind / 2 % 2 != 0;
		struct traffic_flows flows = {.protocol = (enum traffic_protocol)(kind / 4),
					      .vary = TRAFFIC_VARY_SRC_PORT | TRAFFIC_VARY_SRC_ADDR,
					      .dst_port = 80,
					      .count = FLOWS,
					      .packets = 1,
					      .run = kind,
					      .seed = kind};

		flows.vary |= v6 ? TRAFFIC_VARY_FLOW_LABEL : 0;
		addr_parse(v6 ? "2001:db8::10" : "172.16.0.10", &flows.src);
		addr_parse(v6 ? "2001:db8:1::1" : "172.16.254.1", &flows.dst);
		prefix_parse(v6 ? "2001:db8::/64" : "172.16.0.0/24", &flows.src_net);
		if (write_kind(&flows, fragments) < 0)
			return EXIT_FAILURE;
	}
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
