/** Numbers of linux/wireguard.h, in the kernel's spelling. */

/* enum wg_cmd */
export const WG_CMD_GET_DEVICE = 0;

/* enum wgdevice_attribute */
export const WGDEVICE_A_IFINDEX = 1;
export const WGDEVICE_A_PUBLIC_KEY = 4;
export const WGDEVICE_A_LISTEN_PORT = 6;
export const WGDEVICE_A_FWMARK = 7;
export const WGDEVICE_A_PEERS = 8;

/* enum wgpeer_attribute */
export const WGPEER_A_PUBLIC_KEY = 1;
export const WGPEER_A_ENDPOINT = 4;
export const WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL = 5;
export const WGPEER_A_LAST_HANDSHAKE_TIME = 6;
export const WGPEER_A_RX_BYTES = 7;
export const WGPEER_A_TX_BYTES = 8;
export const WGPEER_A_ALLOWEDIPS = 9;

/* enum wgallowedip_attribute */
export const WGALLOWEDIP_A_IPADDR = 2;
export const WGALLOWEDIP_A_CIDR_MASK = 3;
