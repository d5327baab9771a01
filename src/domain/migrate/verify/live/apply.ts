/**
 * The live run: the real rules in a scratch namespace, and the engine just before them, which only looks.
 *
 *   packet -> conntrack, routing -> shadow_before (what eBPF decides) -> iptables -> shadow_after (it was accepted)
 *
 * Both judge the very same packet in the very same state, so nothing about it has to be foretold.
 */

import { attachNetfilter, RingReader } from '../../../../kernel/bpf/index.ts';
import type { Fd } from '../../../../kernel/syscalls/index.ts';
import { restoreTable, saveText } from '../../../../tools/iptables.ts';
import { DecodedImage, Field, filterTable, HOOKS, numberRules, StateBase, type CounterMode, type HookName } from '../../../classifier/index.ts';
import { parseSave, type Ruleset } from '../../../netfilter/index.ts';
import { loadGeneration } from '../../engine/apply.ts';
import { describeKey, describeOutcome } from '../../explain.ts';
import { filterText } from '../../plan-file.ts';
import type { FamilyPlan } from '../../plan.ts';
import type { VerifyReport } from '../../report.ts';
import type { Key } from '../craft.ts';
import { boundaryKeys } from '../regions.ts';
import { isUncertain, MOST_EXAMPLES, tally, uncertainRules, type CounterExample } from '../tally.ts';
import { ScratchNetwork } from './network/apply.ts';
import { TRACKING_TABLE } from './plan.ts';

/** Packets between two readings of the ring buffer, which holds about 25,000 events. */
const BATCH = 500;
const PRIORITY = { before: -1, after: 1 };

interface LiveResult {
  run: VerifyReport['runs'][number];
  examples: CounterExample[];
}

/** Sends up to `limit` packets through each hook. Everything that is set up is taken away again. */
export async function runLive(plan: FamilyPlan, counters: CounterMode, limit: number, random: () => number): Promise<LiveResult> {
  const network = new ScratchNetwork(plan.ruleset);
  try {
    await network.build(plan.backend);
    return await new LiveRun(plan, counters, network, random).run(limit);
  } finally {
    await network.remove();
  }
}

/** What the shadow saw of one packet. */
interface Seen {
  hook: number;
  leaf: number;
  key: number[];
}

class LiveRun {
  readonly #plan: FamilyPlan;
  readonly #counters: CounterMode;
  readonly #network: ScratchNetwork;
  readonly #random: () => number;
  readonly #uncertain: ReadonlySet<number>;
  readonly #leafPackets = new Map<number, number>();
  /** Packets that passed the shadow and have not come out behind the rules, by buffer address. */
  readonly #pending = new Map<string, Seen>();
  readonly #examples: CounterExample[] = [];
  #judged = 0;
  #skipped = 0;
  #differ = 0;

  constructor(plan: FamilyPlan, counters: CounterMode, network: ScratchNetwork, random: () => number) {
    this.#plan = plan;
    this.#counters = counters;
    this.#network = network;
    this.#random = random;
    this.#uncertain = uncertainRules(plan);
  }

  async run(limit: number): Promise<LiveResult> {
    const image = new DecodedImage(this.#plan.image.bytes, this.#plan.image.leaves);
    const keys = this.#plan.hooks.flatMap(({ hook }) => boundaryKeys(image, hook, limit, this.#random).map((key): [HookName, Key] => [hook, key]));
    await this.#establish(keys);
    const generation = loadGeneration(this.#plan.family, this.#plan.image, { programs: ['shadow_before', 'shadow_after'] });
    const links: Fd[] = [];
    const ring = new RingReader(generation.object.map('events'));
    try {
      await this.#restore(filterText(this.#plan.ruleset));
      for (const [program, priority] of [['shadow_before', PRIORITY.before], ['shadow_after', PRIORITY.after]] as const)
        for (const { hook } of this.#plan.hooks)
          links.push(attachNetfilter(generation.object.program(program), { family: this.#plan.family === 'ipv4' ? 2 : 10, hook: HOOKS[hook], priority }, this.#network.path));
      const before = await this.#readCounters();
      ring.drain(() => undefined);
      const sent = await this.#sendAll(keys, ring);
      return this.#report(sent, this.#compareCounters(before, await this.#readCounters()));
    } finally {
      ring.close();
      for (const link of links) link.close();
      generation.close();
    }
  }

  /** Lets connections come about before the rules stand: a packet and its answer. */
  async #establish(keys: readonly (readonly [HookName, Key])[]): Promise<void> {
    const established = keys.filter(([, key]) => key[Field.STATE]! % 5 === StateBase.ESTABLISHED).slice(0, BATCH);
    if (established.length === 0) return;
    await this.#restore(TRACKING_TABLE);
    for (const [hook, key] of established) {
      this.#network.send(hook, key, this.#random);
      this.#network.send('FORWARD', mirror(key), this.#random);
    }
  }

  async #sendAll(keys: readonly (readonly [HookName, Key])[], ring: RingReader): Promise<number> {
    let sent = 0;
    for (const [i, [hook, key]] of keys.entries()) {
      if (this.#network.send(hook, key, this.#random)) sent++;
      if (i % BATCH === BATCH - 1) ring.drain((record) => this.#judge(record));
    }
    // Packets are judged in the sender's own time, but the last may still sit in a backlog.
    await new Promise((resolve) => setTimeout(resolve, 50));
    ring.drain((record) => this.#judge(record));
    for (const seen of this.#pending.values()) this.#compare(seen, false);
    this.#pending.clear();
    return sent;
  }

  /** `struct event` of bpf/filter.bpf.c. */
  #judge(record: Buffer): void {
    const hook = record.readUInt32LE(12);
    const buffer = `${record.readBigUInt64LE(0)}/${hook}`;
    const earlier = this.#pending.get(buffer);
    this.#pending.delete(buffer);
    const passed = record.readUInt32LE(8) === 1;
    if (earlier !== undefined) this.#compare(earlier, passed);
    if (passed) return;
    const leaf = record.readUInt32LE(16) % 2 ** 29;
    this.#leafPackets.set(leaf, (this.#leafPackets.get(leaf) ?? 0) + 1);
    this.#pending.set(buffer, { hook, leaf, key: Array.from({ length: 24 }, (_, word) => record.readUInt32LE(24 + word * 4)) });
  }

  #compare({ hook, leaf, key }: Seen, accepted: boolean): void {
    const outcome = this.#plan.image.leaves[leaf]!;
    if (isUncertain(outcome, key, this.#uncertain)) {
      this.#skipped++;
      return;
    }
    this.#judged++;
    if (accepted === (outcome.verdict === 'ACCEPT')) return;
    this.#differ++;
    if (this.#examples.length >= MOST_EXAMPLES) return;
    const name = (Object.keys(HOOKS) as HookName[]).find((candidate) => HOOKS[candidate] === hook)!;
    this.#examples.push({
      family: this.#plan.family, hook: name, packet: describeKey(this.#plan.family, key),
      expected: `iptables: ${accepted ? 'ACCEPT' : 'DROP'}`, actual: describeOutcome(this.#plan, outcome),
    });
  }

  #restore(text: string): Promise<void> {
    return restoreTable(text, { family: this.#plan.family, backend: this.#plan.backend, netns: this.#network.path });
  }

  async #readCounters(): Promise<bigint[]> {
    const { family, backend } = this.#plan;
    const ruleset = parseSave(await saveText({ family, backend, netns: this.#network.path, table: 'filter' }), { family, backend, source: 'scratch' });
    return packetsById(ruleset);
  }

  /** Rules whose packets differ; undefined where packets met rules that only the kernel can judge. */
  #compareCounters(before: readonly bigint[], after: readonly bigint[]): number | undefined {
    if (this.#counters === 'verdict' || this.#skipped > 0) return undefined;
    const leaves = [...this.#leafPackets].map(([leaf, packets]) => [this.#plan.image.leaves[leaf]!, packets] as const);
    const expected = tally(leaves, this.#plan.ruleIds.count);
    return expected.filter((packets, id) => Number(after[id]! - before[id]!) !== packets).length;
  }

  #report(sent: number, countersDiffer: number | undefined): LiveResult {
    const notes = [
      ...(sent > this.#judged ? [`${sent - this.#judged} of ${sent} sent never reached the rules or met a rule that only the kernel can judge`] : []),
      ...(countersDiffer === undefined ? ['counters not compared'] : []),
    ];
    return {
      run: {
        family: this.#plan.family, how: `live against iptables-${this.#plan.backend}`, packets: this.#judged, verdictsDiffer: this.#differ,
        countersDiffer: countersDiffer ?? 0, ...(notes.length === 0 ? {} : { note: notes.join('; ') }),
      },
      examples: this.#examples,
    };
  }
}

/** The answer to a packet. */
function mirror(key: Key): number[] {
  const answer = [...key];
  for (let word = 0; word < 4; word++) [answer[Field.SRC + word], answer[Field.DST + word]] = [key[Field.DST + word]!, key[Field.SRC + word]!];
  [answer[Field.SPORT], answer[Field.DPORT]] = [key[Field.DPORT]!, key[Field.SPORT]!];
  // An echo request is answered by an echo reply.
  if (key[Field.ICMP] === 0x0800) answer[Field.ICMP] = 0;
  if (key[Field.ICMP] === 0x8000) answer[Field.ICMP] = 0x8100;
  return answer;
}

function packetsById(ruleset: Ruleset): bigint[] {
  const ids = numberRules(ruleset);
  const packets = new Array<bigint>(ids.count).fill(0n);
  for (const chain of filterTable(ruleset)!.chains) {
    for (const rule of chain.rules) packets[ids.id(chain.name, rule.number)] = rule.counters?.packets ?? 0n;
    if (chain.name in HOOKS) packets[ids.policyId(chain.name as HookName)] = chain.counters?.packets ?? 0n;
  }
  return packets;
}
