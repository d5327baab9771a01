/** Numbers of linux/if.h and linux/if_arp.h, in the kernel's spelling. */

/* enum net_device_flags */
export const IFF_UP = 1;
export const IFF_BROADCAST = 2;
export const IFF_LOOPBACK = 8;
export const IFF_POINTOPOINT = 16;
export const IFF_RUNNING = 64;
export const IFF_NOARP = 128;
export const IFF_PROMISC = 256;
export const IFF_ALLMULTI = 512;
export const IFF_MASTER = 1024;
export const IFF_SLAVE = 2048;
export const IFF_MULTICAST = 0x1000;
export const IFF_LOWER_UP = 0x10000;
export const IFF_DORMANT = 0x20000;

/* ARPHRD_* */
export const ARPHRD_ETHER = 1;
export const ARPHRD_LOOPBACK = 772;

/* Longest name with its NUL */
export const IFNAMSIZ = 16;
