/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet key: what a diagram may ask about a packet, as 32-bit words in host order.
 *
 * The same numbers stand in src/domain/classifier/fields.ts, which also says what each word means. Header bytes are read
 * through a dynptr, so that a header outside the linear part of the buffer is seen as well.
 */
#ifndef SLUICE_KEY_H
#define SLUICE_KEY_H

#include "kernel.h"

enum field {
	STATE = 0,
	PROTO = 1,
	L4 = 2,
	IIF = 3,
	OIF = 7,
	DPORT = 11,
	SPORT = 12,
	ICMP = 13,
	FLAGS = 14,
	MARK = 15,
	DST = 16,
	SRC = 20,
	KEY_WORDS = 32, /* a power of two, so that a field number is bounded by a mask */
};

struct key {
	__u32 words[KEY_WORDS];
};

enum state_base { CT_INVALID, CT_NEW, CT_ESTABLISHED, CT_RELATED, CT_UNTRACKED };
#define STATE_SNAT 5
#define STATE_DNAT 10

enum l4_class {
	L4_COMPLETE,
	L4_PARTIAL,
	L4_SHORT,
	L4_FRAGMENT,
	L4_TCP_FRAGMENT_1,
	L4_MALFORMED,
	L4_NO_PROTOCOL,
};

/* What a ruleset needs of the key beyond addresses and protocol: word 3 of the image. */
enum need {
	NEED_IIF = 1 << 0,
	NEED_OIF = 1 << 1,
	NEED_NAT_STATUS = 1 << 2,
	NEED_L4 = 1 << 3,
};

#define PROTO_HOPOPTS 0
#define PROTO_ICMP 1
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_DCCP 33
#define PROTO_ROUTING 43
#define PROTO_FRAGMENT 44
#define PROTO_AH 51
#define PROTO_ICMPV6 58
#define PROTO_NONE 59
#define PROTO_DSTOPTS 60
#define PROTO_SCTP 132
#define PROTO_UDPLITE 136

/* More extension headers than any real packet carries; a longer chain counts as malformed. */
#define MAX_EXTENSION_HEADERS 12

struct packet {
	struct bpf_dynptr data;
	struct sk_buff *skb;
	__u32 base; /* of the network header in `data`: 0 at a netfilter hook, behind Ethernet in a test run */
	__u32 length; /* of the packet from the network header */
};

#define read_bytes(packet, offset, buffer, size) bpf_dynptr_slice(&(packet)->data, (packet)->base + (offset), buffer, size)

/* An all-zero name for an absent device; bytes after the first NUL are cleared, as a rename may leave old ones. */
static __always_inline void read_name(const struct net_device *dev, __u32 *words)
{
	__u64 name[2] = {};
	__u64 zeros, below;

	if (!dev)
		return;
	bpf_probe_read_kernel(name, sizeof(name), dev->name);
	/* The usual zero-byte test: bit 7 of the lowest zero byte is the lowest bit of `zeros`. */
	zeros = (name[0] - 0x0101010101010101ULL) & ~name[0] & 0x8080808080808080ULL;
	if (zeros) {
		below = (zeros & -zeros) - 1;
		name[0] &= below >> 7;
		name[1] = 0;
	} else {
		zeros = (name[1] - 0x0101010101010101ULL) & ~name[1] & 0x8080808080808080ULL;
		if (zeros)
			name[1] &= ((zeros & -zeros) - 1) >> 7;
	}
	words[0] = bpf_ntohl((__u32)name[0]);
	words[1] = bpf_ntohl((__u32)(name[0] >> 32));
	words[2] = bpf_ntohl((__u32)name[1]);
	words[3] = bpf_ntohl((__u32)(name[1] >> 32));
}

/* The state bits of xt_conntrack's conntrack_mt(), as one number. */
static __always_inline __u32 read_state(unsigned long nfct, __u32 need)
{
	unsigned long info = nfct & 7;
	struct nf_conn *ct = (struct nf_conn *)(nfct & ~7UL);
	unsigned long status = 0;
	__u32 state;

	if (!ct)
		return info == IP_CT_UNTRACKED ? CT_UNTRACKED : CT_INVALID;
	if (info == IP_CT_NEW)
		state = CT_NEW;
	else if (info == IP_CT_RELATED || info == IP_CT_RELATED_REPLY)
		state = CT_RELATED;
	else
		state = CT_ESTABLISHED;
	if (need & NEED_NAT_STATUS) {
		BPF_CORE_READ_INTO(&status, ct, status);
		if (status & IPS_SRC_NAT)
			state += STATE_SNAT;
		if (status & IPS_DST_NAT)
			state += STATE_DNAT;
	}
	return state;
}

static __always_inline __u32 header_length(__u32 proto)
{
	switch (proto) {
	case PROTO_TCP:
		return 20;
	case PROTO_UDP:
	case PROTO_UDPLITE:
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		return 8;
	case PROTO_SCTP:
	case PROTO_DCCP:
		return 12;
	}
	return 0;
}

/* Ports, ICMP type and TCP flags; `fragment` is the class the IP header decided, L4_COMPLETE for a first fragment. */
static __always_inline void read_transport(struct packet *packet, __u32 *key, __u32 offset, __u32 fragment)
{
	__u32 proto = key[PROTO], there = packet->length > offset ? packet->length - offset : 0;
	__u8 buffer[20] = {};
	__u8 *header;

	if (there >= 20)
		header = read_bytes(packet, offset, buffer, 20);
	else if (there >= 8)
		header = read_bytes(packet, offset, buffer, 8);
	else if (there >= 4)
		header = read_bytes(packet, offset, buffer, 4);
	else
		header = 0;
	if (header) {
		key[SPORT] = (__u32)header[0] << 8 | header[1];
		key[DPORT] = (__u32)header[2] << 8 | header[3];
	}
	key[L4] = fragment;
	if (fragment != L4_COMPLETE)
		return;
	if (there < header_length(proto)) {
		key[L4] = there < 4 ? L4_SHORT : L4_PARTIAL;
		return;
	}
	if (!header)
		return;
	if (proto == PROTO_ICMP || proto == PROTO_ICMPV6)
		key[ICMP] = key[SPORT];
	/* Byte 13 is behind the shorter slices; with TCP complete all 20 bytes are there. */
	if (proto == PROTO_TCP && there >= 20)
		key[FLAGS] = header[13] & 0x3f;
}

static __always_inline int read_ipv4(struct packet *packet, __u32 *key)
{
	__u32 buffer[5] = {};
	__u32 *ip = read_bytes(packet, 0, buffer, sizeof(buffer));
	__u32 fragment, class = L4_COMPLETE;

	if (!ip)
		return -1;
	key[PROTO] = bpf_ntohl(ip[2]) >> 16 & 0xff;
	key[SRC] = bpf_ntohl(ip[3]);
	key[DST] = bpf_ntohl(ip[4]);
	fragment = bpf_ntohl(ip[1]) & 0x1fff;
	if (fragment)
		class = fragment == 1 && key[PROTO] == PROTO_TCP ? L4_TCP_FRAGMENT_1 : L4_FRAGMENT;
	read_transport(packet, key, (bpf_ntohl(ip[0]) >> 24 & 0xf) * 4, class);
	return 0;
}

/*
 * Follows the extension headers as ipv6_find_hdr() with target -1 does: stops at the first header that is none, at "no
 * next header", or at a non-first fragment.
 */
static __always_inline int read_ipv6(struct packet *packet, __u32 *key)
{
	__u32 buffer[10] = {};
	__u32 *ip = read_bytes(packet, 0, buffer, sizeof(buffer));
	__u32 next, offset = 40, class = L4_COMPLETE;
	int i;

	if (!ip)
		return -1;
	for (i = 0; i < 4; i++) {
		key[SRC + i] = bpf_ntohl(ip[2 + i]);
		key[DST + i] = bpf_ntohl(ip[6 + i]);
	}
	next = bpf_ntohl(ip[1]) >> 8 & 0xff;
	for (i = 0; i < MAX_EXTENSION_HEADERS; i++) {
		__u8 bytes[4] = {};
		__u8 *header;
		__u32 after;

		if (next != PROTO_HOPOPTS && next != PROTO_ROUTING && next != PROTO_FRAGMENT && next != PROTO_AH &&
		    next != PROTO_DSTOPTS)
			break;
		if (next == PROTO_FRAGMENT) {
			__u32 at;

			header = read_bytes(packet, offset, bytes, 4);
			if (!header) {
				class = L4_MALFORMED;
				break;
			}
			after = header[0];
			at = ((__u32)header[2] << 8 | header[3]) & 0xfff8;
			offset += 8;
			if (at) {
				int extension = after == PROTO_HOPOPTS || after == PROTO_ROUTING || after == PROTO_FRAGMENT ||
						after == PROTO_AH || after == PROTO_DSTOPTS;

				next = after;
				class = extension ? L4_NO_PROTOCOL : L4_FRAGMENT;
				break;
			}
		} else {
			header = read_bytes(packet, offset, bytes, 2);
			if (!header) {
				class = L4_MALFORMED;
				break;
			}
			after = header[0];
			offset += next == PROTO_AH ? (header[1] + 2) * 4 : (header[1] + 1) * 8;
		}
		next = after;
	}
	if (i == MAX_EXTENSION_HEADERS)
		class = L4_MALFORMED;
	key[PROTO] = next;
	if (class == L4_MALFORMED || class == L4_NO_PROTOCOL)
		key[L4] = class;
	else
		read_transport(packet, key, offset & 0x3fff, class);
	return 0;
}

#endif
