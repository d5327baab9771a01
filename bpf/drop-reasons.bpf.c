// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the kernel throws away in chosen network namespaces, and why: skb:kfree_skb, counted by reason and by what the
 * packet is.
 *
 * The headers are those at the packet's network header, which are the outer ones before a tunnel takes them off and the
 * inner ones after that: `port` and `vni` tell which.
 */
#include "include/kernel.h"
#include "include/vxlan.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PROTO_TCP 6
#define PROTO_UDP 17
#define NO_VNI 0xffffffff

/* Set at load time: where a VNI is looked for. */
const volatile __u32 tunnel_port = 4789;

__u64 lost; /* drops that found no room in the table */

struct drop {
	__u32 netns; /* inode number */
	__u32 reason; /* enum skb_drop_reason */
	__u32 ifindex; /* 0 where the packet has no device */
	__u32 vni; /* NO_VNI where there is none */
	__u16 protocol; /* EtherType */
	__u16 port; /* destination of TCP and UDP */
	__u32 transport; /* IP protocol */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} namespaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct drop);
	__type(value, __u64);
} drops SEC(".maps");

/* The raw arguments of the tracepoint; `reason` is there since Linux 5.17. */
struct kfree_skb_arguments {
	struct sk_buff *skb;
	void *location;
	unsigned long reason;
};

static __always_inline __u32 find_netns(struct sk_buff *skb, struct net_device *dev)
{
	struct dst_entry *dst = (struct dst_entry *)(BPF_CORE_READ(skb, _skb_refdst) & ~1UL);
	struct sock *sk = BPF_CORE_READ(skb, sk);

	if (dev)
		return BPF_CORE_READ(dev, nd_net.net, ns.inum);
	if (sk)
		return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	return BPF_CORE_READ(dst, dev, nd_net.net, ns.inum);
}

static __always_inline void read_tunnel(struct drop *drop, const unsigned char *udp)
{
	struct vxlan_header vxlan = {};

	if (drop->transport != PROTO_UDP || drop->port != tunnel_port)
		return;
	if (!bpf_probe_read_kernel(&vxlan, sizeof(vxlan), udp + UDP_HEADER))
		drop->vni = bpf_ntohl(vxlan.vni) >> 8;
}

static __always_inline void read_ports(struct drop *drop, const unsigned char *header)
{
	struct outer_udp udp = {};

	if (drop->transport != PROTO_TCP && drop->transport != PROTO_UDP)
		return;
	if (bpf_probe_read_kernel(&udp, sizeof(udp), header))
		return;
	drop->port = bpf_ntohs(udp.dest);
	read_tunnel(drop, header);
}

static __always_inline void read_headers(struct drop *drop, struct sk_buff *skb)
{
	const unsigned char *network = BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header);
	__u8 header[IPV4_HEADER] = {};

	if (bpf_probe_read_kernel(header, sizeof(header), network))
		return;
	if (header[0] >> 4 == 4) {
		drop->transport = header[9];
		read_ports(drop, network + (header[0] & 15) * 4);
	} else if (header[0] >> 4 == 6) {
		drop->transport = header[6];
		read_ports(drop, network + IPV6_HEADER);
	}
}

static __always_inline void count(const struct drop *drop)
{
	__u64 one = 1, *counter = bpf_map_lookup_elem(&drops, drop);

	if (!counter && bpf_map_update_elem(&drops, drop, &one, BPF_NOEXIST)) {
		counter = bpf_map_lookup_elem(&drops, drop);
		if (!counter)
			__sync_fetch_and_add(&lost, 1);
	}
	if (counter)
		__sync_fetch_and_add(counter, 1);
}

SEC("raw_tp/kfree_skb")
int dropped(struct kfree_skb_arguments *arguments)
{
	struct sk_buff *skb = arguments->skb;
	struct net_device *dev = BPF_CORE_READ(skb, dev);
	struct drop drop = { .reason = arguments->reason, .vni = NO_VNI };

	drop.netns = find_netns(skb, dev);
	if (!bpf_map_lookup_elem(&namespaces, &drop.netns))
		return 0;
	drop.ifindex = dev ? BPF_CORE_READ(dev, ifindex) : 0;
	drop.protocol = bpf_ntohs(BPF_CORE_READ(skb, protocol));
	read_headers(&drop, skb);
	count(&drop);
	return 0;
}
