/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A BGP message as one JSON object; part of report.h. */
#ifndef ECMPLAB_REPORT_MESSAGE_H
#define ECMPLAB_REPORT_MESSAGE_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Writes the message of n octets on one line. Numbers are text, as tshark's JSON has them: bgp_type, bgp_len, type; of an
 * OPEN version, as, hold, id, optlen, caps; of an UPDATE wlen, alen, withdrawn, nlri, a key for each attribute known by name,
 * attr_N with its octets for any other, attrs; of a NOTIFICATION code, subcode, data; of a ROUTE-REFRESH afi, subtype,
 * safi. What is wrong with it is the object `error`, with the reaction that RFC 7606 prescribes. What stands behind the message is the list
 * `more`, of such objects. Returns 0, -EBADMSG when it is
 * no message that can be read, or -errno of the output. */
int report_message(FILE *out, const uint8_t *bytes, size_t n, const struct wire_session *session);
/* The same from a line of n characters of hex, which it overwrites. Blanks, punctuation and a 0x mean nothing, a # begins a
 * comment; of a line without digits nothing is written. */
int report_message_line(FILE *out, char *line, size_t n, unsigned long number, const struct wire_session *session);
/* What stands on a line that is no message: {"line": "7", "error": {...}}. */
int report_no_message(FILE *out, unsigned long line, const char *why);

#endif
