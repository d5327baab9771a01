/**
 * Packets of hostile senders, and filters of careless users. The seed is printed and, when a run fails, part of the failure;
 * `SLUICE_FUZZ_SEED=N` runs the same again.
 */

import { expect, test } from 'vitest';
import { compileFilter } from '../../src/domain/vxlan/capture/filter/compile.ts';
import { readTunnelPacket } from '../../src/domain/vxlan/capture/headers.ts';
import { formatPacket } from '../../src/domain/vxlan/capture/line.ts';
import { ParseError } from '../../src/lib/errors.ts';
import { encapsulate, ethernet, innerFrame, MACS } from '../support/tunnel-packets.ts';
import { seeded } from '../unit/classifier/rules.ts';

const SEED = Number(process.env['SLUICE_FUZZ_SEED'] ?? Date.now() % 1_000_000_000);
process.stderr.write(`fuzz seed: SLUICE_FUZZ_SEED=${SEED}\n`);

const ROUNDS = 20_000;

const PACKETS = [
  encapsulate(innerFrame({ from: '10.0.0.1', to: '10.0.0.2', protocol: 6, sourcePort: 80, destinationPort: 90, tcpFlags: 2 })),
  encapsulate(innerFrame({ from: 'fd00::1', to: 'fd00::2', protocol: 0 }), { from: 'fd00::a', to: 'fd00::b' }),
  encapsulate(ethernet(MACS.inner, 0x8100, Buffer.alloc(60))),
  encapsulate(ethernet(MACS.inner, 0x0806, Buffer.alloc(28))),
];

test('a damaged packet is a line without control characters, or none', () => {
  const random = seeded(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = Buffer.from(PACKETS[random(PACKETS.length)]!);
    for (let i = random(8); i > 0; i--) bytes[random(bytes.length)] = random(256);
    const cut = bytes.subarray(0, random(4) === 0 ? random(bytes.length) : bytes.length);
    const packet = readTunnelPacket(cut, { linkHeader: random(2) === 0 });
    expect(packet === undefined ? '' : formatPacket(packet), `seed ${SEED} round ${round}: ${cut.toString('hex')}`).toMatch(/^[\x20-\x7e]*$/);
  }
});

const WORDS = [
  'ip', 'ip6', 'arp', 'tcp', 'udp', 'icmp', 'ether', 'host', 'net', 'port', 'portrange', 'src', 'dst', 'and', 'or', 'not', '(', ')', '!', '&&', '||', 'proto', 'mask', 'vxlan', 'vni', '10.0.0.1', 'fd00::1', '80',
  '10.0.0.0/8', '1-2', '02:00:00:00:00:01', '-', '/', '::', '99999999999', 'constructor', '__proto__', '[', '\0', 'é', '\u202e', '.', 'x'.repeat(100), '(('.repeat(50),
];

test('any words are compiled, or refused with a column inside them', () => {
  const random = seeded(SEED);
  const packet = readTunnelPacket(PACKETS[0]!, { linkHeader: false })!;
  const outcomes = { compiled: 0, refused: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const text = Array.from({ length: 1 + random(7) }, () => WORDS[random(WORDS.length)]).join(random(5) === 0 ? '' : ' ');
    const outcome = attempt(() => compileFilter(text)(packet), text.length);
    expect(['compiled', 'refused'], `seed ${SEED}: ${JSON.stringify(text)}: ${outcome}`).toContain(outcome);
    outcomes[outcome as 'compiled']++;
  }
  expect(Math.min(outcomes.compiled, outcomes.refused)).toBeGreaterThan(100);
});

/** `compiled`, `refused`, or what else happened. */
function attempt(work: () => boolean, length: number): string {
  try {
    return typeof work() === 'boolean' ? 'compiled' : 'no answer';
  } catch (error) {
    if (!(error instanceof ParseError)) return String(error);
    return error.column >= 1 && error.column <= length + 1 ? 'refused' : `refused at column ${error.column}`;
  }
}
