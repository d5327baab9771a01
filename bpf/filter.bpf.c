// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The filter table in eBPF: one fixed engine for every ruleset.
 *
 *   packet -> netfilter link "entry" of its hook -> tail call through `generations` -> "decide" of one generation
 *          -> walk of its image -> one counter -> NF_ACCEPT or NF_DROP
 *
 * A generation is one loaded "decide" with its own image and counters, so replacing a hook's rules is one update of
 * `generations`: a packet sees the old ones or the new ones, never parts of both.
 *
 * Where a hook's rules need targets of the kernel (REJECT, LOG ...), no link is attached there. The chain then starts
 * with `-m bpf` matches: "is_accept" runs the engine and counts, "is_bit" picks the chain of the action, bit by bit.
 * Both classify afresh, because no per-CPU note could survive preemption; classification is pure, so they agree.
 */
#include "include/engine.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set at load time, then frozen: the verifier sees constants and drops what a load does not use. */
const volatile __u32 family = NFPROTO_IPV4;
const volatile __u32 leaf_count = 1;
const volatile __u32 slot = 1; /* of "entry" in `generations` */
const volatile __u32 socket_hook = 1; /* the hook whose chain an xt_bpf program stands in */
const volatile __u32 action_bit = 0;
const volatile __u32 testing = 0; /* take the environment from `test_environment`: BPF_PROG_TEST_RUN has none */

#define ETHERNET_HEADER 14

struct counter {
	__u64 packets;
	__u64 bytes;
};

/* Entry cpu * leaf_count + leaf: exact under softirqs that interrupt process context, hence the atomic adds. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

/* One entry a hook: its number, plus 4 for IPv6. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} generations SEC(".maps");

struct environment {
	__u32 hook;
	__u32 state;
	__u32 mark;
	__u32 in[4];
	__u32 out[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct environment);
} test_environment SEC(".maps");

/* What a verification run reads: the key and leaf before the real rules, and the packet again if they let it pass. */
struct event {
	__u64 packet; /* address of the buffer, to pair the two */
	__u32 passed;
	__u32 hook;
	__u32 leaf;
	__u32 length;
	struct key key;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} events SEC(".maps");

static __always_inline void read_environment(__u32 *key, struct sk_buff *skb, const struct net_device *in,
					     const struct net_device *out, __u32 need)
{
	key[STATE] = read_state(skb->_nfct, need);
	key[MARK] = skb->mark;
	if (need & NEED_IIF)
		read_name(in, &key[IIF]);
	if (need & NEED_OIF)
		read_name(out, &key[OIF]);
}

static __always_inline void read_test_environment(__u32 *key, __u32 *hook)
{
	__u32 zero = 0;
	struct environment *set = bpf_map_lookup_elem(&test_environment, &zero);
	int i;

	if (!set)
		return;
	*hook = set->hook;
	key[STATE] = set->state;
	key[MARK] = set->mark;
	for (i = 0; i < 4; i++) {
		key[IIF + i] = set->in[i];
		key[OIF + i] = set->out[i];
	}
}

static __always_inline int read_headers(struct packet *packet, __u32 *key)
{
	return family == NFPROTO_IPV4 ? read_ipv4(packet, key) : read_ipv6(packet, key);
}

static __always_inline void count(__u32 leaf, __u32 length)
{
	__u32 index = bpf_get_smp_processor_id() * leaf_count + LEAF_NUMBER(leaf);
	struct counter *counter = bpf_map_lookup_elem(&counters, &index);

	if (!counter)
		return;
	__sync_fetch_and_add(&counter->packets, 1);
	__sync_fetch_and_add(&counter->bytes, length);
}

/* Classifies a packet at a netfilter hook; `key` is left filled for the caller. */
static __always_inline __u32 classify_hook(struct bpf_nf_ctx *ctx, struct packet *packet, struct key *key, __u32 *hook)
{
	const void *words = find_image();

	packet->skb = ctx->skb;
	packet->base = testing ? ETHERNET_HEADER : 0;
	packet->length = ctx->skb->len - packet->base;
	*hook = ctx->state->hook;
	if (!words || bpf_dynptr_from_skb((struct __sk_buff *)ctx->skb, 0, &packet->data) || read_headers(packet, key->words))
		return LEAF_ERROR;
	if (testing)
		read_test_environment(key->words, hook);
	else
		read_environment(key->words, ctx->skb, ctx->state->in, ctx->state->out, image_word(words, IMAGE_NEEDS));
	return classify(key, *hook);
}

SEC("netfilter")
int entry(struct bpf_nf_ctx *ctx)
{
	bpf_tail_call(ctx, &generations, slot); /* a constant to the verifier, hence a direct jump */
	return NF_DROP; /* no generation in place: never let a packet through unjudged */
}

SEC("netfilter")
int decide(struct bpf_nf_ctx *ctx)
{
	struct key key = {};
	struct packet packet;
	__u32 hook, leaf;

	leaf = classify_hook(ctx, &packet, &key, &hook);
	count(leaf, packet.length);
	return LEAF_VERDICT(leaf) == VERDICT_ACCEPT ? NF_ACCEPT : NF_DROP;
}

static __always_inline int record(struct bpf_nf_ctx *ctx, __u32 leaf, __u32 hook, const struct key *key)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return NF_ACCEPT;
	event->packet = (__u64)ctx->skb;
	event->passed = !key;
	event->hook = hook;
	event->leaf = leaf;
	event->length = ctx->skb->len;
	if (key)
		event->key = *key;
	else
		__builtin_memset(&event->key, 0, sizeof(event->key));
	bpf_ringbuf_submit(event, 0);
	return NF_ACCEPT;
}

/* Stands just before the real rules: records what the engine decides, and lets them decide. */
SEC("netfilter")
int shadow_before(struct bpf_nf_ctx *ctx)
{
	struct key key = {};
	struct packet packet;
	__u32 hook, leaf;

	leaf = classify_hook(ctx, &packet, &key, &hook);
	count(leaf, packet.length);
	return record(ctx, leaf, hook, &key);
}

/* Stands just behind them: whoever comes here was accepted. */
SEC("netfilter")
int shadow_after(struct bpf_nf_ctx *ctx)
{
	return record(ctx, 0, ctx->state->hook, 0);
}

/* Classifies a packet inside an iptables chain, for xt_bpf. INPUT has no output device and OUTPUT no input device. */
static __always_inline __u32 classify_socket(struct __sk_buff *ctx, struct packet *packet)
{
	struct sk_buff *skb = bpf_cast_to_kern_ctx(ctx);
	const struct net_device *in = 0, *out = 0;
	const void *words = find_image();
	struct key key = {};

	packet->skb = skb;
	packet->base = 0;
	packet->length = ctx->len;
	if (!words || bpf_dynptr_from_skb(ctx, 0, &packet->data) || read_headers(packet, key.words))
		return LEAF_ERROR;
	if (socket_hook != 3)
		in = skb->dev;
	if (socket_hook != 1) {
		struct dst_entry *dst = (struct dst_entry *)(skb->_skb_refdst & ~1UL);

		out = BPF_CORE_READ(dst, dev);
	}
	read_environment(key.words, skb, in, out, image_word(words, IMAGE_NEEDS));
	return classify(&key, socket_hook);
}

SEC("socket")
int is_accept(struct __sk_buff *ctx)
{
	struct packet packet;
	__u32 leaf = classify_socket(ctx, &packet);

	count(leaf, packet.length);
	return LEAF_VERDICT(leaf) == VERDICT_ACCEPT;
}

/* Action 0 is DROP without anything else; an action's number picks the chain that runs its native rules. */
SEC("socket")
int is_bit(struct __sk_buff *ctx)
{
	struct packet packet;
	__u32 leaf = classify_socket(ctx, &packet);
	const void *words = find_image();

	if (!words || LEAF_VERDICT(leaf) != VERDICT_NATIVE)
		return 0;
	return image_word(words, image_word(words, IMAGE_ACTIONS) + LEAF_NUMBER(leaf)) >> action_bit & 1;
}
