import { formatAddress } from '../../../lib/ip.ts';
import { protocolName } from '../../../lib/packet/names.ts';
import type { Backend, ConntrackState } from '../model.ts';
import { objectOf } from './object.ts';
import type { Packet } from './packet.ts';
import type { Step } from './path.ts';
import type { Origin } from './routing.ts';
import type { BackendCount, WalkSummary } from './verdict.ts';

/** The answer of `iptables test`, as it is printed. */
export interface PacketTest {
  /** The packet that was asked about. */
  packet: PacketSummary;
  verdict: WalkSummary['verdict'];
  /** Number of the step that decided, from 1; absent when no step did. */
  decidedAt?: number;
  steps: PacketTestStep[];
  /** Given when the rules choose between several backends at random. */
  backends?: BackendCount;
  /** Why the verdict is `undetermined`. */
  reasons: string[];
  /** What was assumed or is worth knowing, one sentence an entry. */
  notes: string[];
}

/** The packet in the words of the command line. */
export interface PacketSummary {
  /** Name or number. */
  protocol: string;
  from: string;
  to: string;
  inInterface?: string;
  state: string;
  origin: Origin;
}

/** One step, with the place in the words of the command line. */
export interface PacketTestStep {
  step: number;
  kind: Step['kind'];
  backend?: Backend;
  /** `table/CHAIN#NUMBER`, `table/CHAIN`, or `routing`. */
  at: string;
  action: string;
  object?: string;
  /** The rule may also not have matched; nothing that follows depends on it. */
  assumed: boolean;
}

/** Puts the result of a walk into words. */
export function reportWalk(
  summary: WalkSummary, question: { packet: Packet; states: readonly ConntrackState[]; origin: Origin }, notes: readonly string[],
): PacketTest {
  const { verdict, decidedAt, backends, reasons } = summary;
  return {
    packet: summarizePacket(question),
    verdict,
    ...(decidedAt === undefined ? {} : { decidedAt: decidedAt + 1 }),
    steps: summary.steps.map(describeStep),
    ...(backends === undefined ? {} : { backends }),
    reasons,
    notes: [...notes, ...guessedRules(summary)],
  };
}

function summarizePacket({ packet, states, origin }: { packet: Packet; states: readonly ConntrackState[]; origin: Origin }): PacketSummary {
  return {
    protocol: protocolName(packet.protocol),
    from: socket(packet.source, packet.sourcePort),
    to: socket(packet.destination, packet.destinationPort),
    ...(packet.inInterface === undefined || packet.inInterface === '' ? {} : { inInterface: packet.inInterface }),
    state: states.join(','),
    origin,
  };
}

function socket(address: Packet['source'], port: number | undefined): string {
  const text = address === undefined ? '?' : formatAddress(address);
  if (port === undefined) return text;
  return text.includes(':') ? `[${text}]:${port}` : `${text}:${port}`;
}

function describeStep(step: Step, index: number): PacketTestStep {
  const object = step.rule === undefined ? undefined : objectOf(step.rule);
  const place = `${step.table}/${step.chain}${step.number === undefined ? '' : `#${step.number}`}`;
  return {
    step: index + 1, kind: step.kind, ...(step.backend === undefined ? {} : { backend: step.backend }),
    at: step.kind === 'routing' ? 'routing' : place, action: step.action, ...(object === undefined ? {} : { object }), assumed: step.assumed,
  };
}

function guessedRules({ verdict, doubtful }: WalkSummary): string[] {
  if (verdict === 'undetermined' || doubtful.length === 0) return [];
  const rules = doubtful.map(({ table, rule, unknown }) => `${table}/${rule.chain}#${rule.number} (${unknown.join(', ')})`);
  const [some, more] = [rules.slice(0, 5), rules.length - 5];
  return [`the verdict is the same whether or not these rules match: ${some.join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
}
