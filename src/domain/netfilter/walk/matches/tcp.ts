import type { TcpMatch, Test } from '../../model.ts';
import { all, negateIf, type Answer, type Surroundings } from '../answer.ts';
import type { Packet } from '../packet.ts';
import { hasPortTest, matchPort, matchRawPorts, needHeader, rawHeader, type RawHeader } from './transport.ts';

/** @kernel net/netfilter/xt_tcpudp.c tcp_mt; iptables-nft 1.8.9 writes most forms as nf_tables expressions instead. */
export function matchTcp(match: TcpMatch, packet: Packet, { backend }: Surroundings): Answer {
  if (backend === 'nft' && isNativeInNft(match)) return matchNatively(match, rawHeader(packet));
  return all([
    () => (packet.header.fragmentOffset === 1 && packet.family === 'ipv4' ? 'hotdrop' : needHeader(packet, 20)),
    () => matchPort(match.sourcePort, packet.sourcePort),
    () => matchPort(match.destinationPort, packet.destinationPort),
    () => match.flags === undefined || matchFlags(match.flags, packet.tcpFlags),
    () => (match.uninterpreted.length === 0 ? true : 'unknown'),
  ]);
}

/** A match without any port or flag, or with `--tcp-option`, is handed to the x_tables code also by iptables-nft. */
function isNativeInNft(match: TcpMatch): boolean {
  return match.uninterpreted.length === 0 && (match.flags !== undefined || hasPortTest(match));
}

function matchNatively(match: TcpMatch, raw: RawHeader): Answer {
  const flags = (): Answer => match.flags === undefined || (raw.bytes >= 14 && matchFlags(match.flags, raw.flags));
  return all([flags, () => matchRawPorts(match, raw)]);
}

/** `(flags & mask) == comp`; bits of `comp` outside `mask` make it fail always. */
function matchFlags({ negated, value: { mask, comp } }: Test<{ mask: number; comp: number }>, flags: number | undefined): Answer {
  if ((comp & ~mask) !== 0) return negated;
  if (mask === 0) return !negated;
  return flags === undefined ? 'unknown' : negateIf(negated, (flags & mask) === comp);
}
