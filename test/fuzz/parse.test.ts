/**
 * The parser against generated rulesets and against damage. The seed is printed and, when a run fails, part of the failure;
 * `SLUICE_FUZZ_SEED=N` runs the same again.
 */

import { performance } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { ParseError } from '../../src/lib/errors.ts';
import { parseSave, printSave, printSaveBytes, type Backend, type Family } from '../../src/domain/netfilter/index.ts';
import { saveBytes } from '../../src/tools/iptables.ts';
import { requireRoot } from '../support/require.ts';
import { generateRuleset, type RulesetShape } from '../support/ruleset-generator.ts';
import { withNetns } from '../support/sluice.ts';
import { seeded } from '../unit/classifier/rules.ts';

const SEED = Number(process.env['SLUICE_FUZZ_SEED'] ?? Date.now() % 1_000_000_000);
process.stderr.write(`fuzz seed: SLUICE_FUZZ_SEED=${SEED}\n`);

const SHAPES: RulesetShape['shape'][] = ['mixed', 'mixed', 'mixed', 'flat', 'structured', 'overlapping'];

test.each<[Backend, Family]>([['legacy', 'ipv4'], ['legacy', 'ipv6'], ['nft', 'ipv4'], ['nft', 'ipv6']])(
  'what iptables-%s saves (%s) is printed back byte for byte', async (backend, family) => {
    requireRoot();
    const deadline = performance.now() + 1500;
    await withNetns(`fuzz`, async ({ path, run }) => {
      for (let round = 0; round === 0 || performance.now() < deadline; round++) {
        const shape: RulesetShape = { seed: SEED + round, rules: 40, family, backend, natives: true, shape: SHAPES[round % SHAPES.length]! };
        const text = generateRuleset(shape);
        run([`${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}-restore`], text);
        const bytes = await saveBytes({ family, backend, netns: path });
        expect(printSaveBytes(parseSave(bytes, { family, backend, source: 'saved' })).toString(), JSON.stringify(shape)).toBe(bytes.toString());
        expect(printSave(parseSave(text, { family, backend, source: 'written' })), JSON.stringify(shape)).toBe(text);
      }
    });
  },
);

/** Words that a hostile or careless writer may put anywhere. */
const WORDS = [
  'constructor', '__proto__', 'toString', 'hasOwnProperty', '-A', '-j', '-m', '-p', '-s', '!', '"', '""', '\\', '\0', '\r', '\t', '\n', '*filter', 'COMMIT', ':INPUT', ':X - [0:0]', '-g', '--', '-',
  '--dport', '--dport=', '--tcp-flags', '--mark', '[1:2]', '[', ']', '99999999999999999999', '0x', '-1', '1:2:3', '1/2/3', ',,,', ':', '/', '10.0.0.1/99', '::/129', 'é', '\u202e', '😀', '\ud800', '#', '-m tcp', '-m constructor',
  '-j constructor', '-p constructor', '--ctstate constructor', '--icmp-type constructor', 'x'.repeat(300), ' '.repeat(300), ','.repeat(300),
];

test('damaged text is parsed or refused with its place, and never anything else', () => {
  const random = seeded(SEED);
  const deadline = performance.now() + 3000;
  let [parsed, refused] = [0, 0];
  for (let round = 0; round < 50 || performance.now() < deadline; round++) {
    const family: Family = random(2) === 0 ? 'ipv4' : 'ipv6';
    const text = damage(generateRuleset({ seed: random(1_000_000), rules: 12, family, natives: true }), random);
    try {
      const ruleset = parseSave(text, { family, backend: random(2) === 0 ? 'legacy' : 'nft', source: 'damaged' });
      if (printSave(ruleset) !== text) throw new Error(`printed otherwise: ${JSON.stringify({ printed: printSave(ruleset), text })}`);
      parsed++;
    } catch (error) {
      if (!(error instanceof ParseError)) throw new Error(`seed ${SEED} round ${round}: ${JSON.stringify(text)}`, { cause: error });
      if (!isPlace(error, text)) throw new Error(`no such place: ${error.message} in ${JSON.stringify(text)}`, { cause: error });
      refused++;
    }
  }
  expect(parsed).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});

/** Several small changes: words put in, cut out, doubled, swapped, bytes flipped. */
function damage(text: string, random: (below: number) => number): string {
  let damaged = text;
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(damaged.length + 1);
    const length = random(2) === 0 ? random(4) : random(60);
    const word = WORDS[random(WORDS.length)]!;
    const [head, part, tail] = [damaged.slice(0, at), damaged.slice(at, at + length), damaged.slice(at + length)];
    damaged = [head + word + part + tail, head + tail, head + part + part + tail, `${head} ${word} ${tail}`, head + String.fromCharCode(random(256)) + tail, head][random(6)]!;
  }
  return damaged;
}

/** The place lies in the text, or right behind the end of a line, and the message is short and harmless. */
function isPlace({ line, column, message }: ParseError, text: string): boolean {
  const named = text.split('\n')[line - 1];
  return named !== undefined && column >= 1 && column <= named.length + 1 && message.length < 300 && !/[\p{Cc}\p{Cf}]/u.test(message);
}

// A quadratic step would take much longer than this for lines of the longest length that is read.
test('hostile lines take no long time', { timeout: 20_000 }, () => {
  const head = '*filter\n:INPUT ACCEPT [0:0]\n';
  const hostile = (size: number): string[] => [
    `${head}-A INPUT ${'-m x '.repeat(size / 5)}\nCOMMIT\n`, `${head}-A INPUT -s ${'1,'.repeat(size / 2)}\nCOMMIT\n`, `${head}-A INPUT -m comment --comment "${'\\"'.repeat(size / 2)}"\nCOMMIT\n`,
    `${head}-A INPUT ${'! '.repeat(size / 2)}\nCOMMIT\n`, `${head}-A INPUT -p tcp --dport ${'1:'.repeat(size / 2)}\nCOMMIT\n`, `${head}-A INPUT -p tcp -m multiport --ports ${'1,'.repeat(size / 2)}\nCOMMIT\n`,
    `${head}-A INPUT ${'--a b '.repeat(size / 6)}\nCOMMIT\n`, `${head}${' '.repeat(size)}x\nCOMMIT\n`, `${head}[${'9'.repeat(size)}:1] -A INPUT\nCOMMIT\n`, `${head}-A INPUT -m x ${'-y '.repeat(size / 3)}\nCOMMIT\n`,
    `${head}-A INPUT -p tcp ${'--dport 1 '.repeat(size / 10)}\nCOMMIT\n`, `${head}-A INPUT ${'-p tcp '.repeat(size / 7)}\nCOMMIT\n`,
    `${head}-A INPUT ${'-m x -y '.repeat(size / 8)}\nCOMMIT\n`, `${head}-A INPUT ${'-f '.repeat(size / 6)}-m x ${'-y '.repeat(size / 6)}\nCOMMIT\n`,
  ];
  for (const text of hostile(60_000)) {
    try {
      expect(printSave(parseSave(text, { family: 'ipv4', backend: 'legacy', source: 'hostile' }))).toBe(text);
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
    }
  }
});

test('a big ruleset is read whole', () => {
  const text = generateRuleset({ seed: SEED, rules: 20_000, shape: 'mixed', natives: true });
  expect(printSave(parseSave(text, { family: 'ipv4', backend: 'legacy', source: 'big' }))).toBe(text);
});
