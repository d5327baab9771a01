/** Numbers of linux/in.h, linux/in6.h, linux/icmp.h and linux/icmpv6.h, in the kernel's spelling. */

export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;

export const IP_MTU_DISCOVER = 10;
export const IP_MTU = 14;
/** Sets DF and ignores the path MTU that the kernel has learned; the same number for IPv6. */
export const IP_PMTUDISC_PROBE = 3;
export const IPV6_MTU_DISCOVER = 23;
export const IPV6_MTU = 24;
export const IPV6_DONTFRAG = 62;

export const SOL_RAW = 255;
/** Takes a mask of ICMP types that are not wanted. */
export const ICMP_FILTER = 1;
export const ICMPV6_FILTER = 1;

export const ICMP_ECHOREPLY = 0;
export const ICMP_DEST_UNREACH = 3;
export const ICMP_ECHO = 8;
export const ICMP_PORT_UNREACH = 3;
export const ICMP_FRAG_NEEDED = 4;

export const ICMPV6_DEST_UNREACH = 1;
export const ICMPV6_PKT_TOOBIG = 2;
export const ICMPV6_PORT_UNREACH = 4;
export const ICMPV6_ECHO_REQUEST = 128;
export const ICMPV6_ECHO_REPLY = 129;
