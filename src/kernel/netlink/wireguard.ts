/** WireGuard devices, which tell their keys and peers by generic netlink. Secret keys are not read. @kernel linux/wireguard.h */

import { netlink as uapi, socket, wireguard as wg } from '../uapi/index.ts';
import { readIp } from './address.ts';
import { u32, walk } from './attributes.ts';
import { findFamily, genericRequest, GENLMSGHDR } from './generic.ts';
import { type NetlinkOptions, openNetlink } from './socket.ts';

/** What a device tells. Keys are in base64, as `wg` prints them. */
export interface WireguardFacts {
  publicKey?: string;
  listenPort?: number;
  /** 0 is none. */
  firewallMark?: number;
  peers: WireguardPeer[];
}

/** One peer. */
export interface WireguardPeer {
  publicKey: string;
  /** `10.0.0.2:51820`; absent until it is known. */
  endpoint?: string;
  allowedIps: string[];
  /** 0 is off. */
  keepaliveSeconds?: number;
  /** Seconds since 1970; 0 is never. */
  lastHandshakeSeconds?: number;
  rxBytes?: bigint;
  txBytes?: bigint;
}

/** Asks a WireGuard device; undefined when the kernel has no WireGuard. @throws NetlinkError EPERM without CAP_NET_ADMIN */
export function getWireguard(ifindex: number, { netns }: Pick<NetlinkOptions, 'netns'>): WireguardFacts | undefined {
  using netlink = openNetlink({ netns, protocol: uapi.NETLINK_GENERIC });
  const family = findFamily(netlink, 'wireguard');
  if (family === undefined) return undefined;
  const facts: WireguardFacts = { peers: [] };
  const request = genericRequest(`WG_CMD_GET_DEVICE ${ifindex}`, family, wg.WG_CMD_GET_DEVICE, [[wg.WGDEVICE_A_IFINDEX, u32(ifindex)]]);
  netlink.dump(request, (bytes, start, end) => readWireguard(facts, bytes, start + GENLMSGHDR, end));
  return facts;
}

/** Adds what one message tells; a device with many peers takes several, and a peer may go on in the next. */
export function readWireguard(facts: WireguardFacts, bytes: Buffer, start: number, end: number): void {
  walk(bytes, start, end, (type, from, to) => {
    switch (type) {
      case wg.WGDEVICE_A_PUBLIC_KEY: facts.publicKey = bytes.toString('base64', from, to); break;
      case wg.WGDEVICE_A_LISTEN_PORT: facts.listenPort = bytes.readUInt16LE(from); break;
      case wg.WGDEVICE_A_FWMARK: facts.firewallMark = bytes.readUInt32LE(from); break;
      case wg.WGDEVICE_A_PEERS: walk(bytes, from, to, (_index, first, last) => addPeer(facts.peers, readPeer(bytes, first, last))); break;
      default: break;
    }
  });
}

function addPeer(peers: WireguardPeer[], peer: WireguardPeer): void {
  const known = peers.at(-1);
  if (known?.publicKey === peer.publicKey) known.allowedIps.push(...peer.allowedIps);
  else peers.push(peer);
}

function readPeer(bytes: Buffer, start: number, end: number): WireguardPeer {
  const peer: WireguardPeer = { publicKey: '', allowedIps: [] };
  walk(bytes, start, end, (type, from, to) => {
    switch (type) {
      case wg.WGPEER_A_PUBLIC_KEY: peer.publicKey = bytes.toString('base64', from, to); break;
      case wg.WGPEER_A_ENDPOINT: peer.endpoint = readEndpoint(bytes, from); break;
      case wg.WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL: peer.keepaliveSeconds = bytes.readUInt16LE(from); break;
      case wg.WGPEER_A_LAST_HANDSHAKE_TIME: peer.lastHandshakeSeconds = Number(bytes.readBigInt64LE(from)); break;
      case wg.WGPEER_A_RX_BYTES: peer.rxBytes = bytes.readBigUInt64LE(from); break;
      case wg.WGPEER_A_TX_BYTES: peer.txBytes = bytes.readBigUInt64LE(from); break;
      case wg.WGPEER_A_ALLOWEDIPS: walk(bytes, from, to, (_index, first, last) => peer.allowedIps.push(readAllowedIp(bytes, first, last))); break;
      default: break;
    }
  });
  return peer;
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
function readEndpoint(bytes: Buffer, at: number): string {
  const port = bytes.readUInt16BE(at + 2);
  return bytes.readUInt16LE(at) === socket.AF_INET ? `${readIp(bytes, at + 4, at + 8)}:${port}` : `[${readIp(bytes, at + 8, at + 24)}]:${port}`;
}

function readAllowedIp(bytes: Buffer, start: number, end: number): string {
  let [address, length] = ['', 0];
  walk(bytes, start, end, (type, from, to) => {
    if (type === wg.WGALLOWEDIP_A_IPADDR) address = readIp(bytes, from, to);
    if (type === wg.WGALLOWEDIP_A_CIDR_MASK) length = bytes[from]!;
  });
  return `${address}/${length}`;
}
