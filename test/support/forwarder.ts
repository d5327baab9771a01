/** Two namespaces: one sends crafted frames, the other forwards them through its rules. */

import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend, Family } from '../../src/domain/netfilter/index.ts';
import { toFrame, type FrameSpec } from './frames.ts';

/** Where frames go in and come out. */
export const IN_INTERFACE = 'eth-in';
export const OUT_INTERFACE = 'eth-out';

const IN_MAC = '02:00:00:00:01:01';
const SENDER_MAC = '02:00:00:00:01:02';

/** Sends each line of hex on standard input as one frame. */
const SENDER = `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("send", 0))
for line in sys.stdin: s.send(bytes.fromhex(line))
`;

export interface Forwarder {
  /** Path of the namespace that holds the rules. */
  netns: string;
  load(text: string, family: Family, backend: Backend): void;
  send(specs: readonly FrameSpec[]): void;
  /** `iptables-save -c` of one table. */
  save(table: string, family: Family, backend: Backend): string;
  close(): void;
}

let made = 0;

/** @throws when not root. */
export function makeForwarder(): Forwarder {
  made += 1;
  const [sender, router] = [`wk-s${process.pid}-${made}`, `wk-r${process.pid}-${made}`];
  ip(`netns add ${sender}`);
  ip(`netns add ${router}`);
  const close = (): void => [sender, router].forEach((name) => ip(`netns del ${name}`));
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
    send: (specs) => void within(sender, ['python3', '-c', SENDER], specs.map((spec) => `${toFrame(spec, IN_MAC, SENDER_MAC).toString('hex')}\n`).join('')),
    save: (table, family, backend) => within(router, [tool(family, backend, 'save'), '-c', '-t', table], ''),
  };
}

const tool = (family: Family, backend: Backend, what: string): string => `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}-${what}`;

function wire(sender: string, router: string): void {
  ip(`link add send netns ${sender} address ${SENDER_MAC} type veth peer name ${IN_INTERFACE} netns ${router} address ${IN_MAC}`);
  ip(`link add sink netns ${sender} address 02:00:00:00:02:02 type veth peer name ${OUT_INTERFACE} netns ${router} address 02:00:00:00:02:01`);
  for (const name of ['send', 'sink']) ip(`-n ${sender} link set ${name} up`);
  for (const name of ['lo', IN_INTERFACE, OUT_INTERFACE]) ip(`-n ${router} link set ${name} up`);
  within(router, ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.conf.all.rp_filter=0',
    `net.ipv4.conf.${IN_INTERFACE}.rp_filter=0`], '');
  const addresses = [['10.9.1.1/24', IN_INTERFACE], ['10.9.2.1/24', OUT_INTERFACE], ['fd09:1::1/64', IN_INTERFACE], ['fd09:2::1/64', OUT_INTERFACE]];
  for (const [address, name] of addresses) ip(`-n ${router} addr add ${address} dev ${name}${address!.includes(':') ? ' nodad' : ''}`);
  for (const route of ['10.0.0.0/8', 'fd00::/8']) ip(`-n ${router} route add ${route} dev ${OUT_INTERFACE} via ${route.includes(':') ? 'fd09:2::2' : '10.9.2.2'}`);
  for (const next of ['10.9.2.2', 'fd09:2::2']) ip(`-n ${router} neigh add ${next} lladdr 02:00:00:00:02:02 dev ${OUT_INTERFACE} nud permanent`);
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
