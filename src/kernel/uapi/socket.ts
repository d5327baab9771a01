/** Numbers of asm-generic/socket.h, linux/socket.h and linux/if_ether.h, in the kernel's spelling. */

export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_BRIDGE = 7;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;

export const SOL_SOCKET = 1;
export const SO_RCVBUF = 8;
export const SO_RCVBUFFORCE = 33;
export const SO_ATTACH_BPF = 50;
export const SOL_NETLINK = 270;

export const ETH_P_ALL = 0x0003;
