/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 4271 section 8.2.2, one row for each state and event. Every connection has a machine of its own (section 8.2.1):
 * a peer's first is the configured one, which alone knows Idle, Connect and Active; a second lives from OpenSent on, and
 * ends where a row leads below it. */
#include "fsm_int.h"

/* The RFC's three ways into Idle: ConnectRetryCounter zeroed, counted up, or kept. */
#define FALL_ZERO (FSM_RELEASE | FSM_COUNTER_ZERO)
#define FALL_UNDAMPED (FSM_RELEASE | FSM_COUNTER_UP)
#define FALL (FALL_UNDAMPED | FSM_DAMP)
#define FALL_KEEP FSM_RELEASE

#define START (FSM_COUNTER_ZERO | FSM_RETRY_START)
#define CONFIRM (FSM_TAKE_OPEN | FSM_SEND_KEEPALIVE | FSM_HOLD_RESTART)

#define IDLE_TEXT "RFC 4271 section 8.2.2, Idle"
#define CONNECT_TEXT "RFC 4271 section 8.2.2, Connect"
#define ACTIVE_TEXT "RFC 4271 section 8.2.2, Active"
#define OPEN_SENT_TEXT "RFC 4271 section 8.2.2, OpenSent"
#define OPEN_CONFIRM_TEXT "RFC 4271 section 8.2.2, OpenConfirm"
#define ESTABLISHED_TEXT "RFC 4271 section 8.2.2, Established"
#define SEND_HOLD_TEXT "RFC 9687 section 4.3"
#define DAMPING_TEXT "RFC 4271 section 8.1.1"

#define ROW(words_, next_, clause_, ...)                                                                               \
	{                                                                                                              \
		.words = (words_), .next = (next_), .clause = (clause_), ##__VA_ARGS__                                 \
	}

#define STARTS_IGNORED(state, text)                                                                                    \
	[EV_MANUAL_START] = ROW(FSM_STAY, state, text), [EV_AUTOMATIC_START] = ROW(FSM_STAY, state, text),             \
	[EV_MANUAL_START_PASSIVE] = ROW(FSM_STAY, state, text),                                                        \
	[EV_AUTOMATIC_START_PASSIVE] = ROW(FSM_STAY, state, text),                                                     \
	[EV_AUTOMATIC_START_DAMPED] = ROW(FSM_STAY, state, text),                                                      \
	[EV_AUTOMATIC_START_DAMPED_PASSIVE] = ROW(FSM_STAY, state, text)

/* clang-format off */
/* A table is read by columns. */
const struct fsm_row fsm_table[BGP_STATE_COUNT][FSM_EVENT_COUNT] = {
	[BGP_IDLE] = {
		[EV_MANUAL_START]                   = ROW(START | FSM_CONNECT, BGP_CONNECT, IDLE_TEXT),
		[EV_MANUAL_STOP]                    = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_AUTOMATIC_START]                = ROW(START | FSM_CONNECT, BGP_CONNECT, IDLE_TEXT),
		[EV_MANUAL_START_PASSIVE]           = ROW(START, BGP_ACTIVE, IDLE_TEXT),
		[EV_AUTOMATIC_START_PASSIVE]        = ROW(START, BGP_ACTIVE, IDLE_TEXT),
		[EV_AUTOMATIC_START_DAMPED]         = ROW(FSM_RETRY_START | FSM_CONNECT, BGP_CONNECT, DAMPING_TEXT),
		[EV_AUTOMATIC_START_DAMPED_PASSIVE] = ROW(FSM_RETRY_START, BGP_ACTIVE, DAMPING_TEXT),
		[EV_AUTOMATIC_STOP]                 = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_CONNECT_RETRY_EXPIRES]          = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_HOLD_EXPIRES]                   = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_KEEPALIVE_EXPIRES]              = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_DELAY_OPEN_EXPIRES]             = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		/* A local matter: the machine starts again by itself, as event 6 or 7. */
		[EV_IDLE_HOLD_EXPIRES]              = ROW(FSM_STAY, BGP_IDLE, DAMPING_TEXT, .special = fsm_restarted),
		[EV_TCP_VALID]                      = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT, .deviates =
			"not in the list of what Idle ignores (9-12, 15-28); ignored like its neighbours"),
		[EV_TCP_INVALID]                    = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_TCP_ACKED]                      = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_TCP_CONFIRMED]                  = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_TCP_FAILS]                      = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_OPEN]                           = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_OPEN_DELAYED]                   = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_HEADER_ERR]                     = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_OPEN_ERR]                       = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_COLLISION_DUMP]                 = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_NOTIF_VERSION_ERR]              = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_NOTIF]                          = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_KEEPALIVE]                      = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_UPDATE]                         = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_UPDATE_ERR]                     = ROW(FSM_STAY, BGP_IDLE, IDLE_TEXT),
		[EV_SEND_HOLD_EXPIRES]              = ROW(FSM_STAY, BGP_IDLE, SEND_HOLD_TEXT),
	},
	[BGP_CONNECT] = {
		STARTS_IGNORED(BGP_CONNECT, CONNECT_TEXT),
		[EV_MANUAL_STOP]           = ROW(FALL_ZERO, BGP_IDLE, CONNECT_TEXT),
		[EV_AUTOMATIC_STOP]        = ROW(FALL, BGP_IDLE, CONNECT_TEXT),
		[EV_CONNECT_RETRY_EXPIRES] = ROW(FSM_DROP | FSM_RETRY_START | FSM_CONNECT, BGP_CONNECT, CONNECT_TEXT),
		[EV_HOLD_EXPIRES]          = ROW(FALL, BGP_IDLE, CONNECT_TEXT),
		[EV_KEEPALIVE_EXPIRES]     = ROW(FALL, BGP_IDLE, CONNECT_TEXT),
		[EV_DELAY_OPEN_EXPIRES]    = ROW(FSM_SEND_OPEN, BGP_OPEN_SENT, CONNECT_TEXT),
		[EV_IDLE_HOLD_EXPIRES]     = ROW(FALL, BGP_IDLE, CONNECT_TEXT),
		[EV_TCP_VALID]             = ROW(FSM_STAY, BGP_CONNECT, CONNECT_TEXT),
		[EV_TCP_INVALID]           = ROW(FSM_STAY, BGP_CONNECT, CONNECT_TEXT),
		[EV_TCP_ACKED]             = ROW(FSM_STAY, BGP_CONNECT, CONNECT_TEXT, .special = fsm_connected),
		[EV_TCP_CONFIRMED]         = ROW(FSM_STAY, BGP_CONNECT, CONNECT_TEXT, .special = fsm_connected),
		[EV_TCP_FAILS]             = ROW(FSM_STAY, BGP_CONNECT, CONNECT_TEXT, .special = fsm_connect_failed, .deviates =
			"Idle, and not Active as others do: IdleHoldTimer dials again sooner than ConnectRetryTimer"),
		[EV_OPEN]                  = ROW(FALL, BGP_IDLE, CONNECT_TEXT),
		[EV_OPEN_DELAYED]          = ROW(FSM_SEND_OPEN | CONFIRM, BGP_OPEN_CONFIRM, CONNECT_TEXT),
		[EV_HEADER_ERR]            = ROW(FSM_EARLY_MESSAGE | FALL, BGP_IDLE, CONNECT_TEXT),
		[EV_OPEN_ERR]              = ROW(FSM_EARLY_MESSAGE | FALL, BGP_IDLE, CONNECT_TEXT),
		[EV_COLLISION_DUMP]        = ROW(FALL, BGP_IDLE, CONNECT_TEXT),
		[EV_NOTIF_VERSION_ERR]     = ROW(FSM_STAY, BGP_CONNECT, CONNECT_TEXT, .special = fsm_early_version_error),
		[EV_NOTIF]                 = ROW(FALL, BGP_IDLE, CONNECT_TEXT),
		[EV_KEEPALIVE]             = ROW(FALL, BGP_IDLE, CONNECT_TEXT),
		[EV_UPDATE]                = ROW(FALL, BGP_IDLE, CONNECT_TEXT),
		[EV_UPDATE_ERR]            = ROW(FALL, BGP_IDLE, CONNECT_TEXT),
		[EV_SEND_HOLD_EXPIRES]     = ROW(FALL, BGP_IDLE, SEND_HOLD_TEXT),
	},
	[BGP_ACTIVE] = {
		STARTS_IGNORED(BGP_ACTIVE, ACTIVE_TEXT),
		[EV_MANUAL_STOP]           = ROW(FSM_EARLY_CEASE | FALL_ZERO, BGP_IDLE, ACTIVE_TEXT),
		[EV_AUTOMATIC_STOP]        = ROW(FALL, BGP_IDLE, ACTIVE_TEXT),
		[EV_CONNECT_RETRY_EXPIRES] = ROW(FSM_RETRY_START | FSM_CONNECT, BGP_CONNECT, ACTIVE_TEXT),
		[EV_HOLD_EXPIRES]          = ROW(FALL, BGP_IDLE, ACTIVE_TEXT),
		[EV_KEEPALIVE_EXPIRES]     = ROW(FALL, BGP_IDLE, ACTIVE_TEXT),
		[EV_DELAY_OPEN_EXPIRES]    = ROW(FSM_SEND_OPEN, BGP_OPEN_SENT, ACTIVE_TEXT),
		[EV_IDLE_HOLD_EXPIRES]     = ROW(FALL, BGP_IDLE, ACTIVE_TEXT),
		[EV_TCP_VALID]             = ROW(FSM_STAY, BGP_ACTIVE, ACTIVE_TEXT),
		[EV_TCP_INVALID]           = ROW(FSM_STAY, BGP_ACTIVE, ACTIVE_TEXT),
		[EV_TCP_ACKED]             = ROW(FSM_STAY, BGP_ACTIVE, ACTIVE_TEXT, .special = fsm_connected),
		[EV_TCP_CONFIRMED]         = ROW(FSM_STAY, BGP_ACTIVE, ACTIVE_TEXT, .special = fsm_connected),
		[EV_TCP_FAILS]             = ROW(FALL, BGP_IDLE, ACTIVE_TEXT, .deviates =
			"restarts ConnectRetryTimer on the way to Idle, which ignores it; ours stays stopped"),
		[EV_OPEN]                  = ROW(FALL, BGP_IDLE, ACTIVE_TEXT),
		[EV_OPEN_DELAYED]          = ROW(FSM_SEND_OPEN | CONFIRM, BGP_OPEN_CONFIRM, ACTIVE_TEXT),
		[EV_HEADER_ERR]            = ROW(FSM_EARLY_MESSAGE | FALL, BGP_IDLE, ACTIVE_TEXT),
		[EV_OPEN_ERR]              = ROW(FSM_EARLY_MESSAGE | FALL, BGP_IDLE, ACTIVE_TEXT),
		[EV_COLLISION_DUMP]        = ROW(FALL, BGP_IDLE, ACTIVE_TEXT),
		[EV_NOTIF_VERSION_ERR]     = ROW(FSM_STAY, BGP_ACTIVE, ACTIVE_TEXT, .special = fsm_early_version_error),
		[EV_NOTIF]                 = ROW(FALL, BGP_IDLE, ACTIVE_TEXT),
		[EV_KEEPALIVE]             = ROW(FALL, BGP_IDLE, ACTIVE_TEXT),
		[EV_UPDATE]                = ROW(FALL, BGP_IDLE, ACTIVE_TEXT),
		[EV_UPDATE_ERR]            = ROW(FALL, BGP_IDLE, ACTIVE_TEXT),
		[EV_SEND_HOLD_EXPIRES]     = ROW(FALL, BGP_IDLE, SEND_HOLD_TEXT),
	},
	[BGP_OPEN_SENT] = {
		STARTS_IGNORED(BGP_OPEN_SENT, OPEN_SENT_TEXT),
		[EV_MANUAL_STOP]           = ROW(FSM_NOTIFY_CEASE | FALL_ZERO, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_AUTOMATIC_STOP]        = ROW(FSM_NOTIFY_CEASE | FALL, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_CONNECT_RETRY_EXPIRES] = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_HOLD_EXPIRES]          = ROW(FSM_NOTIFY_HOLD | FALL, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_KEEPALIVE_EXPIRES]     = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_DELAY_OPEN_EXPIRES]    = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_IDLE_HOLD_EXPIRES]     = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_TCP_VALID]             = ROW(FSM_TRACK, BGP_OPEN_SENT, OPEN_SENT_TEXT),
		[EV_TCP_INVALID]           = ROW(FSM_STAY, BGP_OPEN_SENT, OPEN_SENT_TEXT),
		[EV_TCP_ACKED]             = ROW(FSM_TRACK, BGP_OPEN_SENT, OPEN_SENT_TEXT),
		[EV_TCP_CONFIRMED]         = ROW(FSM_TRACK, BGP_OPEN_SENT, OPEN_SENT_TEXT),
		[EV_TCP_FAILS]             = ROW(FSM_DROP | FSM_RETRY_START, BGP_ACTIVE, OPEN_SENT_TEXT),
		[EV_OPEN]                  = ROW(CONFIRM, BGP_OPEN_CONFIRM, OPEN_SENT_TEXT),
		[EV_OPEN_DELAYED]          = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_HEADER_ERR]            = ROW(FSM_NOTIFY_MESSAGE | FALL, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_OPEN_ERR]              = ROW(FSM_NOTIFY_MESSAGE | FALL, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_COLLISION_DUMP]        = ROW(FSM_NOTIFY_CEASE | FALL, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_NOTIF_VERSION_ERR]     = ROW(FALL_KEEP, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_NOTIF]                 = ROW(FALL, BGP_IDLE, OPEN_SENT_TEXT, .deviates =
			"answers a NOTIFICATION with a NOTIFICATION (code 5); we close without"),
		[EV_KEEPALIVE]             = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_UPDATE]                = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_UPDATE_ERR]            = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_SENT_TEXT),
		[EV_SEND_HOLD_EXPIRES]     = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, SEND_HOLD_TEXT),
	},
	[BGP_OPEN_CONFIRM] = {
		STARTS_IGNORED(BGP_OPEN_CONFIRM, OPEN_CONFIRM_TEXT),
		[EV_MANUAL_STOP]           = ROW(FSM_NOTIFY_CEASE | FALL_ZERO, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_AUTOMATIC_STOP]        = ROW(FSM_NOTIFY_CEASE | FALL, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_CONNECT_RETRY_EXPIRES] = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_HOLD_EXPIRES]          = ROW(FSM_NOTIFY_HOLD | FALL, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_KEEPALIVE_EXPIRES]     = ROW(FSM_SEND_KEEPALIVE, BGP_OPEN_CONFIRM, OPEN_CONFIRM_TEXT),
		[EV_DELAY_OPEN_EXPIRES]    = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_IDLE_HOLD_EXPIRES]     = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_TCP_VALID]             = ROW(FSM_TRACK, BGP_OPEN_CONFIRM, OPEN_CONFIRM_TEXT),
		[EV_TCP_INVALID]           = ROW(FSM_STAY, BGP_OPEN_CONFIRM, OPEN_CONFIRM_TEXT),
		[EV_TCP_ACKED]             = ROW(FSM_TRACK, BGP_OPEN_CONFIRM, OPEN_CONFIRM_TEXT),
		[EV_TCP_CONFIRMED]         = ROW(FSM_TRACK, BGP_OPEN_CONFIRM, OPEN_CONFIRM_TEXT),
		[EV_TCP_FAILS]             = ROW(FALL, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_OPEN]                  = ROW(FSM_STAY, BGP_OPEN_CONFIRM, OPEN_CONFIRM_TEXT, .special = fsm_open_again),
		[EV_OPEN_DELAYED]          = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_HEADER_ERR]            = ROW(FSM_NOTIFY_MESSAGE | FALL, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_OPEN_ERR]              = ROW(FSM_NOTIFY_MESSAGE | FALL, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_COLLISION_DUMP]        = ROW(FSM_NOTIFY_CEASE | FALL, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_NOTIF_VERSION_ERR]     = ROW(FALL_KEEP, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_NOTIF]                 = ROW(FALL, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_KEEPALIVE]             = ROW(FSM_HOLD_RESTART, BGP_ESTABLISHED, OPEN_CONFIRM_TEXT),
		[EV_UPDATE]                = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_UPDATE_ERR]            = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, OPEN_CONFIRM_TEXT),
		[EV_SEND_HOLD_EXPIRES]     = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, SEND_HOLD_TEXT),
	},
	[BGP_ESTABLISHED] = {
		STARTS_IGNORED(BGP_ESTABLISHED, ESTABLISHED_TEXT),
		[EV_MANUAL_STOP]           = ROW(FSM_NOTIFY_CEASE | FALL_ZERO, BGP_IDLE, ESTABLISHED_TEXT),
		[EV_AUTOMATIC_STOP]        = ROW(FSM_NOTIFY_CEASE | FALL, BGP_IDLE, ESTABLISHED_TEXT),
		[EV_CONNECT_RETRY_EXPIRES] = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, ESTABLISHED_TEXT),
		[EV_HOLD_EXPIRES]          = ROW(FSM_NOTIFY_HOLD | FALL, BGP_IDLE, ESTABLISHED_TEXT, .deviates =
			"leaves out the deletion of routes that its neighbours have; we delete them"),
		[EV_KEEPALIVE_EXPIRES]     = ROW(FSM_SEND_KEEPALIVE, BGP_ESTABLISHED, ESTABLISHED_TEXT),
		[EV_DELAY_OPEN_EXPIRES]    = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, ESTABLISHED_TEXT),
		[EV_IDLE_HOLD_EXPIRES]     = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, ESTABLISHED_TEXT),
		[EV_TCP_VALID]             = ROW(FSM_TRACK, BGP_ESTABLISHED, ESTABLISHED_TEXT),
		[EV_TCP_INVALID]           = ROW(FSM_STAY, BGP_ESTABLISHED, ESTABLISHED_TEXT),
		[EV_TCP_ACKED]             = ROW(FSM_TRACK, BGP_ESTABLISHED, ESTABLISHED_TEXT),
		[EV_TCP_CONFIRMED]         = ROW(FSM_TRACK, BGP_ESTABLISHED, ESTABLISHED_TEXT),
		[EV_TCP_FAILS]             = ROW(FALL_UNDAMPED, BGP_IDLE, ESTABLISHED_TEXT),
		[EV_OPEN]                  = ROW(FSM_STAY, BGP_ESTABLISHED, ESTABLISHED_TEXT, .special = fsm_open_again),
		[EV_OPEN_DELAYED]          = ROW(FSM_NOTIFY_FSM | FALL, BGP_IDLE, ESTABLISHED_TEXT),
		[EV_HEADER_ERR]            = ROW(FSM_NOTIFY_MESSAGE | FALL, BGP_IDLE, ESTABLISHED_TEXT, .deviates =
			"says FSM error where section 6.1 says Message Header Error; we send what was found"),
		[EV_OPEN_ERR]              = ROW(FSM_NOTIFY_MESSAGE | FALL, BGP_IDLE, ESTABLISHED_TEXT, .deviates =
			"says FSM error where section 6.2 says OPEN Message Error; we send what was found"),
		[EV_COLLISION_DUMP]        = ROW(FSM_NOTIFY_CEASE | FALL, BGP_IDLE, ESTABLISHED_TEXT),
		[EV_NOTIF_VERSION_ERR]     = ROW(FALL_UNDAMPED, BGP_IDLE, ESTABLISHED_TEXT),
		[EV_NOTIF]                 = ROW(FALL_UNDAMPED, BGP_IDLE, ESTABLISHED_TEXT),
		[EV_KEEPALIVE]             = ROW(FSM_HOLD_RESTART, BGP_ESTABLISHED, ESTABLISHED_TEXT),
		[EV_UPDATE]                = ROW(FSM_HOLD_RESTART | FSM_PROCESS, BGP_ESTABLISHED, ESTABLISHED_TEXT),
		[EV_UPDATE_ERR]            = ROW(FSM_NOTIFY_MESSAGE | FALL, BGP_IDLE, ESTABLISHED_TEXT),
		[EV_SEND_HOLD_EXPIRES]     = ROW(FSM_NOTIFY_SEND_HOLD | FALL, BGP_IDLE, SEND_HOLD_TEXT),
	},
};
/* clang-format on */

const char *fsm_event_text(enum fsm_event event)
{
	/* Section 8.1's names. */
	static const char *const texts[FSM_EVENT_COUNT] = {
		[EV_MANUAL_START] = "ManualStart",
		[EV_MANUAL_STOP] = "ManualStop",
		[EV_AUTOMATIC_START] = "AutomaticStart",
		[EV_MANUAL_START_PASSIVE] = "ManualStart_with_PassiveTcpEstablishment",
		[EV_AUTOMATIC_START_PASSIVE] = "AutomaticStart_with_PassiveTcpEstablishment",
		[EV_AUTOMATIC_START_DAMPED] = "AutomaticStart_with_DampPeerOscillations",
		[EV_AUTOMATIC_START_DAMPED_PASSIVE] =
			"AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment",
		[EV_AUTOMATIC_STOP] = "AutomaticStop",
		[EV_CONNECT_RETRY_EXPIRES] = "ConnectRetryTimer_Expires",
		[EV_HOLD_EXPIRES] = "HoldTimer_Expires",
		[EV_KEEPALIVE_EXPIRES] = "KeepaliveTimer_Expires",
		[EV_DELAY_OPEN_EXPIRES] = "DelayOpenTimer_Expires",
		[EV_IDLE_HOLD_EXPIRES] = "IdleHoldTimer_Expires",
		[EV_TCP_VALID] = "TcpConnection_Valid",
		[EV_TCP_INVALID] = "Tcp_CR_Invalid",
		[EV_TCP_ACKED] = "Tcp_CR_Acked",
		[EV_TCP_CONFIRMED] = "TcpConnectionConfirmed",
		[EV_TCP_FAILS] = "TcpConnectionFails",
		[EV_OPEN] = "BGPOpen",
		[EV_OPEN_DELAYED] = "BGPOpen with DelayOpenTimer running",
		[EV_HEADER_ERR] = "BGPHeaderErr",
		[EV_OPEN_ERR] = "BGPOpenMsgErr",
		[EV_COLLISION_DUMP] = "OpenCollisionDump",
		[EV_NOTIF_VERSION_ERR] = "NotifMsgVerErr",
		[EV_NOTIF] = "NotifMsg",
		[EV_KEEPALIVE] = "KeepAliveMsg",
		[EV_UPDATE] = "UpdateMsg",
		[EV_UPDATE_ERR] = "UpdateMsgErr",
		[EV_SEND_HOLD_EXPIRES] = "SendHoldTimer_Expires",
	};

	return texts[event];
}
