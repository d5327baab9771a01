/** Numbers of linux/veth.h, in the kernel's spelling. */

/* VETH_INFO_* */
export const VETH_INFO_PEER = 1;
