/** The decoder and the reader of captures against damage; the seed is printed, and `SLUICE_FUZZ_SEED=N` runs the same again. */

import { performance } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { OperationError } from '../../src/lib/errors.ts';
import { decodePacket, summarizePacket } from '../../src/lib/packet/decode.ts';
import { frameBytes } from '../../src/lib/packet/frame.ts';
import { parsePacketWords } from '../../src/lib/packet/words.ts';
import { readCapture } from '../../src/lib/pcap.ts';
import { writePcap } from '../support/pcap.ts';
import { seeded } from '../unit/classifier/rules.ts';

const SEED = Number(process.env['SLUICE_FUZZ_SEED'] ?? Date.now() % 1_000_000_000);
process.stderr.write(`fuzz seed: SLUICE_FUZZ_SEED=${SEED}\n`);

const WORDS = ['udp 10.0.0.1:1 > 10.0.0.2:4789 len 80', 'vlan 1 tcp [fd00::1]:1 > [fd00::2]:80', 'icmp 10.0.0.1 > 10.0.0.2', '4 10.0.0.1 > 10.0.0.2 payload hex:4500'];

function damage(bytes: Buffer, random: (below: number) => number): Buffer {
  const damaged = Buffer.from(bytes.subarray(0, random(4) === 0 ? random(bytes.length + 1) : bytes.length));
  for (let i = random(8); i > 0 && damaged.length > 0; i--) damaged[random(damaged.length)] = random(256);
  return damaged;
}

test('any bytes are decoded to fields that lie inside them', () => {
  const random = seeded(SEED);
  const deadline = performance.now() + 1000;
  for (let round = 0; round < 1000 || performance.now() < deadline; round++) {
    const bytes = damage(frameBytes(parsePacketWords(WORDS[round % WORDS.length]!)), random);
    const fields = decodePacket(bytes);
    expect(typeof summarizePacket(fields)).toBe('string');
    expect(fields.filter(({ at, length }) => at + length > bytes.length), `seed ${SEED} round ${round}`).toEqual([]);
  }
});

test('damaged captures are read or refused, and never anything else', () => {
  const random = seeded(SEED);
  const file = writePcap(WORDS.map((words) => frameBytes(parsePacketWords(words))));
  const deadline = performance.now() + 1000;
  let [read, refused] = [0, 0];
  for (let round = 0; round < 1000 || performance.now() < deadline; round++) {
    try {
      read += [...readCapture(damage(file, random), 'damaged')].length;
    } catch (error) {
      if (!(error instanceof OperationError)) throw new Error(`seed ${SEED} round ${round}`, { cause: error });
      refused++;
    }
  }
  expect(read).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});
