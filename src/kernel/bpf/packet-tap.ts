/** Programs that see packets without touching them: filters of packet sockets. */

import { inNetns } from '../netns/index.ts';
import { bindSocket, openSocket, setSocketOption, type Fd } from '../syscalls/index.ts';
import { socket as uapi } from '../uapi/index.ts';
import type { BpfProgram } from './program.ts';

/** Where packets are seen. */
export interface PacketTap {
  /** 0 for all devices of the namespace. */
  ifindex: number;
  netns?: string | undefined;
  /** Whether the program's packet begins with the link layer's header, or with that of the network. */
  linkHeader: boolean;
}

/**
 * Runs a socket filter on every packet that a device sends and receives, until the descriptor is closed.
 *
 * What the program answers is how many bytes are queued at the socket; it should answer 0, as nobody reads it.
 *
 * @throws SyscallError EPERM without CAP_NET_RAW; ENODEV for a device that is gone. @man packet(7), socket(7) SO_ATTACH_BPF
 */
export function openPacketTap(program: BpfProgram, { ifindex, netns, linkHeader }: PacketTap): Fd {
  // Protocol 0 receives nothing: packets start with the bind, when the filter stands.
  const socket = inNetns(netns, () => openSocket(uapi.AF_PACKET, linkHeader ? uapi.SOCK_RAW : uapi.SOCK_DGRAM, 0));
  try {
    setSocketOption(socket, uapi.SOL_SOCKET, uapi.SO_ATTACH_BPF, program.fd.number);
    bindSocket(socket, linkLayerAddress(ifindex));
  } catch (error) {
    socket.close();
    throw error;
  }
  return socket;
}

/** `struct sockaddr_ll` for all protocols. */
function linkLayerAddress(ifindex: number): Buffer {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(uapi.AF_PACKET, 0);
  address.writeUInt16BE(uapi.ETH_P_ALL, 2);
  address.writeInt32LE(ifindex, 4);
  return address;
}
