/**
 * `npm run bench -- [TOPIC [WORD…]] [--full] [--json]`: sluice beside the native tools, in one run.
 *
 * A topic is a file of `topics/`; without one all are run. Nothing is asserted about time.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describeMachine } from './machine.ts';
import type { Bench, Say } from './topic.ts';

const FOLDER = join(import.meta.dirname, 'topics');

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const json = process.argv.includes('--json');
const full = process.argv.includes('--full');
const topics = readdirSync(FOLDER).map((file) => file.replace(/\.ts$/, '')).sort();
const [topic, ...args] = words;
if (topic !== undefined && !topics.includes(topic)) throw new Error(`no topic ${topic}; there are ${topics.join(', ')}`);

const say: Say = (text) => void (json || process.stdout.write(`${text}\n`));
say(describeMachine().join('\n'));
const results: Record<string, unknown> = { machine: describeMachine() };
for (const name of topic === undefined ? topics : [topic]) {
  say(`\n== ${name}`);
  const { bench } = (await import(join(FOLDER, `${name}.ts`))) as { bench: Bench };
  results[name] = await bench({ say, args, full });
}
if (json) process.stdout.write(`${JSON.stringify(results)}\n`);
