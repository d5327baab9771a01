import type { TcpMatch } from '../../model.ts';
import { all, negateIf, type Answer, type Surroundings } from '../answer.ts';
import { Protocol, type Packet } from '../packet.ts';
import { isFull, matchMergedPorts, matchPort, matchRawPort, needHeader } from './transport.ts';

/** @kernel net/netfilter/xt_tcpudp.c tcp_mt; iptables-nft 1.8.9 writes most forms as nf_tables expressions instead. */
export function matchTcp(match: TcpMatch, packet: Packet, { backend }: Surroundings): Answer {
  if (backend === 'nft' && isNativeInNft(match)) return matchNatively(match, packet);
  return all([
    () => (packet.header.fragmentOffset === 1 && packet.family === 'ipv4' ? 'hotdrop' : needHeader(packet, 20)),
    () => matchPort(match.sourcePort, packet.sourcePort),
    () => matchPort(match.destinationPort, packet.destinationPort),
    () => matchFlags(match, packet),
    () => (match.uninterpreted.length === 0 ? true : 'unknown'),
  ]);
}

/** A match without any port or flag, or with `--tcp-option`, is handed to the x_tables code also by iptables-nft. */
function isNativeInNft(match: TcpMatch): boolean {
  const tests = [match.sourcePort, match.destinationPort].some((test) => test !== undefined && (test.negated || !isFull(test.value)));
  return match.uninterpreted.length === 0 && (tests || match.flags !== undefined);
}

function matchNatively(match: TcpMatch, packet: Packet): Answer {
  return all([
    () => (match.flags === undefined || packet.header.bytes >= 14 ? matchFlags(match, packet) : false),
    () => matchMergedPorts(match.sourcePort, match.destinationPort, packet) ?? all([
      () => matchRawPort(match.sourcePort, packet.sourcePort, packet, 2),
      () => matchRawPort(match.destinationPort, packet.destinationPort, packet, 4),
    ]),
  ]);
}

/** `(flags & mask) == comp`; bits of `comp` outside `mask` make it fail always. */
function matchFlags(match: TcpMatch, packet: Packet): Answer {
  if (match.flags === undefined) return true;
  const { mask, comp } = match.flags.value;
  if ((comp & ~mask) !== 0) return match.flags.negated;
  if (mask === 0) return !match.flags.negated;
  if (packet.tcpFlags === undefined || packet.protocol !== Protocol.TCP) return 'unknown';
  return negateIf(match.flags.negated, (packet.tcpFlags & mask) === comp);
}
