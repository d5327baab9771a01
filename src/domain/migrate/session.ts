import { OperationError } from '../../lib/errors.ts';
import { parseAddress } from '../../lib/ip.ts';
import { DecodedImage, Field, FIELD_COUNT, StateBase, type HookName, type Outcome } from '../classifier/index.ts';
import type { FamilyPlan } from './plan.ts';

/** The four numbers of `SSH_CONNECTION` and the device that holds the server's address. */
export interface SshSession {
  client: string;
  clientPort: number;
  server: string;
  serverPort: number;
  device: string;
}

const SYN = 2;
const ACK = 16;

/**
 * Checks that the new rules let the caller's own SSH session live: its packets both ways, and a new connection.
 *
 * @throws OperationError SL3005 naming what would be dropped.
 */
export function checkSession(families: readonly FamilyPlan[], session: SshSession): void {
  const client = parseAddress(session.client);
  const server = parseAddress(session.server);
  const plan = families.find(({ family }) => (family === 'ipv4' ? 1 : 4) === client?.length);
  if (client === undefined || server === undefined || plan === undefined) return;
  const inbound = { source: client, sourcePort: session.clientPort, destination: server, destinationPort: session.serverPort, device: session.device };
  const outbound = { source: server, sourcePort: session.serverPort, destination: client, destinationPort: session.clientPort, device: session.device };
  const cut = [
    { what: 'packets of the session', hook: 'INPUT', packet: inbound, state: StateBase.ESTABLISHED, flags: ACK },
    { what: 'answers of the session', hook: 'OUTPUT', packet: outbound, state: StateBase.ESTABLISHED, flags: ACK },
    { what: 'new connections from the same client', hook: 'INPUT', packet: inbound, state: StateBase.NEW, flags: SYN },
  ] as const;
  const dropped = cut.filter(({ hook, packet, state, flags }) => outcomeAt(plan, hook, sessionKey(hook, packet, state, flags))?.verdict === 'DROP');
  if (dropped.length === 0) return;
  throw new OperationError('the new rules would cut your own SSH session', {
    code: 'SL3005',
    causes: dropped.map(({ what, hook }) => `${hook} drops ${what} (${session.client}:${session.clientPort} - ${session.server}:${session.serverPort})`),
    hints: ['add a rule for it and plan again, or apply with --force'],
  });
}

interface SessionPacket {
  source: readonly number[];
  sourcePort: number;
  destination: readonly number[];
  destinationPort: number;
  device: string;
}

function sessionKey(hook: HookName, packet: SessionPacket, state: number, flags: number): number[] {
  const key = new Array<number>(FIELD_COUNT).fill(0);
  key[Field.STATE] = state;
  key[Field.PROTO] = 6;
  key[Field.SPORT] = packet.sourcePort;
  key[Field.DPORT] = packet.destinationPort;
  key[Field.FLAGS] = flags;
  packet.source.forEach((word, i) => (key[Field.SRC + i] = word));
  packet.destination.forEach((word, i) => (key[Field.DST + i] = word));
  const name = Buffer.alloc(16);
  name.write(packet.device, 'latin1');
  for (let word = 0; word < 4; word++) key[(hook === 'INPUT' ? Field.IIF : Field.OIF) + word] = name.readUInt32BE(word * 4);
  return key;
}

/** What the plan's image makes of a key; undefined where the hook is not migrated. */
function outcomeAt(plan: FamilyPlan, hook: HookName, key: readonly number[]): Outcome | undefined {
  if (!plan.hooks.some((candidate) => candidate.hook === hook)) return undefined;
  const image = new DecodedImage(plan.image.bytes, plan.image.leaves);
  let ref = image.root(hook);
  while (!image.isLeaf(ref)) {
    const { variable, bounds, refs } = image.node(ref);
    const value = (key[variable.field]! & variable.mask) >>> 0;
    ref = refs[bounds.findIndex((bound) => value <= bound)]!;
  }
  return image.outcome(ref);
}
