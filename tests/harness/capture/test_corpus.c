/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures of others against what tshark and an independent reassembly say is in them, and damaged copies of them. */
#include "capture_int.h"
#include "sha256.h"
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIELDS_MAX 16

/* Where we differ from the oracles, and why. Beyond this table: after bytes that are no BGP message the oracle searches for
 * the next one, while we read that direction no further, as a speaker would not. */
static const struct difference {
	const char *file;
	enum { NOTHING_READ, FIRST_MESSAGES_ONLY, UNREADABLE } what;
	const char *why;
} differences[] = {
	{"packetlife__BGP_flowspec_v4.cap", NOTHING_READ, "port 1179, which only a person can know to be BGP"},
	{"packetlife__BGP_notification_msg.cap", NOTHING_READ, "port 1179"},
	{"tcpdump__bgp-infinite-loop.pcap", NOTHING_READ,
	 "UPDATEs of 19 octets, shorter than RFC 4271 section 4.3 has"},
	{"pcapplusplus__BgpPackets.pcap", UNREADABLE, "interfaces of different snapshot lengths: libpcap refuses"},
	{"pcapplusplus__fuzz_clusterfuzz-testcase-minimized-FuzzTarge_7796ef.pcap", UNREADABLE, "damaged"},
	{"pcapplusplus__fuzz_clusterfuzz-testcase-minimized-FuzzTarge.pcap", UNREADABLE, "damaged"},
	{"pmacct__300-BGP-IPv6-CISCO-extNH_enc__traffic-00.pcap", FIRST_MESSAGES_ONLY,
	 "generated: a SYN with data that takes no sequence number of its own, so the next segment overlaps by one"},
	{"pmacct__302-BGP-IPv6-multiple-sources__traffic-00.pcap", FIRST_MESSAGES_ONLY, "the same"},
	{"pmacct__303-BGP-high-availability__traffic-00.pcap", FIRST_MESSAGES_ONLY, "the same"},
	{"pmacct__305-BGP-mem-leak-test__bgp-multi-sources-update-keepalive.pcap", FIRST_MESSAGES_ONLY, "the same"},
	{"pmacct__500-IPFIXv10-BGP-CISCO-SRv6__traffic-00.pcap", FIRST_MESSAGES_ONLY, "the same"},
};

static const char *const folders[] = {"bgp", "bmp", "bfd", "tcp", "noise", "damaged"};

static const struct difference *difference_of(const char *file)
{
	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
		if (strcmp(differences[i].file, file) == 0)
			return &differences[i];
	}
	return NULL;
}

/* ---- Tables of the oracles ---- */

struct line {
	char *field[FIELDS_MAX];
};

struct table {
	char *text;
	VEC(struct line) lines;
};

static bool table_read(struct table *t, const char *path)
{
	char *at;

	if (access(path, R_OK) != 0)
		return false;
	t->text = support_slurp(path, NULL);
	at = t->text;
	while (*at != '\0') {
		char *line = strsep(&at, "\n"), *field;
		struct line l = {{0}};
		size_t n = 0;

		if (at == NULL)
			at = line + strlen(line);
		if (line[0] == '#')
			continue;
		while (n < FIELDS_MAX && (field = strsep(&line, "\t")) != NULL)
			l.field[n++] = field;
		VEC_PUSH(&t->lines, l);
	}
	return true;
}

static void table_free(struct table *t)
{
	free(t->text);
	VEC_FREE(&t->lines);
}

/* ---- What we read ---- */

struct message {
	char ends[128]; /* src, port, dst, port with tabs between */
	uint64_t frame;
	unsigned int type;
	size_t len;
	char sha[17];
	bool compared;
};

struct reading {
	VEC(struct message) messages;
	size_t bad, events;
};

static void on_event(void *ctx, const struct capture_event *e)
{
	struct reading *r = ctx;
	struct message m = {.frame = e->frame, .len = e->len};
	char sha[65];

	r->events++;
	r->bad += e->kind == CAPTURE_BGP_BAD;
	if (e->kind != CAPTURE_BGP)
		return;
	snprintf(m.ends, sizeof(m.ends), "%s\t%u\t%s\t%u", addr_text(&e->src).s, e->src_port, addr_text(&e->dst).s,
		 e->dst_port);
	m.type = e->bytes[18];
	sha256_hex(e->bytes, e->len, sha);
	memcpy(m.sha, sha, 16);
	VEC_PUSH(&r->messages, m);
}

static bool capture_path(char ret[static 4096], const char *file)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(ret, 4096, "%s/pcap/%s/%s", support_shared("corpus"), folders[i], file);
		if (access(ret, R_OK) == 0)
			return true;
	}
	return false;
}

static int read_capture(const char *path, struct reading *r, struct errmsg *err)
{
	struct capture *c = capture_new(on_event, r);
	int result = capture_read(c, path, 0, err);

	capture_free(c);
	return result;
}

/* The next message of the direction that has not been compared. */
static struct message *next_message(struct reading *r, const char *ends)
{
	for (size_t i = 0; i < r->messages.len; i++) {
		if (!r->messages.at[i].compared && strcmp(r->messages.at[i].ends, ends) == 0)
			return &r->messages.at[i];
	}
	return NULL;
}

/* What the oracle cuts off as junk, and lengths that RFC 4271 section 6.1 refuses for the type, which it does not. */
static bool no_message(const char *type, unsigned long len)
{
	static const unsigned int min[] = {0, 29, 23, 21, 19, 19};
	unsigned long t = strtoul(type, NULL, 10);

	return strcmp(type, "JUNK") == 0 || (t >= 1 && t <= 5 && len < min[t]) || (t == 4 && len != 19);
}

/* Rows of one direction stand together. Returns whether the oracle met bytes that are no message. */
static bool compare_stream(struct reading *r, const struct table *t, const struct difference *known)
{
	bool junk = false, junk_here = false;
	char before[128] = "";
	size_t here = 0;

	for (size_t i = 0; i < t->lines.len; i++) {
		char *const *f = t->lines.at[i].field;
		char ends[128];
		struct message *m;

		snprintf(ends, sizeof(ends), "%s\t%s\t%s\t%s", f[1], f[2], f[3], f[4]);
		if (strcmp(ends, before) != 0)
			junk_here = false, here = 0;
		snprintf(before, sizeof(before), "%s", ends);
		junk_here |= no_message(f[7], strtoul(f[8], NULL, 10));
		junk |= junk_here;
		if (junk_here || strcmp(f[7], "PARTIAL") == 0)
			continue;
		if (known != NULL && known->what == FIRST_MESSAGES_ONLY && here > 0)
			continue;
		m = next_message(r, ends);
		if (m == NULL)
			fail_msg("%s: message %zu is missing", ends, here);
		assert_int_equal(m->type, strtoul(f[7], NULL, 10));
		assert_int_equal(m->len, strtoul(f[8], NULL, 10));
		assert_string_equal(m->sha, f[9]);
		m->compared = true;
		here++;
	}
	return junk;
}

static void compare_frames(const struct reading *r, const struct table *t)
{
	assert_int_equal(t->lines.len, r->messages.len);
	for (size_t i = 0; i < t->lines.len; i++) {
		char *const *f = t->lines.at[i].field;
		const struct message *m = &r->messages.at[i];
		char ends[128];

		snprintf(ends, sizeof(ends), "%s\t%s\t%s\t%s", f[3], f[4], f[5], f[6]);
		assert_int_equal(m->frame, strtoul(f[0], NULL, 10));
		assert_string_equal(m->ends, ends);
		assert_int_equal(m->type, strtoul(f[8], NULL, 10));
		assert_int_equal(m->len, strtoul(f[9], NULL, 10));
	}
}

static void test_bgp(void **state)
{
	const char *file = *state;
	const struct difference *known = difference_of(file);
	struct table stream = {0}, frames = {0};
	struct reading r = {0};
	struct errmsg err = {0};
	char path[4096], oracle[4096];
	bool junk;

	if (!capture_path(path, file))
		skip();
	assert_int_equal(read_capture(path, &r, &err) < 0, known != NULL && known->what == UNREADABLE);
	snprintf(oracle, sizeof(oracle), "%s/expected/pcap/%s.stream.tsv", support_shared("corpus"), file);
	assert_true(table_read(&stream, oracle));
	snprintf(oracle, sizeof(oracle), "%s/expected/pcap/%s.bgp.tsv", support_shared("corpus"), file);
	if (known != NULL && known->what != FIRST_MESSAGES_ONLY) {
		assert_int_equal(r.messages.len, 0);
	} else {
		junk = compare_stream(&r, &stream, known);
		assert_true(junk || known != NULL || r.bad == 0);
		if (!junk && known == NULL && table_read(&frames, oracle))
			compare_frames(&r, &frames);
	}
	table_free(&stream);
	table_free(&frames);
	VEC_FREE(&r.messages);
}

/* ---- Reassembly of any protocol ---- */

struct side {
	char ends[128];
	struct stream stream;
	VEC(uint8_t) bytes;
};

struct streams {
	VEC(struct side *) sides;
	struct capture_budget budget;
	int linktype;
};

static void append(void *ctx, const uint8_t *bytes, size_t n, uint32_t lost)
{
	struct side *side = ctx;

	(void)lost; /* the oracle leaves out what is missing, too */
	for (size_t i = 0; i < n; i++)
		VEC_PUSH(&side->bytes, bytes[i]);
}

static struct side *side_of(struct streams *s, const char *ends)
{
	struct side *side;

	for (size_t i = 0; i < s->sides.len; i++) {
		if (strcmp(s->sides.at[i]->ends, ends) == 0)
			return s->sides.at[i];
	}
	side = memory_new(sizeof(*side));
	snprintf(side->ends, sizeof(side->ends), "%s", ends);
	VEC_PUSH(&s->sides, side);
	return side;
}

static void on_segment(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct streams *s = (struct streams *)(void *)user;
	struct wire_in in = wire_in_of(bytes, header->caplen);
	struct packet p = {0};
	struct side *side;
	struct stream_sink sink;
	char ends[128];
	bool carried;

	if (!link_layer_read(s->linktype, NULL, &in, &carried) || !ip_read(in, &p) || p.protocol != 6 ||
	    !tcp_read_header(&p))
		return;
	snprintf(ends, sizeof(ends), "%s\t%u\t%s\t%u", addr_text(&p.src).s, p.src_port, addr_text(&p.dst).s,
		 p.dst_port);
	side = side_of(s, ends);
	sink = (struct stream_sink){append, side};
	if ((p.flags & 2) != 0 && !side->stream.started)
		stream_start(&side->stream, &s->budget, p.seq + 1);
	if (!wire_more(&p.payload))
		return;
	if (!side->stream.started)
		stream_start(&side->stream, &s->budget, p.seq);
	stream_segment(&side->stream, &s->budget, p.seq + ((p.flags & 2) != 0), p.payload.at, wire_left(&p.payload),
		       &sink);
}

static void read_streams(struct streams *s, const char *path)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, why);

	assert_non_null(pcap);
	s->budget.max = (size_t)64 << 20;
	s->linktype = pcap_datalink(pcap);
	assert_int_equal(pcap_loop(pcap, -1, on_segment, (u_char *)s), 0);
	pcap_close(pcap);
}

static void test_reassembly(void **state)
{
	const char *file = *state;
	struct streams s = {0};
	struct table want = {0};
	char path[4096], oracle[4096];

	if (!capture_path(path, file))
		skip();
	read_streams(&s, path);
	snprintf(oracle, sizeof(oracle), "%s/expected/pcap/%s.tcpstreams.tsv", support_shared("corpus"), file);
	assert_true(table_read(&want, oracle));
	for (size_t i = 0; i < want.lines.len; i++) {
		char *const *f = want.lines.at[i].field;
		struct side *side;
		char ends[128], sha[65];

		snprintf(ends, sizeof(ends), "%s\t%s\t%s\t%s", f[1], f[2], f[3], f[4]);
		if (strcmp(f[0], "6") == 0 && strcmp(f[2], "1060") == 0)
			continue; /* inside a sample that sFlow took: pcapplusplus__tcp-reassembly */
		side = side_of(&s, ends);
		while (stream_skip(&side->stream, &s.budget, &(struct stream_sink){append, side}))
			;
		sha256_hex(side->bytes.at, side->bytes.len, sha);
		if (strcmp(sha, f[9]) != 0)
			fail_msg("%s: %zu bytes, want %s less %s", ends, side->bytes.len, f[7], f[8]);
	}
	for (size_t i = 0; i < s.sides.len; i++) {
		stream_clear(&s.sides.at[i]->stream, &s.budget);
		VEC_FREE(&s.sides.at[i]->bytes);
		free(s.sides.at[i]);
	}
	assert_int_equal(s.budget.used, 0);
	VEC_FREE(&s.sides);
	table_free(&want);
}

/* ---- Damage ---- */

static int read_bytes(const char *bytes, size_t n, struct reading *r, struct errmsg *err)
{
	int fd = memfd_create("capture", MFD_CLOEXEC), result;
	char path[64];

	assert_int_equal(write(fd, bytes, n), n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	result = read_capture(path, r, err);
	close(fd);
	return result;
}

static const char *const samples[] = {
	"bgp/packetlife__BGP_MP_NLRI.cap",
	"bgp/eveng__bgp.pcapng",
	"tcp/zeek__handshake-reorder.pcap",
};

/* A file cut anywhere gives the messages up to there, in order, and an error that names the frame. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		char file[256];
		size_t len, before = 0;
		char *bytes;

		snprintf(file, sizeof(file), "corpus/pcap/%s", samples[i]);
		bytes = support_slurp(support_shared(file), &len);
		for (size_t n = 0; n <= len; n++) {
			struct reading r = {0};
			struct errmsg err = {0};
			int result = read_bytes(bytes, n, &r, &err);

			assert_true(result == 0 || err.code < 0);
			if (result < 0 && strstr(err.text, "is no capture file") == NULL &&
			    strstr(err.text, ": frame ") == NULL)
				fail_msg("%s", err.text);
			assert_true(r.messages.len >= before);
			before = r.messages.len;
			VEC_FREE(&r.messages);
		}
		free(bytes);
	}
}

/* Bytes changed at random never hurt us. */
static void test_changed(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		char file[256];
		size_t len;
		char *bytes;

		snprintf(file, sizeof(file), "corpus/pcap/%s", samples[i]);
		bytes = support_slurp(support_shared(file), &len);
		for (unsigned int round = 0; round < 2000; round++) {
			struct reading r = {0};
			struct errmsg err = {0};
			size_t at;
			char was;

			random = random * 1664525U + 1013904223U;
			at = (random >> 8) % len;
			was = bytes[at];
			bytes[at] = (char)(random >> 3);
			(void)read_bytes(bytes, len, &r, &err);
			if (round % 4 != 0) /* damage adds up for a while */
				bytes[at] = was;
			VEC_FREE(&r.messages);
		}
		free(bytes);
	}
}

static void test_damaged(void **state)
{
	struct reading r = {0};
	struct errmsg err = {0};

	(void)state;
	assert_true(read_capture(support_shared("corpus/pcap/damaged/"
						"pcapplusplus__fuzz_clusterfuzz-testcase-minimized-FuzzTarge.pcap"),
				 &r, &err) < 0);
	assert_non_null(strstr(err.text, "FuzzTarge.pcap: frame 2 can't be read: "));
	assert_true(read_capture(support_shared("corpus/README.md"), &r, &err) < 0);
	assert_non_null(strstr(err.text, "README.md is no capture file: "));
	assert_true(read_capture("no/such/file.pcap", &r, &err) == -ENOENT);
	assert_non_null(strstr(err.text, "no/such/file.pcap"));
	VEC_FREE(&r.messages);
}

static void test_sha256(void **state)
{
	static const char million[1000000];
	char got[65];

	(void)state;
	sha256_hex("abc", 3, got); /* FIPS 180-4's own example */
	assert_string_equal(got, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_hex(NULL, 0, got);
	assert_string_equal(got, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256_hex(million, sizeof(million), got); /* from coreutils */
	assert_string_equal(got, "d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025");
}

static void test_absent(void **state)
{
	(void)state;
	(void)support_shared("corpus/README.md");
}

struct tests {
	VEC(struct CMUnitTest) list;
	struct arena arena;
};

/* One test for each file that has an oracle of the kind. */
static void add_files(struct tests *tests, const char *dir, const char *suffix, CMUnitTestFunction fn)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		size_t len = strlen(name), end = strlen(suffix);

		/* libpcap does not uncompress */
		if (len > end && strcmp(name + len - end, suffix) == 0 && strstr(name, ".gz.") == NULL) {
			char *file = arena_strndup(&tests->arena, name, len - end);

			VEC_PUSH(&tests->list,
				 (struct CMUnitTest){.name = file, .test_func = fn, .initial_state = file});
		}
		free(entries[i]);
	}
	free(entries);
}

int main(void)
{
	const char *shared = getenv("ECMPLAB_SHARED");
	struct tests tests = {0};
	char dir[4096];
	int failed;

	snprintf(dir, sizeof(dir), "%s/corpus/expected/pcap", shared != NULL ? shared : "../shared");
	VEC_PUSH(&tests.list, (struct CMUnitTest)cmocka_unit_test(test_sha256));
	VEC_PUSH(&tests.list, (struct CMUnitTest)cmocka_unit_test(test_absent));
	VEC_PUSH(&tests.list, (struct CMUnitTest)cmocka_unit_test(test_damaged));
	VEC_PUSH(&tests.list, (struct CMUnitTest)cmocka_unit_test(test_cut));
	VEC_PUSH(&tests.list, (struct CMUnitTest)cmocka_unit_test(test_changed));
	add_files(&tests, dir, ".stream.tsv", test_bgp);
	add_files(&tests, dir, ".tcpstreams.tsv", test_reassembly);
	failed = _cmocka_run_group_tests("corpus", tests.list.at, tests.list.len, NULL, NULL);
	VEC_FREE(&tests.list);
	arena_clear(&tests.arena);
	return failed;
}
