/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The headers in front of an encapsulated frame, as far as they are looked at: outer IP, UDP, VXLAN (RFC 7348). */
#ifndef SLUICE_VXLAN_H
#define SLUICE_VXLAN_H

#include <bpf/bpf_endian.h>
#include <linux/types.h>

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define IPV4_FRAGMENT 0x1fff /* offset, in the 16 bits at byte 6 */
#define UDP_HEADER 8
#define VXLAN_HEADER 8

struct outer_udp {
	__be16 source;
	__be16 dest;
	__be16 length;
	__be16 check;
};

struct vxlan_header {
	__be32 flags;
	__be32 vni; /* in the upper 24 bits */
};

#endif
