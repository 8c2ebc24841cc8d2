/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a speaker and its sessions are to be; part of bgp.h. Zero is a sensible value of every field that has no other word. */
#ifndef ECMPLAB_BGP_CONF_H
#define ECMPLAB_BGP_CONF_H

#include "addr.h"

enum bgp_profile {
	BGP_PROFILE_STANDARD,
	BGP_PROFILE_METALLB_LEGACY, /* 0.9 to 0.12: as native, ORIGIN INCOMPLETE */
	BGP_PROFILE_METALLB_NATIVE, /* 0.13 to 0.16 with the native engine */
	BGP_PROFILE_METALLB_FRR,    /* 0.13 to 0.16 with FRR: dials only, announces, takes no routes */
	BGP_PROFILE_COUNT,
};

/* A behaviour that the profile decides unless it is switched (METALLB.md section 11.3). */
enum bgp_switch { BGP_AS_PROFILE, BGP_ON, BGP_OFF };

struct bgp_switches {
	enum bgp_switch enforce_hold;	       /* the peer's silence ends the session */
	enum bgp_switch backoff_reset_at_open; /* of quick_retry; else when the peer takes our OPEN, too */
	enum bgp_switch origin_incomplete;     /* of originated routes */
	enum bgp_switch last_wins;	       /* of two routes of one prefix; else they unite */
	enum bgp_switch local_pref_outside;    /* LOCAL_PREF to external peers too */
	enum bgp_switch end_of_rib;
	enum bgp_switch notifies;
};

struct bgp_speaker_conf {
	uint32_t as;
	uint32_t router_id; /* host order */
	enum bgp_profile profile;
	unsigned int max_paths;	 /* multipath limit of the loc-rib; 0 and 1: best path only */
	bool always_compare_med; /* among paths of different neighbouring ASes, too */
	bool multipath_relax;	 /* AS paths of equal length but other content may share */
	bool readvertise;	 /* a router: passes routes on; a worker does not */
	uint64_t seed;		 /* timer jitter (RFC 4271 section 10) */
	/* RFC 4724 section 4.1: comes back from a restart, the FIB survived; selects no routes before its peers have told
	 * all (bgp_deferring), but at most deferral_s; 0: 360. */
	bool restarting;
	uint32_t deferral_s;
	uint16_t min_origination_s; /* MinASOriginationIntervalTimer, between two commits of routes; 0: none */
	struct bgp_switches switches;
	const char *hostname; /* FRR tells its name; NULL: none; borrowed for the speaker's life */
};

/* RFC 9234 section 4.1: what we are to the peer. */
enum bgp_role { BGP_ROLE_NONE, BGP_ROLE_PROVIDER, BGP_ROLE_RS, BGP_ROLE_RS_CLIENT, BGP_ROLE_CUSTOMER, BGP_ROLE_PEER };

/* RFC 7911 section 4, bits. */
enum bgp_add_path { BGP_ADD_PATH_NONE = 0, BGP_ADD_PATH_RECEIVE = 1, BGP_ADD_PATH_SEND = 2, BGP_ADD_PATH_BOTH = 3 };

/* Which AS the peer may have. */
enum bgp_as_kind { BGP_AS_GIVEN, BGP_AS_INTERNAL, BGP_AS_EXTERNAL };

/* RFC 4724, 8538, 9494. */
struct bgp_restart_conf {
	bool on;	       /* offered, and the peer's routes are kept while it restarts */
	uint16_t time_s;       /* how long the peer shall wait for us; 0: 120 */
	bool forwarding;       /* our FIB outlives the session and the speaker (F bit) */
	bool notification;     /* RFC 8538 (N bit) */
	uint32_t stale_s;      /* a peer that is back has this long until End-of-RIB; 0: 360 */
	uint32_t long_lived_s; /* RFC 9494; 0: not offered */
};

/* Optional session attributes (RFC 4271 section 8.1.1) that differ from what they are without a word: automatic start
 * and stop, damping, and words to a peer that waits for our OPEN are on, the others off. */
struct bgp_session_conf {
	bool no_automatic_start;    /* after a fall it stays in Idle until bgp_peer_start */
	bool no_automatic_stop;	    /* more prefixes than max_prefixes are ignored, the session stands */
	bool no_damping;	    /* IdleHoldTime never doubles */
	bool silent_before_open;    /* no NOTIFICATION before our OPEN */
	bool collision_established; /* section 6.8 in Established too */
	bool track_tcp;		    /* events 14 and 15 for connections that arrive */
	uint16_t mrai_s;	    /* MinRouteAdvertisementIntervalTimer; 0: none */
	uint32_t send_hold_s;	    /* RFC 9687; 0: the greater of 480 and twice the hold time */
};

/* Routes of a family beyond IPv4 and IPv6 unicast are kept and passed on as octets, without their meaning. */
#define BGP_OTHER_FAMILIES 4
struct bgp_family {
	uint16_t afi; /* 0: none */
	uint8_t safi;
};

struct bgp_peer_conf {
	const char *name;  /* borrowed for the speaker's life */
	struct addr local; /* ADDR_NONE: the connection's own (bgp_in_connected says which) */
	struct addr remote;
	uint32_t remote_as;
	bool passive;		  /* waits for the peer to dial */
	uint16_t hold_s;	  /* proposed; 0 disables. Default of the caller's profile: 90 or 240 */
	uint16_t connect_retry_s; /* 0: 120 */
	uint16_t idle_hold_s;	  /* IdleHoldTimer before an automatic restart, doubles with damping; 0: 1 */
	uint16_t delay_open_s;
	uint32_t max_prefixes; /* what the peer may announce before the session ends (Cease), each path of an
				* add-path session counted; 0: two million. Of other families as many octets of
				* NLRI as so many prefixes of 64 */
	/* What we are to this peer, as MetalLB's myASN, localASN and routerID have it; 0: the speaker's. */
	uint32_t local_as, router_id;
	bool both_families; /* for profiles that only offer the family of the peer's address */
	enum bgp_as_kind as_kind;
	struct bgp_session_conf session;
	/* Capabilities beyond the profile's. */
	enum bgp_role role;				      /* external peers only */
	bool role_strict;				      /* a peer without a role is refused */
	bool extended_next_hop;				      /* RFC 8950 */
	struct bgp_family other_families[BGP_OTHER_FAMILIES]; /* a speaker has so many in all */
	enum bgp_add_path add_path_v4, add_path_v6;
	struct bgp_restart_conf restart;
	/* RFC 8212: an external peer without a policy gets and gives no routes. */
	bool requires_policy, import_policy, export_policy;
	/* For misbehaviour: raw capability TLVs put behind ours, and codes left out; both borrowed for the speaker's life.
	 * What is left out is not agreed on either. */
	const uint8_t *extra_capabilities;
	size_t extra_capabilities_len;
	const uint8_t *no_capabilities;
	size_t no_capabilities_count;
};

#endif
