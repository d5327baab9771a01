// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs for measuring: the walk alone over rotating keys, and a packet source.
 *
 * One packet repeated flatters every classifier by a warm cache and a trained branch predictor, so each run takes another
 * key. What choosing the key costs is measured by "bench_base" and subtracted.
 */
#include "include/engine.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 key_count = 1;
const volatile __u32 bench_hook = 1;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct key);
} keys SEC(".maps");

__u32 next_key;
__u64 leaf_sum; /* keeps the walk from being optimised away */

static __always_inline struct key *rotate(void)
{
	__u32 at = next_key;

	next_key = at + 1 < key_count ? at + 1 : 0;
	return bpf_map_lookup_elem(&keys, &at);
}

SEC("xdp")
int bench_base(struct xdp_md *ctx)
{
	struct key *key = rotate();

	if (key)
		leaf_sum += key->words[SRC] + key->words[DPORT];
	return XDP_DROP;
}

SEC("xdp")
int bench_walk(struct xdp_md *ctx)
{
	struct key *key = rotate();

	if (key)
		leaf_sum += key->words[SRC] + key->words[DPORT] + classify(key, bench_hook);
	return XDP_DROP;
}

struct ethernet_ipv4_udp {
	__u8 ethernet[14];
	__u8 version_length, tos;
	__u16 total;
	__u16 id, fragment;
	__u8 ttl, protocol;
	__u16 checksum;
	__u32 source, destination;
	__u16 source_port, destination_port;
} __attribute__((packed));

/* Rewrites each live frame with the next key's addresses and ports and hands it to the stack. */
SEC("xdp")
int bench_source(struct xdp_md *ctx)
{
	struct ethernet_ipv4_udp *packet = (void *)(long)ctx->data;
	struct key *key = rotate();
	__u32 sum = 0;
	__u16 *words;
	int i;

	if (!key || (void *)(packet + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	packet->source = bpf_htonl(key->words[SRC]);
	packet->destination = bpf_htonl(key->words[DST]);
	packet->source_port = bpf_htons(key->words[SPORT]);
	packet->destination_port = bpf_htons(key->words[DPORT]);
	packet->checksum = 0;
	words = (__u16 *)&packet->version_length;
	for (i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	packet->checksum = ~((sum & 0xffff) + (sum >> 16));
	return XDP_PASS;
}
