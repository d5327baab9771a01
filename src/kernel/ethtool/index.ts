/** What a network device's driver says of itself, as `ethtool -i` and `ethtool -k` print it. @kernel net/ethtool/ioctl.c */

import { inNetns } from '../netns/index.ts';
import { address, call, openSocket } from '../syscalls/index.ts';
import { ethtool as uapi, socket } from '../uapi/index.ts';

/**
 * Name of the driver.
 *
 * @throws SyscallError ENODEV for a device that is not there; EOPNOTSUPP for one whose driver says nothing.
 */
export function readDriver(device: string, netns?: string): string {
  const info = Buffer.alloc(196);
  info.writeUInt32LE(uapi.ETHTOOL_GDRVINFO, 0);
  ask(device, info, netns);
  return text(info.subarray(4, 36));
}

/** Whether each feature is on, by the names of `ethtool -k` as the kernel has them (`tx-checksum-ip-generic`). @throws SyscallError */
export function readFeatures(device: string, netns?: string): ReadonlyMap<string, boolean> {
  const names = readNames(device, netns);
  const words = Math.ceil(names.length / 32);
  const features = Buffer.alloc(8 + words * 16);
  features.writeUInt32LE(uapi.ETHTOOL_GFEATURES, 0);
  features.writeUInt32LE(words, 4);
  ask(device, features, netns);
  // Of each 32 features: available, requested, active, never changed.
  return new Map(names.map((name, i) => [name, ((features.readUInt32LE(8 + (i >> 5) * 16 + 8) >>> (i & 31)) & 1) === 1]));
}

function readNames(device: string, netns: string | undefined): string[] {
  const count = Buffer.alloc(20);
  count.writeUInt32LE(uapi.ETHTOOL_GSSET_INFO, 0);
  count.writeBigUInt64LE(1n << BigInt(uapi.ETH_SS_FEATURES), 8);
  ask(device, count, netns);
  const length = count.readUInt32LE(16);
  const strings = Buffer.alloc(12 + length * uapi.ETH_GSTRING_LEN);
  strings.writeUInt32LE(uapi.ETHTOOL_GSTRINGS, 0);
  strings.writeUInt32LE(uapi.ETH_SS_FEATURES, 4);
  strings.writeUInt32LE(length, 8);
  ask(device, strings, netns);
  return Array.from({ length }, (_, i) => text(strings.subarray(12 + i * uapi.ETH_GSTRING_LEN, 12 + (i + 1) * uapi.ETH_GSTRING_LEN)));
}

/** `ioctl(SIOCETHTOOL)` with a `struct ifreq` that points at the command. */
function ask(device: string, command: Buffer, netns: string | undefined): void {
  const request = Buffer.alloc(40);
  request.write(device.slice(0, 15), 0, 'latin1');
  request.writeBigUInt64LE(address(command), 16);
  using fd = inNetns(netns, () => openSocket(socket.AF_INET, socket.SOCK_DGRAM, 0));
  call('ioctl', `ioctl(SIOCETHTOOL ${device})`, fd.number, uapi.SIOCETHTOOL, request);
}

const text = (bytes: Buffer): string => bytes.toString('latin1', 0, bytes.includes(0) ? bytes.indexOf(0) : bytes.length);
