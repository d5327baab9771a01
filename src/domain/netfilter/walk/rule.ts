import type { Match, Rule } from '../model.ts';
import { type Answer, type Surroundings } from './answer.ts';
import { matchAddrtype } from './matches/addrtype.ts';
import { matchConnmark } from './matches/connmark.ts';
import { matchConntrack } from './matches/conntrack.ts';
import { matchHeader } from './matches/header.ts';
import { matchIcmp } from './matches/icmp.ts';
import { matchIprange } from './matches/iprange.ts';
import { matchMark } from './matches/mark.ts';
import { matchMultiport } from './matches/multiport.ts';
import { matchPorts } from './matches/ports.ts';
import { matchRecent } from './matches/recent.ts';
import { statisticChance } from './matches/statistic.ts';
import { matchTcp } from './matches/tcp.ts';
import { missingForHeader, missingForMatch } from './missing.ts';
import type { Packet } from './packet.ts';

/** What is known about one rule and one packet. */
export interface Examination {
  /** `chance`: everything else matches and a `statistic` match decides. */
  answer: Answer | 'chance';
  /** The probability that the rule matches, where the answer is `chance`. */
  chance: number;
  /** What is missing to answer: `source port`, `input interface`, or the name of a match that only the kernel can answer. */
  unknown: string[];
}

/**
 * Whether a rule matches a packet, exactly as the kernel decides it: header tests first, then the extension matches from
 * left to right up to the first that fails (migration reference section 4).
 */
export function ruleMatches(rule: Rule, packet: Packet, surroundings: Surroundings): Answer {
  const { answer } = examineRule(rule, packet, surroundings);
  return answer === 'chance' ? 'unknown' : answer;
}

/** `ruleMatches` with the reasons: which matches could not be answered, and how likely a random one is. */
export function examineRule(rule: Rule, packet: Packet, surroundings: Surroundings): Examination {
  const header = matchHeader(rule, packet, surroundings);
  if (header === false || header === 'hotdrop') return { answer: header, chance: 0, unknown: [] };
  const unknown = header === 'unknown' ? missingForHeader(rule, packet) : [];
  let chance = 1;
  for (const match of rule.matches) {
    const share = match.kind === 'opaque' && match.name === 'statistic' ? statisticChance(match) : undefined;
    if (share !== undefined) {
      chance *= share;
      continue;
    }
    const answer = evaluateMatch(match, packet, surroundings);
    if (answer === false) return { answer, chance: 0, unknown: [] };
    if (answer === 'hotdrop') return { answer: unknown.length > 0 || chance < 1 ? 'unknown' : answer, chance: 0, unknown };
    if (answer === 'unknown') unknown.push(missingForMatch(match, packet));
  }
  if (unknown.length > 0) return { answer: 'unknown', chance, unknown };
  if (chance === 0) return { answer: false, chance, unknown };
  return { answer: chance < 1 ? 'chance' : true, chance, unknown };
}

function evaluateMatch(match: Match, packet: Packet, surroundings: Surroundings): Answer {
  switch (match.kind) {
    case 'tcp': return matchTcp(match, packet, surroundings);
    case 'udp':
    case 'udplite':
    case 'sctp':
    case 'dccp': return matchPorts(match, packet, surroundings);
    case 'multiport': return matchMultiport(match, packet);
    case 'icmp':
    case 'icmp6': return matchIcmp(match, packet);
    case 'iprange': return matchIprange(match, packet);
    case 'conntrack':
    case 'state': return matchConntrack(match, packet);
    case 'mark': return matchMark(match, packet);
    case 'comment': return true;
    case 'opaque': return evaluateOpaque(match.name, match, packet, surroundings);
  }
}

function evaluateOpaque(name: string, match: Match & { kind: 'opaque' }, packet: Packet, surroundings: Surroundings): Answer {
  if (name === 'addrtype') return matchAddrtype(match, packet, surroundings);
  if (name === 'connmark') return matchConnmark(match, packet);
  if (name === 'recent') return matchRecent(match);
  return 'unknown';
}
