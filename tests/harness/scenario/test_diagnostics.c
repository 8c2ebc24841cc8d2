/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with a scenario is said with place, words and help: one row a mistake, its place counted by hand. */
#include "row.h"
#include "scenario.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct row scenarios[] = {
	{"addr len",
	 "lab:\n"
	 "  workers: {first: 10.0.0.51/24}\n",
	 1, 2, 20, 12, "first: \"10.0.0.51/24\" is no IP address", "leave out the \"/24\""},
	{"alias bomb",
	 "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	 "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
	 "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
	 "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
	 "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
	 1, 5, 29, 2, "too many values in one file", "at most 100000, aliases counted as often as they are used"},
	{"bad addr",
	 "lab:\n"
	 "  workers: {first: 10.0.0.256}\n",
	 1, 2, 20, 10, "first: \"10.0.0.256\" is no IP address", NULL},
	{"upstream alone",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - hash: {on: upstream, seed: 3}\n",
	 1, 4, 16, 8, "the lab has no upstream", "write lab: {upstream: {routers: 2}}"},
	{"upstream network",
	 "lab:\n"
	 "  upstream: {network: 10.0.0.128/26}\n",
	 1, 2, 23, 13, "upstream.network 10.0.0.128/26 overlaps 10.0.0.0/24", NULL},
	{"upstream of the other family",
	 "lab:\n"
	 "  networks: {family: ipv6}\n"
	 "  upstream: {network: 192.168.255.0/24}\n",
	 1, 3, 23, 16, "upstream.network: an IPv6 network, as the lab's are, from /32 to /123", NULL},
	{"upstream network of IPv6",
	 "lab:\n"
	 "  networks: {family: ipv6, clients: \"fd00:255::/48\"}\n"
	 "  upstream: {routers: 2}\n",
	 1, 3, 13, 1, "upstream.network fd00:255::/64 overlaps fd00:255::/48", NULL},
	{"upstream one",
	 "lab:\n"
	 "  upstream: {routers: 1}\n",
	 1, 2, 23, 1, "routers: 1 is not a whole number from 2 to 8", NULL},
	{"upstream daemon",
	 "lab:\n"
	 "  router: {daemon: gobgp}\n"
	 "  upstream: {routers: 2}\n",
	 1, 2, 12, 6,
	 "daemon: not with lab.upstream: below lab.upstream a router forwards, and this one installs no routes in "
	 "Linux's kernel",
	 "leave out one of the two"},
	{"upstream meets",
	 "lab:\n"
	 "  control_plane: 10.0.0.2\n"
	 "  upstream: {routers: 2}\n",
	 1, 3, 13, 1, "upstream: 2 routers from 10.0.0.1 on meet other nodes' addresses", NULL},
	{"bad companion",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - expect: {sessions: established, detect: 25%}\n",
	 1, 4, 37, 6, "\"detect\" has no meaning beside \"sessions\"", NULL},
	{"bad net",
	 "lab:\n"
	 "  networks: {cluster: 10.0.0.0}\n",
	 1, 2, 23, 8, "cluster: \"10.0.0.0\" is no network", "write its length behind it: 10.0.0.0/24"},
	{"bad port",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - http: {service: nginx, port: 8080}\n",
	 1, 4, 34, 4, "service nginx has no port 8080", "its first one is 80"},
	{"bad vary",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - flows: {service: nginx, vary: [source_port]}\n",
	 1, 4, 36, 11, "vary can't be \"source_port\"", "did you mean \"src_port\"?"},
	{"bare duration",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - expect: {sessions: established, within: 3}\n",
	 1, 4, 45, 1, "within: \"3\" is no duration", "write its unit: 3s"},
	{"bird syntax",
	 "lab:\n"
	 "  router: {daemon: bird2, config: bird.conf}\n",
	 1, 2, 35, 9, "DIR/bird.conf is written for BIRD 1 (line 3)", "write daemon: bird1"},
	{"builtin config",
	 "lab:\n"
	 "  router: {config: m.yaml}\n",
	 1, 2, 20, 6, "the built-in router takes no configuration file",
	 "write daemon: bird, which runs the BIRD that the file's syntax is for"},
	{"clash client",
	 "lab:\n"
	 "  router: {addresses: {clients: 172.16.0.11}}\n"
	 "  clients: {count: 3}\n",
	 1, 3, 20, 1, "clients 172.16.0.10-172.16.0.12 and the router 172.16.0.11 have an address in common",
	 "move one of them"},
	{"clash cp",
	 "lab:\n"
	 "  workers: {count: 5, first: 10.0.0.8}\n",
	 1, 2, 30, 8, "workers 10.0.0.8-10.0.0.12 and the control plane 10.0.0.10 have an address in common",
	 "move one of them"},
	{"clash router",
	 "lab:\n"
	 "  workers: {count: 3, first: 10.0.0.1}\n",
	 1, 2, 30, 8, "workers 10.0.0.1-10.0.0.3 and the router 10.0.0.1 have an address in common",
	 "move one of them"},
	{"comment only", "# nothing\n", 1, 1, 1, 1, "the file is empty: no scenario in it",
	 "the shortest one is lab: {manifests: [...]}"},
	{"deep", "a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n", 1, 1, 35, 1,
	 "values nest too deeply", NULL},
	{"delete typo",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - delete: servce/nginx\n",
	 1, 4, 13, 12, "can't delete a \"servce\"", "did you mean \"service\"?"},
	{"deleted service",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - delete: service/nginx\n"
	 "  - http: {service: nginx}\n",
	 1, 5, 21, 5, "Service \"nginx\" is deleted", "a step before this one deletes it"},
	{"dup",
	 "lab:\n"
	 "  workers: {count: 3}\n"
	 "  workers: {count: 4}\n",
	 1, 3, 3, 7, "\"workers\" is here twice", "it stands in line 2 already; keep one"},
	{"empty", "", 1, 1, 1, 1, "the file is empty", NULL},
	{"escape", "lab: {\"a\\e[31m\": 1}\n", 1, 1, 7, 9, "lab has no key \"a?[31m\"",
	 "known: networks, router, upstream, control_plane, workers, clients, manifests, faults"},
	{"exec node",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - exec: {on: wroker1, run: [id]}\n",
	 1, 4, 16, 7, "the lab has no node \"wroker1\"", "did you mean \"worker1\"?"},
	{"fault how",
	 "lab:\n"
	 "  faults: [{worker: 1, how: slient}]\n",
	 1, 2, 29, 6, "how can't be \"slient\"", "did you mean \"silent\"?"},
	{"fault worker",
	 "lab:\n"
	 "  faults: [{worker: 7, how: silent}]\n",
	 1, 2, 21, 1, "the lab has no worker \"7\"", "it has worker1 to worker3"},
	{"flow open", "lab: {workers: {count: 3}\n", 1, 2, 1, 1, "this is not YAML: missing comma in flow mapping",
	 "the mistake may be before: the last value read is in line 1"},
	{"for in expect",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - expect: {sessions: established, for: 2s}\n",
	 1, 4, 37, 3, "\"for\" belongs to never", "here it is within: 2s"},
	{"for zero",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - never: {service: nginx, announced_by: all, for: 0s}\n",
	 1, 4, 53, 2, "for: must be more than 0", NULL},
	{"list top", "- lab\n", 1, 1, 1, 1, "a scenario: expected a mapping, found a list", NULL},
	{"lost step",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - http:\n"
	 "    service: nginx\n",
	 1, 5, 5, 7, "the indentation was lost: \"http\" is empty and \"service\" stands beside it",
	 "indent line 5 by two more, and those that belong to http"},
	{"malformed case",
	 "steps:\n"
	 "  - malformed: {case: [bad_marker, bad_market]}\n",
	 1, 2, 36, 10, "there is no case \"bad_market\"", "did you mean \"bad_marker\"?"},
	{"malformed none", "steps:\n  - malformed: {within: 3s}\n", 1, 2, 16, 1, "malformed needs \"case\"", NULL},
	{"malformed peering",
	 "lab: {workers: {count: 1}}\nsteps:\n"
	 "  - malformed: {case: local_pref_short}\n",
	 1, 3, 23, 16, "local_pref_short is for peers within one AS",
	 "the router's AS is lab.router.as, the workers' lab.workers.as"},
	{"send pace",
	 "lab: {workers: {count: 1}}\nsteps:\n"
	 "  - send: {hex: ff, expect: closes, every: 1500us}\n",
	 1, 3, 44, 6, "every: whole milliseconds, a minute at most", NULL},
	{"malformed speakers",
	 "lab:\n"
	 "  manifests: [old.yaml]\n"
	 "steps:\n"
	 "  - malformed: {case: bad_marker}\n",
	 1, 4, 16, 1, "the workers have speakers of their own", "leave the BGP peers out of lab.manifests"},
	{"malformed workers",
	 "lab:\n"
	 "  workers: {count: 2}\n"
	 "steps:\n"
	 "  - malformed: {case: [hold_1, hold_2], worker: worker2}\n",
	 1, 4, 16, 1, "malformed: 2 cases need a worker each, and from worker2 on there are 1",
	 "write lab.workers: {count: 3}"},
	{"metallb mismatch",
	 "lab:\n"
	 "  workers: {metallb: native}\n"
	 "  manifests: [old.yaml]\n",
	 1, 1, 15, 1, "MetalLB 0.13 and later do not read this form of configuration",
	 "write workers: {metallb: legacy}, or leave metallb out"},
	{"legacy extras",
	 "lab:\n"
	 "  workers: {metallb: legacy}\n"
	 "  manifests: [extras.yaml]\n",
	 1, 1, 1, 1, "MetalLB before 0.13 knows no bgpextras",
	 "write workers: {metallb: frr, speaker: frr}, and all of its configuration in custom resources"},
	{"missing manifest",
	 "lab:\n"
	 "  manifests: [ngnix.yaml]\n"
	 "steps: []\n",
	 1, 2, 15, 10, "manifests: can't read DIR/ngnix.yaml: No such file or directory",
	 "did you mean \"nginx.yaml\"?"},
	{"name bad",
	 "name: a/b\n"
	 "lab: {}\n",
	 1, 1, 7, 3, "name: \"a/b\" is no name for a scenario",
	 "letters, digits, '.', '_' and '-', at most 63; it names the run's folder"},
	{"net overlap",
	 "lab:\n"
	 "  networks: {cluster: 10.96.1.0/24}\n",
	 1, 2, 3, 8, "networks.services 10.96.0.0/12 overlaps networks.cluster 10.96.1.0/24", NULL},
	{"net v6",
	 "lab:\n"
	 "  networks: {cluster: 10.0.0.0/24, clients: 2001:db8::/64}\n",
	 1, 2, 45, 13, "networks.clients: 2001:db8::/64 is not of the family of networks.cluster 10.0.0.0/24",
	 "a lab is of one family: family: ipv6 makes all four IPv6"},
	{"v6 services",
	 "lab:\n"
	 "  networks: {family: ipv6, services: fd00:96::/64}\n",
	 1, 2, 38, 12, "networks.services: the length must be from /108 to /124", NULL},
	{"v6 overlap",
	 "lab:\n"
	 "  networks: {cluster: 'fd00:172::/96'}\n",
	 1, 2, 3, 8, "networks.clients fd00:172::/64 overlaps networks.cluster fd00:172::/96", NULL},
	{"v6 native",
	 "lab:\n"
	 "  networks: {family: ipv6}\n"
	 "  workers: {metallb: native}\n",
	 1, 3, 12, 1, "MetalLB announces IPv6 in its FRR mode alone", "write workers: {metallb: frr}"},
	{"v6 malformed",
	 "lab:\n"
	 "  networks: {family: ipv6}\n"
	 "steps:\n"
	 "  - malformed: {case: all}\n",
	 1, 4, 16, 1, "peers misbehave over IPv4 alone, and this lab's networks are IPv6", NULL},
	{"never spread",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - http: {}\n"
	 "  - never: {spread: equal, for: 1s}\n",
	 1, 5, 13, 6, "never has no meaning with \"spread\"", "it is judged once, after the traffic: use expect"},
	{"never within",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - never: {service: nginx, announced_by: all, within: 2h}\n",
	 2, 4, 48, 6, "\"within\" has no meaning in never", "write for: how long it must not happen"},
	{"never without for",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - never: {service: nginx, announced_by: all}\n",
	 1, 4, 12, 1, "never needs \"for\"", "such as for: 2s, how long it must not happen"},
	{"not utf8",
	 "lab:\n"
	 "  name: \344\n",
	 1, 2, 9, 1, "byte 0xe4 is not UTF-8 text", "save the file as UTF-8"},
	{"nothing",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - expect: {within: 1s}\n",
	 1, 4, 13, 1, "expect: nothing to look for",
	 "write one of sessions, announced_by, withdrawn_by, next_hops, bfd, http, spread, packets, moved_flows, "
	 "stages, paths, no_packet_on, first_packet_on, connections"},
	{"nothing at all", "name: a\n", 1, 1, 1, 1, "a scenario needs \"lab\" or \"steps\"",
	 "the shortest one is lab: {manifests: [...]}"},
	{"null lab",
	 "lab:\n"
	 "steps: []\n",
	 1, 1, 1, 3, "lab: expected a mapping, found nothing", NULL},
	{"octal",
	 "lab:\n"
	 "  workers: {count: 03}\n",
	 1, 2, 20, 2, "count: a number must not begin with 0", "some readers take 03 for an octal number"},
	{"outside",
	 "lab:\n"
	 "  workers: {count: 3, first: 10.0.1.51}\n",
	 1, 2, 30, 9, "3 workers from 10.0.1.51 to 10.0.1.53 do not fit into 10.0.0.0/24",
	 "take fewer, begin earlier (first:) or give the network a shorter length"},
	{"pods room",
	 "lab:\n"
	 "  networks: {cluster: 10.0.0.0/20}\n"
	 "  workers: {count: 300}\n",
	 1, 2, 3, 8, "301 nodes need 256 pod addresses each, and 10.244.0.0/16 has room for 256",
	 "write networks: {pods: 10.240.0.0/12}"},
	{"port flows",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - flows: {service: nginx, count: 100000}\n",
	 1, 4, 36, 6, "count: one port has room for 64512 different flows", "vary src_addr or dst_addr as well"},
	{"quoted number",
	 "lab:\n"
	 "  workers: {count: \"3\"}\n",
	 1, 2, 20, 3, "count: expected a number, found text", "take the quotes away"},
	{"range",
	 "lab:\n"
	 "  workers: {count: 1001}\n",
	 1, 2, 20, 4, "count: 1001 is not a whole number from 1 to 1000", NULL},
	{"scale unknown",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - scale: {deployment: ngin, replicas: 1}\n",
	 1, 4, 25, 4, "no Deployment \"ngin\" in the manifests up to here", "did you mean \"nginx\"?"},
	{"self", "a: &x [*x]\n", 1, 1, 8, 2, "no complete anchor named \"x\" before this alias", NULL},
	{"send hex", "steps:\n  - send: {hex: 0g, expect: stays}\n", 1, 2, 17, 2,
	 "hex: character 1: neither hex nor a known word",
	 "such as \"<02 [] [{origin}{path}{nh}] {nlri}>\", or plain hex"},
	{"send nothing", "steps:\n  - send: {hex: '', expect: stays}\n", 1, 2, 17, 1, "hex: no octets",
	 "such as \"<02 [] [{origin}{path}{nh}] {nlri}>\", or plain hex"},
	{"send reaction", "steps:\n  - send: {hex: 00, expect: notification 300}\n", 1, 2, 29, 16,
	 "expect: \"notification 300\" is no reaction",
	 "one of notification CODE/SUBCODE, closes, stays, withdrawn, installed"},
	{"spread first",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - expect: {spread: equal}\n",
	 1, 4, 14, 6, "no flows or http step before this one", "begin with - flows: {service: ...}"},
	{"tab",
	 "lab:\n"
	 "\tworkers: {count: 3}\n",
	 1, 2, 1, 1, "a tab indents this line; YAML allows only spaces there", "replace the tab by spaces"},
	{"too many",
	 "lab:\n"
	 "  networks: {pods: 10.240.0.0/12}\n"
	 "  workers: {count: 300}\n",
	 1, 3, 20, 3, "300 workers from 10.0.0.51 to 10.0.1.94 do not fit into 10.0.0.0/24",
	 "take fewer, begin earlier (first:) or give the network a shorter length"},
	{"twice",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - expect: {service: nginx, next_hops: [worker1, 10.0.0.51]}\n",
	 1, 4, 51, 9, "next_hops: worker1 is here twice", NULL},
	{"two documents",
	 "lab: {}\n"
	 "---\n"
	 "lab: {}\n",
	 1, 3, 1, 1, "a second document: a scenario is one", "leave out the line ---"},
	{"two forms",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - expect: {service: nginx, next_hops: all, announced_by: all}\n",
	 1, 4, 30, 9, "\"announced_by\" and \"next_hops\" in one step", "make it two steps"},
	{"two keys",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - apply: m.yaml\n"
	 "    http: {service: nginx}\n",
	 1, 5, 5, 4, "a step has one key, this is its second", "begin a new step: - http: ..."},
	{"bfd key",
	 "lab:\n"
	 "  router: {bfd: {transmitt: 100ms}}\n",
	 1, 2, 18, 9, "router.bfd has no key \"transmitt\"", "did you mean \"transmit\"?"},
	{"bfd interval",
	 "lab:\n"
	 "  router: {bfd: {receive: 5ms}}\n",
	 1, 2, 27, 3, "receive: whole milliseconds from 10ms to 60s", NULL},
	{"bfd multiplier",
	 "lab:\n"
	 "  router: {bfd: {multiplier: 1}}\n",
	 1, 2, 30, 1, "multiplier: 1 is not a whole number from 2 to 255", NULL},
	{"bfd of no word",
	 "lab:\n"
	 "  router: {bfd: fast}\n",
	 1, 2, 17, 4, "bfd: expected true or false, found text", NULL},
	{"bfd of gobgp",
	 "lab:\n"
	 "  router: {daemon: gobgp, bfd: true}\n",
	 1, 2, 27, 3, "GoBGP has no bfd", NULL},
	{"bfd nowhere",
	 "lab: {}\n"
	 "steps:\n"
	 "  - expect: {bfd: up}\n",
	 1, 3, 14, 3, "the router speaks no BFD", "write router: {bfd: true}"},
	{"bfd state",
	 "lab: {router: {bfd: true}}\n"
	 "steps:\n"
	 "  - expect: {bfd: upp}\n",
	 1, 3, 19, 3, "bfd can't be \"upp\"", "did you mean \"up\"?"},
	{"hold between",
	 "lab:\n"
	 "  router: {hold: 2s}\n",
	 1, 2, 18, 2, "hold: 0s, or whole seconds from 3s to 65535s", "0s switches the hold timer off"},
	{"restart time",
	 "lab:\n"
	 "  router: {graceful_restart: {time: 2h}}\n",
	 1, 2, 37, 2, "time: whole seconds from 1s to 4095s", NULL},
	{"hops",
	 "lab:\n"
	 "  router: {ttl_security: 255}\n",
	 1, 2, 26, 3, "ttl_security: 255 is not a whole number from 1 to 254", NULL},
	{"far and near",
	 "lab:\n"
	 "  router: {ttl_security: true, multihop: true}\n",
	 1, 2, 32, 8, "multihop and ttl_security exclude each other: the one says how far, the other how near", NULL},
	{"role",
	 "lab:\n"
	 "  workers: {role: costumer}\n",
	 1, 2, 19, 8, "role can't be \"costumer\"", "did you mean \"customer\"?"},
	{"strict about no role",
	 "lab:\n"
	 "  router: {role_strict: true}\n",
	 1, 2, 12, 11, "role_strict has no meaning without a role", NULL},
	{"switch",
	 "lab:\n"
	 "  workers: {switches: {origin: incomplet}}\n",
	 1, 2, 32, 9, "origin can't be \"incomplet\"", "did you mean \"incomplete\"?"},
	{"switch key",
	 "lab:\n"
	 "  workers: {switches: {enforce_hld: true}}\n",
	 1, 2, 24, 11, "workers.switches has no key \"enforce_hld\"", "did you mean \"enforce_hold\"?"},
	{"lag",
	 "lab:\n"
	 "  workers: {switches: {kubeproxy_lag: 2m}}\n",
	 1, 2, 39, 2, "kubeproxy_lag: longer than a minute", NULL},
	{"fail how",
	 "lab: {}\n"
	 "steps:\n"
	 "  - fail: {worker: worker1, how: powerloss}\n",
	 1, 3, 34, 9, "how can't be \"powerloss\"", "did you mean \"power_loss\"?"},
	{"fail twice",
	 "lab: {}\n"
	 "steps:\n"
	 "  - fail: {worker: worker1, how: crash}\n"
	 "  - fail: {worker: worker1, how: crash}\n",
	 1, 4, 20, 7, "worker1 has failed already", "a step between the two: - recover: worker1"},
	{"fail whom",
	 "lab: {}\n"
	 "steps:\n"
	 "  - fail: {worker: worker9, how: crash}\n",
	 1, 3, 20, 7, "the lab has no worker \"worker9\"", "it has worker1 to worker3"},
	{"recover whom",
	 "lab: {}\n"
	 "steps:\n"
	 "  - recover: worker1\n",
	 1, 3, 14, 7, "worker1 has not failed", "a step before this one: - fail: {worker: worker1, how: power_loss}"},
	{"what a session does",
	 "lab: {}\n"
	 "steps:\n"
	 "  - session: {node: worker1, do: shut}\n",
	 1, 3, 34, 4, "do can't be \"shut\"", "known: refresh, drain, undrain, shutdown, reset, start"},
	{"a session of a real speaker",
	 "lab: {workers: {speaker: gobgp}}\n"
	 "steps:\n"
	 "  - session: {node: worker1, do: reset}\n",
	 1, 3, 21, 7, "session: of built-in speakers, and this one is GoBGP", "exec: runs the daemon's own tools"},
	{"a session of the dead",
	 "lab: {}\n"
	 "steps:\n"
	 "  - fail: {worker: worker1, how: crash}\n"
	 "  - session: {node: worker1, do: reset}\n",
	 1, 4, 14, 1, "worker1 has failed", "- recover: worker1 starts it"},
	{"words for nobody",
	 "lab: {}\n"
	 "steps:\n"
	 "  - session: {node: worker1, do: drain, words: bye}\n",
	 1, 3, 41, 5, "only a shutdown or a reset has words or a cease, or is hard", NULL},
	{"cease",
	 "lab: {}\n"
	 "steps:\n"
	 "  - session: {node: worker1, do: reset, cease: resource}\n",
	 1, 3, 48, 8, "cease can't be \"resource\"", "did you mean \"resources\"?"},
	{"restart the dead",
	 "lab: {}\n"
	 "steps:\n"
	 "  - fail: {worker: worker1, how: crash}\n"
	 "  - restart: worker1\n",
	 1, 4, 14, 7, "worker1 has failed", "- recover: worker1 starts it"},
	{"restart for long",
	 "lab: {}\n"
	 "steps:\n"
	 "  - restart: {node: router, down: 2h}\n",
	 1, 3, 35, 2, "down: longer than an hour", NULL},
	{"unclosed",
	 "lab: {workers: {count: 3}\n"
	 "steps: []\n",
	 1, 2, 1, 1, "this is not YAML: wrongly indented flow mapping",
	 "the mistake may be before: the last value read is in line 1"},
	{"unknown client",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - http: {service: nginx, client: client2}\n",
	 1, 4, 36, 7, "the lab has no client \"client2\"", "it has client1 alone"},
	{"unknown kind delete",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - delete: pod/nginx\n",
	 1, 4, 13, 9, "can't delete a \"pod\"",
	 "known: service, svc, deployment, deploy, endpointslice, ipaddresspool, bgppeer, bgpadvertisement, community, "
	 "bfdprofile, configmap"},
	{"unknown lab key",
	 "lab:\n"
	 "  wrokers: {count: 3}\n",
	 1, 2, 3, 7, "lab has no key \"wrokers\"", "did you mean \"workers\"?"},
	{"unknown service",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - http: {service: ngnix}\n",
	 1, 4, 21, 5, "no Service \"ngnix\" in the manifests up to here", "did you mean \"nginx\"?"},
	{"unknown step",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - exepct: {sessions: established}\n",
	 1, 4, 5, 6, "a step has no key \"exepct\"", "did you mean \"expect\"?"},
	{"unknown top",
	 "lab:\n"
	 "  workers: {count: 3}\n"
	 "stpes: []\n",
	 1, 3, 1, 5, "a scenario has no key \"stpes\"", "did you mean \"steps\"?"},
	{"unknown worker",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - expect: {service: nginx, next_hops: [worker1, worker4]}\n",
	 1, 4, 51, 7, "the lab has no worker \"worker4\"", "it has worker1 to worker3"},
	{"which service",
	 "lab: {}\n"
	 "steps:\n"
	 "  - http: {requests: 3}\n",
	 1, 3, 11, 1, "which Service? \"service\" is missing",
	 "no manifest before this step has a Service of type LoadBalancer"},
	{"withdrawn none",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - expect: {service: nginx, withdrawn_by: none}\n",
	 1, 4, 30, 12, "withdrawn_by none holds always",
	 "to say that nobody withdraws: never: {service: ..., withdrawn_by: all, for: 2s}"},
	{"within long",
	 "lab:\n"
	 "  manifests: [m.yaml]\n"
	 "steps:\n"
	 "  - expect: {sessions: established, within: 2h}\n",
	 1, 4, 45, 2, "within: longer than an hour", NULL},
	{"wrong type",
	 "lab:\n"
	 "  workers: {count: three}\n",
	 1, 2, 20, 5, "count: expected a number, found text", NULL},
};

#define ROW_COUNT (sizeof(scenarios) / sizeof(scenarios[0]))

/* BIRD 1.6: the words that tell it from BIRD 2 */
static const char bird_conf[] = "# ipv4 { is only named here\nprotocol bgp peer1 {\n  import all;\n}\n";

/* a configuration in the form before MetalLB 0.13 */
static const char old[] = "configInline: {}\n";
static const char extras[] =
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bgpextras, namespace: metallb-system}\ndata: {extras: x}\n";

static void scenario_is_refused(void **state)
{
	const struct row *row = *state;
	struct folder f = folder_new();
	struct diags d = {0};

	folder_write(&f, "scenario.yaml", row->text, strlen(row->text));
	folder_write(&f, "nginx.yaml", folder_nginx, strlen(folder_nginx));
	folder_write(&f, "m.yaml", folder_nginx, strlen(folder_nginx));
	folder_write(&f, "old.yaml", old, strlen(old));
	folder_write(&f, "extras.yaml", extras, strlen(extras));
	folder_write(&f, "bird.conf", bird_conf, strlen(bird_conf));
	assert_null(plan_read(f.path, &d));
	row_compare(row, &d, &f);
	diags_fini(&d);
	folder_remove(&f);
}

static void diagnostics_are_capped_and_counted(void **state)
{
	struct folder f = folder_new();
	struct diags d = {0};
	char text[2048] = "lab:\n";

	(void)state;
	for (int i = 0; i < 30; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "  unknown%d: 1\n", i);
	folder_write(&f, "scenario.yaml", text, strlen(text));
	assert_null(plan_read(f.path, &d));
	assert_int_equal(d.list.len, DIAG_MAX);
	assert_int_equal(d.dropped, 10);
	diags_fini(&d);
	folder_remove(&f);
}

static void files_that_are_no_text_are_refused(void **state)
{
	static const char nul[] = "lab: \0\n";
	char *big = malloc((1 << 20) + 2);
	struct folder f = folder_new();
	struct diags d = {0};

	(void)state;
	assert_non_null(big);
	memset(big, '#', (1 << 20) + 2);
	folder_write(&f, "scenario.yaml", nul, sizeof(nul) - 1);
	assert_null(plan_read(f.path, &d));
	assert_string_equal(d.list.at[0].message, "control character 0x00 in the text");
	diags_fini(&d);
	folder_write(&f, "scenario.yaml", big, (1 << 20) + 2);
	assert_null(plan_read(f.path, &d));
	assert_string_equal(d.list.at[0].message, "the file is larger than 1048576 bytes");
	diags_fini(&d);
	assert_null(plan_read("/nonexistent/scenario.yaml", &d));
	assert_string_equal(d.list.at[0].message, "can't read the file: No such file or directory");
	diags_fini(&d);
	free(big);
	folder_remove(&f);
}

/* cmocka names the row that failed only where each row is a test of its own. */
int main(void)
{
	static struct CMUnitTest tests[ROW_COUNT + 2];
	size_t n = 0;

	for (; n < ROW_COUNT; n++)
		tests[n] = (struct CMUnitTest){scenarios[n].name, scenario_is_refused, NULL, NULL,
					       (void *)(uintptr_t)&scenarios[n]};
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(diagnostics_are_capped_and_counted);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(files_that_are_no_text_are_refused);
	return cmocka_run_group_tests_name("diagnostics", tests, NULL, NULL);
}
