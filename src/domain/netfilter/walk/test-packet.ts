import { NotFoundError, UsageError } from '../../../lib/errors.ts';
import { parseAddress } from '../../../lib/ip.ts';
import type { Rulesets } from '../inspect.ts';
import { readRequested, type ListRequest } from '../list.ts';
import type { Ruleset } from '../model.ts';
import { readRouting, type NodeRouting } from './inspect.ts';
import { readPacket, type PacketQuestion, type PacketWords } from './packet-words.ts';
import { reportWalk, type PacketTest } from './report.ts';
import { sameAddress, statedRouting, staticType, type Origin, type Routing } from './routing.ts';
import { summarizeWalk } from './verdict.ts';
import { walkPacket } from './walk.ts';

/** The question of `iptables test`. */
export interface PacketTestRequest extends Omit<ListRequest, 'families'> {
  packet: PacketWords;
  /** Where the packet goes; derived from routing when absent. */
  hook?: Hook | undefined;
  /** The node's own addresses, for a dump. */
  local?: readonly string[] | undefined;
  /** Ask this node's routes also for a dump. */
  viaRoute?: boolean | undefined;
}

/** The ways through a node: up to a process, through, or out of a process. */
export type Hook = 'local-in' | 'forward' | 'local-out';

/** What the routing side of the question came to. */
interface Way {
  question: PacketQuestion;
  origin: Origin;
  routing: Routing;
  notes: string[];
}

/**
 * Says what the rules do to one packet, and why.
 *
 * @throws UsageError for a packet that cannot be understood; NotFoundError for an interface that does not exist;
 *   ParseError for a bad dump.
 */
export async function testPacket(request: PacketTestRequest): Promise<PacketTest> {
  const question = readPacket(request.packet);
  if (request.hook === 'local-out' && request.packet.in !== undefined) throw new UsageError('a packet of the node itself has no input interface');
  const { rulesets, warnings } = await readRules(request, question);
  const way = request.file === undefined || request.viaRoute === true ? await askNode(request, question) : takeWord(request, question);
  const paths = await walkPacket({ rulesets, ...way.question, origin: way.origin, routing: way.routing });
  return reportWalk(summarizeWalk(paths), { ...way.question, origin: way.origin }, [...warnings, ...way.notes, ...skippedNat(question, rulesets)]);
}

async function readRules({ file, backend, netns }: PacketTestRequest, { packet }: PacketQuestion): Promise<Rulesets> {
  const where = { ...(file === undefined ? {} : { file }), ...(netns === undefined ? {} : { netns }) };
  const { rulesets, warnings } = await readRequested({ families: [packet.family], backend, ...where });
  if (rulesets.length < 2) return { rulesets, warnings };
  return { rulesets: rulesets.toSorted(nftFirst), warnings: [...warnings, 'which backend is first at a hook cannot be seen: iptables-nft is taken to be'] };
}

/** Of hooks with one priority the one that was registered last runs first. @kernel net/netfilter/core.c nf_hook_entries_grow */
const nftFirst = (a: Ruleset, b: Ruleset): number => Number(a.backend === 'legacy') - Number(b.backend === 'legacy');

/** Routing by the node's own tables, as far as the user does not overrule them. */
async function askNode(request: PacketTestRequest, question: PacketQuestion): Promise<Way> {
  const { packet } = question;
  const node = await readRouting(packet.family, request.netns?.path);
  for (const name of [request.packet.in, request.packet.out]) {
    if (name !== undefined && !node.hasInterface(name)) throw new NotFoundError(`no interface ${name}`, { hints: ['ip link'] });
  }
  const isOwn = request.packet.in === undefined && packet.source !== undefined && node.addressType(packet.source) === 'LOCAL';
  const origin = request.hook === 'local-out' || (request.hook === undefined && isOwn) ? 'local' : 'outside';
  const routing = overrule(node, request);
  if (origin === 'local' || packet.inInterface !== undefined) return { question, origin, routing, notes: [] };
  return { origin, routing, ...await guessInput(node, question) };
}

/** Without `--in` the packet comes in where an answer to it would go out. */
async function guessInput(node: NodeRouting, question: PacketQuestion): Promise<Pick<Way, 'question' | 'notes'>> {
  const inInterface = await node.inputInterface(question.packet.source!);
  if (inInterface === undefined) return { question, notes: ['the input interface is not known: there is no route back to the source; say --in'] };
  const notes = [`comes in by ${inInterface}, where the route back to the source goes`];
  return { question: { ...question, packet: { ...question.packet, inInterface } }, notes };
}

/** `--hook` and `--out` go before what the node says. */
function overrule(node: NodeRouting, { hook, packet: { out } }: PacketTestRequest): Routing {
  if (hook === undefined && out === undefined) return node;
  return {
    ...node,
    route: async (packet, origin) => {
      if (hook === 'local-in' && origin === 'outside') return { kind: 'local' };
      if (out !== undefined) return { kind: 'out', interface: out };
      const route = await node.route(packet, origin);
      return hook === 'forward' && route.kind === 'local' ? { kind: 'out', interface: undefined } : route;
    },
  };
}

/** Routing for a dump: only what the user says. */
function takeWord(request: PacketTestRequest, question: PacketQuestion): Way {
  const localAddresses = request.local?.map(readLocal);
  const { hook, packet: { out } } = request;
  const isLocal = (address: readonly number[] | undefined): boolean => address !== undefined
    && (staticType(address) === 'LOCAL' || localAddresses?.some((local) => sameAddress(local, address)) === true);
  const { source, destination } = question.packet;
  const origin = hook === 'local-out' || (hook === undefined && question.packet.inInterface === undefined && isLocal(source)) ? 'local' : 'outside';
  const isGuess = hook === undefined && out === undefined && localAddresses === undefined && origin === 'outside' && !isLocal(destination);
  const routing = statedRouting({
    ...(hook === undefined ? {} : { hook }), ...(out === undefined ? {} : { outInterface: out }), ...(localAddresses === undefined ? {} : { localAddresses }),
  });
  return { question, origin, routing, notes: isGuess ? ['a dump does not say how the node routes: taken as forwarded; say --hook, --local or --via-route'] : [] };
}

function readLocal(text: string): number[] {
  const address = parseAddress(text);
  if (address === undefined) throw new UsageError(`--local ${text}: not an address`);
  return address;
}

/** The translation of a running connection is in the conntrack table, not in the rules. */
function skippedNat({ states }: PacketQuestion, rulesets: readonly Ruleset[]): string[] {
  const hasNat = rulesets.some(({ tables }) => tables.some(({ name, chains }) => name === 'nat' && chains.some(({ rules }) => rules.length > 0)));
  return hasNat && states.includes('ESTABLISHED') ? ['an established connection does not pass the nat table: the addresses are taken as they stand'] : [];
}
