/** Numbers of linux/ethtool.h and linux/sockios.h, in the kernel's spelling. */

export const SIOCETHTOOL = 0x8946;

export const ETHTOOL_GDRVINFO = 0x3;
export const ETHTOOL_GSTRINGS = 0x1b;
export const ETHTOOL_GSSET_INFO = 0x37;
export const ETHTOOL_GFEATURES = 0x3a;

/* enum ethtool_stringset */
export const ETH_SS_FEATURES = 4;

export const ETH_GSTRING_LEN = 32;
