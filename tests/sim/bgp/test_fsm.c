/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state machine's table against RFC 4271 section 8.2.2 (and RFC 9687 for event 29), typed from the RFC's text.
 *
 * A cell: what is done, then the state. "-" is no change. In the words of the RFC's lists:
 *   zero, +1, damp   ConnectRetryCounter, and "(optionally) performs peer oscillation damping"
 *   all              stops timers, releases resources and routes, drops the connection
 *   n:x              NOTIFICATION: cease, hold, fsm, msg (what was found in the message), sendhold;
 *                    early-x with SendNOTIFICATIONwithoutOPEN
 *   drop cr dial     drops the connection, ConnectRetryTimer, initiates a connection
 *   open ka take hold  sends OPEN or KEEPALIVE, takes the peer's OPEN, (re)starts HoldTimer
 *   2nd              tracks a second connection
 *   ?name            the RFC says "if"; the sessions' tests look at what follows
 * A "!" in front marks the choices where the text is uneven; those rows must say so, and no others. */
#include "fsm_int.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

#define STAY "-", "-", "-", "-", "-", "-"

static const char *const rfc[FSM_EVENT_COUNT][BGP_STATE_COUNT] = {
	/*		Idle, Connect, Active, OpenSent, OpenConfirm, Established */
	[1] = {"zero cr dial Connect", "-", "-", "-", "-", "-"},
	[2] = {"-", "zero all Idle", "early-cease zero all Idle", "n:cease zero all Idle", "n:cease zero all Idle",
	       "n:cease zero all Idle"},
	[3] = {"zero cr dial Connect", "-", "-", "-", "-", "-"},
	[4] = {"zero cr Active", "-", "-", "-", "-", "-"},
	[5] = {"zero cr Active", "-", "-", "-", "-", "-"},
	[6] = {"cr dial Connect", "-", "-", "-", "-", "-"},
	[7] = {"cr Active", "-", "-", "-", "-", "-"},
	[8] = {"-", "+1 damp all Idle", "+1 damp all Idle", "n:cease +1 damp all Idle", "n:cease +1 damp all Idle",
	       "n:cease +1 damp all Idle"},
	[9] = {"-", "drop cr dial Connect", "cr dial Connect", "n:fsm +1 damp all Idle", "n:fsm +1 damp all Idle",
	       "n:fsm +1 damp all Idle"},
	[10] = {"-", "+1 damp all Idle", "+1 damp all Idle", "n:hold +1 damp all Idle", "n:hold +1 damp all Idle",
		"!n:hold +1 damp all Idle"},
	[11] = {"-", "+1 damp all Idle", "+1 damp all Idle", "n:fsm +1 damp all Idle", "ka OpenConfirm",
		"ka Established"},
	[12] = {"-", "open OpenSent", "open OpenSent", "n:fsm +1 damp all Idle", "n:fsm +1 damp all Idle",
		"n:fsm +1 damp all Idle"},
	[13] = {"?restarted", "+1 damp all Idle", "+1 damp all Idle", "n:fsm +1 damp all Idle",
		"n:fsm +1 damp all Idle", "n:fsm +1 damp all Idle"},
	[14] = {"!-", "-", "-", "2nd OpenSent", "2nd OpenConfirm", "2nd Established"},
	[15] = {STAY},
	[16] = {"-", "?connected", "?connected", "2nd OpenSent", "2nd OpenConfirm", "2nd Established"},
	[17] = {"-", "?connected", "?connected", "2nd OpenSent", "2nd OpenConfirm", "2nd Established"},
	[18] = {"-", "!?connect_failed", "!+1 damp all Idle", "drop cr Active", "+1 damp all Idle", "+1 all Idle"},
	[19] = {"-", "+1 damp all Idle", "+1 damp all Idle", "take ka hold OpenConfirm", "?open_again", "?open_again"},
	[20] = {"-", "open take ka hold OpenConfirm", "open take ka hold OpenConfirm", "n:fsm +1 damp all Idle",
		"n:fsm +1 damp all Idle", "n:fsm +1 damp all Idle"},
	[21] = {"-", "early-msg +1 damp all Idle", "early-msg +1 damp all Idle", "n:msg +1 damp all Idle",
		"n:msg +1 damp all Idle", "!n:msg +1 damp all Idle"},
	[22] = {"-", "early-msg +1 damp all Idle", "early-msg +1 damp all Idle", "n:msg +1 damp all Idle",
		"n:msg +1 damp all Idle", "!n:msg +1 damp all Idle"},
	[23] = {"-", "+1 damp all Idle", "+1 damp all Idle", "n:cease +1 damp all Idle", "n:cease +1 damp all Idle",
		"n:cease +1 damp all Idle"},
	[24] = {"-", "?early_version", "?early_version", "all Idle", "all Idle", "+1 all Idle"},
	[25] = {"-", "+1 damp all Idle", "+1 damp all Idle", "!+1 damp all Idle", "+1 damp all Idle", "+1 all Idle"},
	[26] = {"-", "+1 damp all Idle", "+1 damp all Idle", "n:fsm +1 damp all Idle", "hold Established",
		"hold Established"},
	[27] = {"-", "+1 damp all Idle", "+1 damp all Idle", "n:fsm +1 damp all Idle", "n:fsm +1 damp all Idle",
		"hold routes Established"},
	[28] = {"-", "+1 damp all Idle", "+1 damp all Idle", "n:fsm +1 damp all Idle", "n:fsm +1 damp all Idle",
		"n:msg +1 damp all Idle"},
	[29] = {"-", "+1 damp all Idle", "+1 damp all Idle", "n:fsm +1 damp all Idle", "n:fsm +1 damp all Idle",
		"n:sendhold +1 damp all Idle"},
};

static const struct {
	unsigned int word;
	const char *text;
} words[] = {
	{FSM_NOTIFY_CEASE, "n:cease"},
	{FSM_NOTIFY_HOLD, "n:hold"},
	{FSM_NOTIFY_FSM, "n:fsm"},
	{FSM_NOTIFY_MESSAGE, "n:msg"},
	{FSM_NOTIFY_SEND_HOLD, "n:sendhold"},
	{FSM_EARLY_CEASE, "early-cease"},
	{FSM_EARLY_MESSAGE, "early-msg"},
	{FSM_COUNTER_ZERO, "zero"},
	{FSM_COUNTER_UP, "+1"},
	{FSM_DAMP, "damp"},
	{FSM_DROP, "drop"},
	{FSM_RELEASE, "all"},
	{FSM_RETRY_START, "cr"},
	{FSM_CONNECT, "dial"},
	{FSM_SEND_OPEN, "open"},
	{FSM_TAKE_OPEN, "take"},
	{FSM_SEND_KEEPALIVE, "ka"},
	{FSM_HOLD_RESTART, "hold"},
	{FSM_PROCESS, "routes"},
	{FSM_TRACK, "2nd"},
};

static const struct {
	enum bgp_state (*special)(struct conn *c, const struct fsm_input *in);
	const char *text;
} specials[] = {
	{fsm_restarted, "?restarted"},		 {fsm_connected, "?connected"},
	{fsm_connect_failed, "?connect_failed"}, {fsm_early_version_error, "?early_version"},
	{fsm_open_again, "?open_again"},
};

static void describe(const struct fsm_row *row, enum bgp_state from, char *ret, size_t room)
{
	size_t n = (size_t)snprintf(ret, room, "%s", row->deviates != NULL ? "!" : "");

	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		if (row->special == specials[i].special) {
			snprintf(ret + n, room - n, "%s", specials[i].text);
			return;
		}
	if (row->words == FSM_STAY && row->next == from) {
		snprintf(ret + n, room - n, "-");
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((row->words & words[i].word) != 0)
			n += (size_t)snprintf(ret + n, room - n, "%s ", words[i].text);
	snprintf(ret + n, room - n, "%s", bgp_state_text(row->next));
}

static void test_table(void **state)
{
	unsigned int wrong = 0;

	(void)state;
	for (unsigned int event = 1; event < FSM_EVENT_COUNT; event++) {
		for (unsigned int from = 0; from < BGP_STATE_COUNT; from++) {
			const struct fsm_row *row = &fsm_table[from][event];
			char text[160];

			describe(row, (enum bgp_state)from, text, sizeof(text));
			if (row->clause != NULL && strcmp(text, rfc[event][from]) == 0)
				continue;
			print_error("event %u in %s: want \"%s\", got \"%s\"\n", event,
				    bgp_state_text((enum bgp_state)from), rfc[event][from], text);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* Seven rows for six choices: (e) is two rows. */
static void test_choices(void **state)
{
	unsigned int choices = 0;

	(void)state;
	for (unsigned int event = 1; event < FSM_EVENT_COUNT; event++)
		for (unsigned int from = 0; from < BGP_STATE_COUNT; from++)
			choices += fsm_table[from][event].deviates != NULL;
	assert_int_equal(choices, 7);
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned int event = 1; event < FSM_EVENT_COUNT; event++)
		assert_non_null(fsm_event_text((enum fsm_event)event));
	assert_string_equal(fsm_event_text((enum fsm_event)16), "Tcp_CR_Acked");
	assert_string_equal(fsm_event_text((enum fsm_event)28), "UpdateMsgErr");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
