/** Building the scratch network, and sending packets through it. */

import { openSocket, sendTo, setSocketOption, type Fd } from '../../../../../kernel/syscalls/index.ts';
import { inNetns } from '../../../../../kernel/netns/index.ts';
import { deleteNamespace, ipBatch, linkNumbers, setParameters } from '../../../../../tools/index.ts';
import { restoreTable } from '../../../../../tools/iptables.ts';
import { SyscallError } from '../../../../../lib/errors.ts';
import { addressWords, Field, type HookName } from '../../../../classifier/index.ts';
import type { Backend, Family, Ruleset } from '../../../../netfilter/index.ts';
import { craftPacket, type Key } from '../../craft.ts';
import { deviceAddress, layOutDevices, linkLines, LOCAL_CLASS, markAddress, marksOf, markTable, nodeLines, type Device } from '../plan.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const AF_PACKET = 17;
const SOCK_RAW = 3;
const IPPROTO_RAW = 255;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const SO_MARK = 36;

const PARAMETERS = {
  'net.ipv4.ip_forward': 1, 'net.ipv4.conf.default.rp_filter': 0, 'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.default.accept_local': 1,
  'net.ipv4.conf.all.accept_local': 1, 'net.ipv4.conf.default.route_localnet': 1, 'net.ipv6.conf.all.forwarding': 1,
  'net.ipv6.conf.default.accept_dad': 0, 'net.ipv6.conf.all.accept_dad': 0, 'net.ipv6.conf.default.router_solicitations': 0,
  'net.ipv6.conf.default.accept_ra': 0,
};

/** A node with devices whose other ends we hold. */
export class ScratchNetwork {
  readonly node: string;
  readonly devices: readonly Device[];
  readonly #peers: string;
  readonly #family: Family;
  readonly #marks: readonly number[];
  #numbers = new Map<string, number>();
  #inject: Fd | undefined;
  #output = new Map<string, Fd>();

  constructor(ruleset: Ruleset) {
    this.node = `sl-verify-${process.pid}-a`;
    this.#peers = `sl-verify-${process.pid}-b`;
    this.#family = ruleset.family;
    this.devices = layOutDevices(ruleset);
    this.#marks = marksOf(ruleset);
  }

  get path(): string {
    return `/run/netns/${this.node}`;
  }

  async build(backend: Backend): Promise<void> {
    await ipBatch([`netns add ${this.node}`, `netns add ${this.#peers}`]);
    await setParameters(PARAMETERS, this.path);
    await ipBatch(linkLines(this.devices, this.node, this.#peers));
    await ipBatch(this.devices.map(({ peer }) => `link set ${peer} up`), this.#peers);
    await ipBatch(nodeLines(this.devices, this.#family), this.node, this.#family === 'ipv6' ? 'ipv6' : undefined);
    if (this.#marks.length > 0) await restoreTable(markTable(this.#marks), { family: this.#family, backend, netns: this.path });
    this.#numbers = await linkNumbers(this.#peers);
    this.#inject = inNetns(`/run/netns/${this.#peers}`, () => openSocket(AF_PACKET, SOCK_RAW, 0));
    for (const { name } of this.devices) this.#output.set(name, inNetns(this.path, () => this.#openOutput(name)));
  }

  /** Sends the packet of a key so that it comes to `hook`; false where the kernel does not take it. */
  send(hook: HookName, key: Key, random: () => number): boolean {
    const pick = (): Device => this.devices[Math.floor(random() * this.devices.length)]!;
    const trafficClass = hook === 'INPUT' ? LOCAL_CLASS : pick().trafficClass;
    const packet = craftPacket(this.#family, key, trafficClass);
    if (packet === undefined) return false;
    try {
      if (hook === 'OUTPUT') this.#sendOut(pick(), key, packet);
      else this.#injectFrame(pick(), key, packet);
      return true;
    } catch (error) {
      // The stack refuses some addresses before any rule is asked.
      if (error instanceof SyscallError) return false;
      throw error;
    }
  }

  async remove(): Promise<void> {
    this.#inject?.close();
    for (const socket of this.#output.values()) socket.close();
    await deleteNamespace(this.node);
    await deleteNamespace(this.#peers);
  }

  #injectFrame(device: Device, key: Key, packet: Buffer): void {
    const mark = this.#marks.indexOf(key[Field.MARK]!) + 1;
    const ethertype = Buffer.from(this.#family === 'ipv4' ? [8, 0] : [0x86, 0xdd]);
    const address = Buffer.alloc(20);
    address.writeUInt16LE(AF_PACKET, 0);
    ethertype.copy(address, 2);
    address.writeInt32LE(this.#numbers.get(device.peer)!, 4);
    address[11] = 6;
    deviceAddress(device.number).copy(address, 12);
    sendTo(this.#inject!, Buffer.concat([deviceAddress(device.number), markAddress(mark), ethertype, packet]), address);
  }

  #openOutput(device: string): Fd {
    const socket = openSocket(this.#family === 'ipv4' ? AF_INET : AF_INET6, SOCK_RAW, IPPROTO_RAW);
    setSocketOption(socket, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${device}\0`));
    return socket;
  }

  #sendOut(device: Device, key: Key, packet: Buffer): void {
    const socket = this.#output.get(device.name)!;
    setSocketOption(socket, SOL_SOCKET, SO_MARK, key[Field.MARK]! | 0);
    const ipv4 = this.#family === 'ipv4';
    const address = Buffer.alloc(ipv4 ? 16 : 28);
    address.writeUInt16LE(ipv4 ? AF_INET : AF_INET6, 0);
    for (let word = 0; word < addressWords(this.#family); word++) address.writeUInt32BE(key[Field.DST + word]!, (ipv4 ? 4 : 8) + word * 4);
    sendTo(socket, packet, address);
  }
}

