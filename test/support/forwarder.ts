/** Two namespaces: one sends crafted frames, the other forwards them through its rules. */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend, Family } from '../../src/domain/netfilter/index.ts';
import { toFrame, type FrameSpec } from './frames.ts';

/** Where frames go in and come out. */
export const IN_INTERFACE = 'eth-in';
export const OUT_INTERFACE = 'eth-out';

const IN_MAC = '02:00:00:00:01:01';
const SENDER_MAC = '02:00:00:00:01:02';
const OUT_MAC = '02:00:00:00:02:01';
const SINK_MAC = '02:00:00:00:02:02';

/** Sends each line of hex on standard input as one frame by the interface in the first argument. */
const SENDER = `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for line in sys.stdin: s.send(bytes.fromhex(line))
`;

/** Sends one datagram: source address, source port, destination address, destination port. */
const DATAGRAM = `
import socket, sys
a = sys.argv
s = socket.socket(socket.AF_INET6 if ":" in a[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((a[1], int(a[2])))
try: s.sendto(b"x", (a[3], int(a[4])))
except PermissionError: pass
`;

/** Receives datagrams at the ports of the arguments and never answers; says when it listens. */
const LISTENER = `
import socket, sys, time
held = []
for port in sys.argv[1:]:
  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
  s.bind(("0.0.0.0", int(port)))
  held.append(s)
print("ready", flush=True)
time.sleep(120)
`;

export interface Forwarder {
  /** Path of the namespace that holds the rules. */
  netns: string;
  load(text: string, family: Family, backend: Backend): void;
  /** Sends frames into `eth-in`. */
  send(specs: readonly FrameSpec[]): void;
  /** Sends frames into `eth-out`, as if they came back. */
  sendBack(specs: readonly FrameSpec[]): void;
  /** Sends a datagram from the namespace that holds the rules. */
  sendOwn(from: readonly [address: string, port: number], to: readonly [address: string, port: number]): void;
  /** Lets that namespace receive datagrams without answering. */
  listen(...ports: number[]): Promise<void>;
  /** `iptables-save -c`. */
  save(family: Family, backend: Backend): string;
  close(): void;
}

let made = 0;

/** @throws when not root. */
export function makeForwarder(): Forwarder {
  made += 1;
  const [sender, router] = [`wk-s${process.pid}-${made}`, `wk-r${process.pid}-${made}`];
  ip(`netns add ${sender}`);
  ip(`netns add ${router}`);
  const listeners: ChildProcess[] = [];
  const close = (): void => {
    listeners.forEach((listener) => listener.kill('SIGKILL'));
    [sender, router].forEach((name) => ip(`netns del ${name}`));
  };
  try {
    wire(sender, router);
  } catch (error) {
    close();
    throw error;
  }
  return {
    netns: `/run/netns/${router}`,
    close,
    load: (text, family, backend) => void within(router, [tool(family, backend, 'restore')], text),
    send: (specs) => void within(sender, ['python3', '-c', SENDER, 'send'], lines(specs, IN_MAC, SENDER_MAC)),
    sendBack: (specs) => void within(sender, ['python3', '-c', SENDER, 'sink'], lines(specs, OUT_MAC, SINK_MAC)),
    sendOwn: (from, to) => void within(router, ['python3', '-c', DATAGRAM, ...[...from, ...to].map(String)], ''),
    listen: async (...ports) => {
      const listener = spawn('ip', ['netns', 'exec', router, 'python3', '-c', LISTENER, ...ports.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
      listeners.push(listener);
      await once(listener.stdout, 'data');
    },
    save: (family, backend) => within(router, [tool(family, backend, 'save'), '-c'], ''),
  };
}

const lines = (specs: readonly FrameSpec[], destination: string, source: string): string =>
  specs.map((spec) => `${toFrame(spec, destination, source).toString('hex')}\n`).join('');

const tool = (family: Family, backend: Backend, what: string): string => `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}-${what}`;

function wire(sender: string, router: string): void {
  ip(`link add send netns ${sender} address ${SENDER_MAC} type veth peer name ${IN_INTERFACE} netns ${router} address ${IN_MAC}`);
  ip(`link add sink netns ${sender} address ${SINK_MAC} type veth peer name ${OUT_INTERFACE} netns ${router} address ${OUT_MAC}`);
  for (const name of ['send', 'sink']) ip(`-n ${sender} link set ${name} up`);
  for (const name of ['lo', IN_INTERFACE, OUT_INTERFACE]) ip(`-n ${router} link set ${name} up`);
  within(router, ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.conf.all.rp_filter=0',
    `net.ipv4.conf.${IN_INTERFACE}.rp_filter=0`, 'net.netfilter.nf_conntrack_checksum=0'], '');
  const addresses = [['10.9.1.1/24', IN_INTERFACE], ['10.9.2.1/24', OUT_INTERFACE], ['fd09:1::1/64', IN_INTERFACE], ['fd09:2::1/64', OUT_INTERFACE]];
  for (const [address, name] of addresses) ip(`-n ${router} addr add ${address} dev ${name}${address!.includes(':') ? ' nodad' : ''}`);
  for (const route of ['10.0.0.0/8', 'fd00::/8']) ip(`-n ${router} route add ${route} dev ${OUT_INTERFACE} via ${route.includes(':') ? 'fd09:2::2' : '10.9.2.2'}`);
  ip(`-n ${router} neigh add 10.9.1.5 lladdr ${SENDER_MAC} dev ${IN_INTERFACE} nud permanent`);
  for (const next of ['10.9.2.2', 'fd09:2::2']) ip(`-n ${router} neigh add ${next} lladdr ${SINK_MAC} dev ${OUT_INTERFACE} nud permanent`);
}

/** Reads again until `done` holds: frames pass the rules shortly after they were sent. */
export async function settle<T>(read: () => T, done: (value: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const value = read();
    if (done(value) || tries === 40) return value;
    await sleep(50);
  }
}

function ip(words: string): void {
  execFileSync('ip', words.split(' '), { stdio: ['ignore', 'ignore', 'inherit'] });
}

function within(netns: string, argv: readonly string[], input: string): string {
  return execFileSync('ip', ['netns', 'exec', netns, ...argv], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
}
