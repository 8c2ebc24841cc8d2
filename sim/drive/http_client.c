/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drive_int.h"
#include "traffic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct load;

/* A slot carries one connection after another. */
struct slot {
	struct load *load;
	struct traffic_http http;
	struct event *event; /* NULL while idle */
};

struct load {
	struct drive *drive;
	const struct drive_http_load *conf;
	struct drive_http_result result;
	uint32_t started;
	uint32_t open;
	struct errmsg *err;
};

static void slot_next(struct slot *slot);
static void on_ready(evutil_socket_t fd, short what, void *ctx);

static void slot_arm(struct slot *slot)
{
	short want = slot->http.wants_write ? EV_WRITE : EV_READ;

	if (slot->event != NULL)
		event_free(slot->event);
	slot->event = event_new(slot->load->drive->base, slot->http.fd, want, on_ready, slot);
	if (slot->event == NULL)
		memory_exhausted();
	event_add(slot->event, NULL);
}

static void slot_end(struct slot *slot, int error)
{
	struct load *l = slot->load;

	if (slot->event != NULL)
		event_free(slot->event);
	slot->event = NULL;
	if (error == 0) {
		const char *body = strstr(slot->http.body, "\r\n\r\n");

		if (l->result.answered++ == 0 && body != NULL)
			snprintf(l->result.sample, sizeof(l->result.sample), "%.255s", body + 4);
		l->result.ok += slot->http.status == 200;
	} else {
		if (l->result.failed++ == 0)
			l->result.first_error = error;
	}
	traffic_http_close(&slot->http);
	l->open--;
}

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
	struct slot *slot = ctx;

	(void)fd;
	(void)what;
	traffic_http_ready(&slot->http);
	switch (slot->http.state) {
	case TRAFFIC_HTTP_CONNECTING:
	case TRAFFIC_HTTP_READING:
		slot_arm(slot);
		return;
	case TRAFFIC_HTTP_DONE:
		slot_end(slot, 0);
		break;
	case TRAFFIC_HTTP_FAILED:
		slot_end(slot, slot->http.error);
		break;
	}
	slot_next(slot);
}

/* Starts the slot's next connection, if any is left to start. */
static void slot_next(struct slot *slot)
{
	struct load *l = slot->load;
	const struct drive_http_load *conf = l->conf;
	const struct addr any = {0};

	while (l->started < conf->requests) {
		struct net_ns *client = conf->clients[l->started % conf->client_count];
		int r = traffic_http_open(client, &any, &conf->dst, conf->port, &slot->http, l->err);

		l->started++;
		l->open++;
		if (r == 0) {
			slot_arm(slot);
			return;
		}
		slot_end(slot, -r);
	}
}

static void slots_abandon(struct slot *slots, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (slots[i].event != NULL)
			slot_end(&slots[i], ETIMEDOUT);
	}
}

int drive_http_get(struct drive *d, const struct drive_http_load *conf, struct drive_http_result *ret,
		   struct errmsg *err)
{
	struct load l = {.drive = d, .conf = conf, .err = err};
	size_t n = conf->parallel < conf->requests ? conf->parallel : conf->requests;
	struct slot *slots = memory_new((n + 1) * sizeof(*slots));

	for (size_t i = 0; i < n; i++) {
		slots[i] = (struct slot){.load = &l, .http = {.fd = -1}};
		slot_next(&slots[i]);
	}
	while (l.open > 0 && instant_before(drive_now(d), conf->deadline) && drive_wait(d, conf->deadline))
		;
	slots_abandon(slots, n);
	l.result.failed += conf->requests - l.started;
	free(slots);
	*ret = l.result;
	return drive_interrupted(d) ? errmsg_say(err, -EINTR, "interrupted") : 0;
}
