import type { OpaqueMatch } from '../../model.ts';
import { all, negateIf, type Answer, type Surroundings } from '../answer.ts';
import type { Packet } from '../packet.ts';
import { textOptions, type TextOption } from './options.ts';

/**
 * What the routing table says the source or destination is; both are required, each negated on its own.
 *
 * @kernel net/netfilter/xt_addrtype.c addrtype_mt_v1
 */
export function matchAddrtype(match: OpaqueMatch, packet: Packet, surroundings: Surroundings): Answer {
  const options = textOptions(match.text);
  if (options.some(({ name }) => name.startsWith('--limit-iface'))) return 'unknown';
  return all([
    () => matchSide(options.find(({ name }) => name === '--src-type'), packet.source, surroundings),
    () => matchSide(options.find(({ name }) => name === '--dst-type'), packet.destination, surroundings),
  ]);
}

function matchSide(option: TextOption | undefined, address: readonly number[] | undefined, { addressType }: Surroundings): Answer {
  if (option === undefined) return true;
  if (address === undefined) return 'unknown';
  const type = addressType(address);
  if (type === undefined) return 'unknown';
  return negateIf(option.negated, (option.values[0] ?? '').split(',').includes(type));
}
