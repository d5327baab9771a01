/** Numbers of linux/neighbour.h, in the kernel's spelling. */

/* NDA_* */
export const NDA_DST = 1;
export const NDA_LLADDR = 2;
export const NDA_CACHEINFO = 3;
export const NDA_PROBES = 4;
export const NDA_VLAN = 5;
export const NDA_PORT = 6;
export const NDA_VNI = 7;
export const NDA_IFINDEX = 8;
export const NDA_MASTER = 9;
export const NDA_LINK_NETNSID = 10;
export const NDA_SRC_VNI = 11;
export const NDA_PROTOCOL = 12;
export const NDA_NH_ID = 13;
export const NDA_FDB_EXT_ATTRS = 14;
export const NDA_FLAGS_EXT = 15;
export const NDA_NDM_STATE_MASK = 16;

/* ndm_flags */
export const NTF_SELF = 2;
export const NTF_MASTER = 4;
export const NTF_EXT_LEARNED = 16;
export const NTF_OFFLOADED = 32;
export const NTF_STICKY = 64;

/* ndm_state */
export const NUD_REACHABLE = 2;
export const NUD_NOARP = 64;
export const NUD_PERMANENT = 128;
