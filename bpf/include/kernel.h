/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few kernel types that the programs look into, cut down to the members they read. `preserve_access_index` makes
 * the loader replace every offset with that of the running kernel (CO-RE), so no vmlinux.h is needed.
 */
#ifndef SLUICE_KERNEL_H
#define SLUICE_KERNEL_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define NF_DROP 0
#define NF_ACCEPT 1
#define NFPROTO_IPV4 2
#define NFPROTO_IPV6 10

#define IFNAMSIZ 16

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	char name[IFNAMSIZ];
	int ifindex;
	possible_net_t nd_net;
};

struct sock_common {
	possible_net_t skc_net;
};

struct sock {
	struct sock_common __sk_common;
};

struct dst_entry {
	struct net_device *dev;
};

struct sk_buff {
	unsigned int len;
	__u32 mark;
	unsigned long _nfct;
	unsigned long _skb_refdst;
	struct net_device *dev;
	struct sock *sk;
	__be16 protocol;
	__u16 network_header;
	unsigned char *head;
};

struct nf_hook_state {
	__u8 hook;
	__u8 pf;
	struct net_device *in;
	struct net_device *out;
};

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
};

/* Only `status` is read, through a field relocation: kernel BTF may hold two types of this name. */
struct nf_conn {
	unsigned long status;
};

#pragma clang attribute pop

/* enum ip_conntrack_info and enum ip_conntrack_status, uapi/linux/netfilter/nf_conntrack_common.h */
#define IP_CT_ESTABLISHED 0
#define IP_CT_RELATED 1
#define IP_CT_NEW 2
#define IP_CT_ESTABLISHED_REPLY 3
#define IP_CT_RELATED_REPLY 4
#define IP_CT_UNTRACKED 7
#define IPS_SRC_NAT (1 << 4)
#define IPS_DST_NAT (1 << 5)

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, __u32 offset, void *buffer, __u32 buffer__szk) __ksym;
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;

#endif
