import type { MultiportMatch, Range } from '../../model.ts';
import { negateIf, type Answer } from '../answer.ts';
import type { Packet } from '../packet.ts';
import { inRange, needHeader } from './transport.ts';

/** @kernel net/netfilter/xt_multiport.c multiport_mt: reads the four bytes of the ports in both backends */
export function matchMultiport(match: MultiportMatch, packet: Packet): Answer {
  const readable = needHeader(packet, 4);
  if (readable !== true) return readable;
  return negateIf(match.negated, listed(match, packet));
}

function listed(match: MultiportMatch, packet: Packet): Answer {
  const source = listedPort(match.ports, packet.sourcePort);
  const destination = listedPort(match.ports, packet.destinationPort);
  if (match.direction === 'source') return source;
  if (match.direction === 'destination') return destination;
  if (source === true || destination === true) return true;
  return source === 'unknown' || destination === 'unknown' ? 'unknown' : false;
}

const listedPort = (ports: readonly Range[], port: number | undefined): Answer =>
  port === undefined ? 'unknown' : ports.some((range) => inRange(port, range));
