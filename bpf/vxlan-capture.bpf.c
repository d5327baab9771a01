// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The packets of a VXLAN tunnel, as they pass the underlay device in both directions.
 *
 *   packet -> filter of a packet socket (which sees what a capture program sees) -> "capture": ring buffer
 *                                                                                -> "count": a counter for each remote
 *
 * The filter answers 0 for every packet, so that nothing is queued at the socket itself, and the packet is not touched.
 * A packet is one of the tunnel when its outer header is UDP to the tunnel's port with the tunnel's VNI; fragments after
 * the first carry neither and are not seen.
 */
#include "include/kernel.h"
#include "include/vxlan.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define ANY_VNI 0xffffffff
#define PROTO_UDP 17
#define PACKET_OUTGOING 4
#define SNAP_MAX 0xffff

/* Set at load time. */
const volatile __u32 port = 4789;
const volatile __u32 vni = ANY_VNI;
const volatile __u32 snap = 256; /* bytes of each packet that are kept, at most SNAP_MAX */

__u64 lost; /* packets for which the ring had no room */

struct event {
	__u64 time; /* CLOCK_MONOTONIC, nanoseconds */
	__u32 ifindex;
	__u32 length; /* of the packet; what follows may be shorter */
	__u32 outgoing;
	__u32 captured;
	__u8 data[SNAP_MAX + 1];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} packets SEC(".maps");

/*
 * One entry a CPU, as an event is too large for a per-CPU map; the loader sets how many. Packets are seen with softirqs
 * off, so a CPU is never interrupted by another packet while it fills its entry.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event);
} scratch SEC(".maps");

/* Offset of the UDP header behind the IP header, or 0 where there is none. */
static __always_inline __u32 find_udp(struct __sk_buff *skb)
{
	__u8 header[IPV4_HEADER];
	__be16 fragment;

	if (bpf_skb_load_bytes_relative(skb, 0, header, sizeof(header), BPF_HDR_START_NET))
		return 0;
	if (header[0] >> 4 == 6)
		return header[6] == PROTO_UDP ? IPV6_HEADER : 0;
	__builtin_memcpy(&fragment, header + 6, sizeof(fragment));
	if (header[0] >> 4 != 4 || header[9] != PROTO_UDP || bpf_ntohs(fragment) & IPV4_FRAGMENT)
		return 0;
	return (header[0] & 15) * 4;
}

static __always_inline int is_ours(struct __sk_buff *skb)
{
	struct vxlan_header vxlan;
	struct outer_udp udp;
	__u32 at = find_udp(skb);

	if (!at || bpf_skb_load_bytes_relative(skb, at, &udp, sizeof(udp), BPF_HDR_START_NET) || udp.dest != bpf_htons(port))
		return 0;
	if (vni == ANY_VNI)
		return 1;
	return !bpf_skb_load_bytes_relative(skb, at + UDP_HEADER, &vxlan, sizeof(vxlan), BPF_HDR_START_NET) &&
	       bpf_ntohl(vxlan.vni) >> 8 == vni;
}

SEC("socket")
int capture(struct __sk_buff *skb)
{
	__u32 cpu = bpf_get_smp_processor_id(), length = skb->len < snap ? skb->len : snap;
	struct event *event;

	if (!is_ours(skb))
		return 0;
	event = bpf_map_lookup_elem(&scratch, &cpu);
	if (!event)
		return 0;
	event->time = bpf_ktime_get_ns();
	event->ifindex = skb->ifindex;
	event->length = skb->len;
	event->outgoing = skb->pkt_type == PACKET_OUTGOING;
	event->captured = length;
	/* An empty range is not to be proven away, so the verifier is shown its two ends. */
	if (length < 1 || length > SNAP_MAX || bpf_skb_load_bytes(skb, 0, event->data, length))
		return 0;
	if (bpf_ringbuf_output(&packets, event, __builtin_offsetof(struct event, data) + length, 0))
		__sync_fetch_and_add(&lost, 1);
	return 0;
}

struct remote {
	__be32 address[4]; /* IPv4 in the first word, the others 0 */
	__u32 outgoing;
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

/* The least used remotes make room for new ones. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct remote);
	__type(value, struct traffic);
} remotes SEC(".maps");

/* The address at the other end: where it goes to, or comes from. */
static __always_inline int read_remote(struct __sk_buff *skb, struct remote *remote)
{
	__u8 first;

	remote->outgoing = skb->pkt_type == PACKET_OUTGOING;
	if (bpf_skb_load_bytes_relative(skb, 0, &first, sizeof(first), BPF_HDR_START_NET))
		return -1;
	if (first >> 4 == 6)
		return bpf_skb_load_bytes_relative(skb, remote->outgoing ? 24 : 8, remote->address, 16, BPF_HDR_START_NET);
	return bpf_skb_load_bytes_relative(skb, remote->outgoing ? 16 : 12, remote->address, 4, BPF_HDR_START_NET);
}

SEC("socket")
int count(struct __sk_buff *skb)
{
	/* A packet that the device cuts up later counts as what it will be. */
	struct traffic *traffic, first = { .packets = skb->gso_segs ? skb->gso_segs : 1, .bytes = skb->len };
	struct remote remote = {};

	if (!is_ours(skb) || read_remote(skb, &remote))
		return 0;
	traffic = bpf_map_lookup_elem(&remotes, &remote);
	if (!traffic) {
		if (!bpf_map_update_elem(&remotes, &remote, &first, BPF_NOEXIST))
			return 0;
		traffic = bpf_map_lookup_elem(&remotes, &remote);
		if (!traffic)
			return 0;
	}
	__sync_fetch_and_add(&traffic->packets, first.packets);
	__sync_fetch_and_add(&traffic->bytes, first.bytes);
	return 0;
}
