/** Rulesets for tests: valid iptables-save text of a filter table, the same for the same seed. */

import { seeded } from '../unit/classifier/rules.ts';

export interface RulesetShape {
  seed: number;
  rules: number;
  family?: 'ipv4' | 'ipv6';
  /** `mixed` has every kind of match and user chains; the others are one flat chain. */
  shape?: 'mixed' | 'flat' | 'structured' | 'overlapping';
  /** Rules with targets and matches that only the kernel can run. */
  natives?: boolean;
  /** Leave out what iptables-nft stores with another meaning. */
  backend?: 'legacy' | 'nft';
}

type Random = (below: number) => number;

const HOOKS = ['INPUT', 'FORWARD', 'OUTPUT'];

/** iptables-save text that both iptables-legacy-restore and iptables-nft-restore load. */
export function generateRuleset(options: RulesetShape): string {
  const random = seeded(options.seed);
  const lines = options.shape === undefined || options.shape === 'mixed' ? mixed(options, random) : flat(options, random);
  return ['*filter', ...lines, 'COMMIT', ''].join('\n');
}

function flat({ rules, shape, family = 'ipv4' }: RulesetShape, random: Random): string[] {
  const address = (): string => (family === 'ipv4' ? `10.${random(256)}.${random(256)}.${random(256)}` : `2001:db8::${random(65_536).toString(16)}:${random(65_536).toString(16)}`);
  const one = (i: number): string => {
    if (shape === 'structured') return `-A INPUT -s ${subnet(family, i)} -p tcp -m tcp --dport ${80 + (i % 4)} -j ${i % 7 === 0 ? 'ACCEPT' : 'DROP'}`;
    const length = (): number => (family === 'ipv4' ? 8 : 104) + random(17);
    if (shape === 'overlapping') return `-A INPUT -s ${address()}/${length()} -d ${address()}/${length()} -p ${random(2) === 0 ? 'tcp' : 'udp'} -j ${random(2) === 0 ? 'ACCEPT' : 'DROP'}`;
    return `-A INPUT -s ${address()} -p tcp -m tcp --dport ${random(65_536)} -j DROP`;
  };
  return [':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...Array.from({ length: rules }, (_, i) => one(i))];
}

const subnet = (family: 'ipv4' | 'ipv6', i: number): string =>
  family === 'ipv4' ? `10.${(i >> 8) & 255}.${i & 255}.0/24` : `2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::/64`;

function mixed(options: RulesetShape, random: Random): string[] {
  const chainCount = Math.max(1, Math.floor(options.rules / 12));
  const chains = Array.from({ length: chainCount }, (_, i) => `C${i}`);
  const rules = Array.from({ length: options.rules }, () => {
    const at = random(chainCount + 3);
    const chain = at < 3 ? HOOKS[at]! : chains[at - 3]!;
    // A chain only calls later ones, so there are no circles.
    const callees = chains.slice(at < 3 ? 0 : at - 2);
    return `-A ${chain} ${mixedRule(chain, callees, options, random)}`;
  });
  return [
    ...HOOKS.map((hook) => `:${hook} ${random(2) === 0 ? 'ACCEPT' : 'DROP'} [0:0]`), ...chains.map((chain) => `:${chain} - [0:0]`), ...rules,
  ];
}

function mixedRule(chain: string, callees: readonly string[], options: RulesetShape, random: Random): string {
  const family = options.family ?? 'ipv4';
  const parts: string[] = [];
  const sometimes = (chance: number, part: () => string): void => void (random(chance) === 0 && parts.push(part()));
  const not = (): string => (random(4) === 0 ? '! ' : '');
  sometimes(2, () => `${not()}-s ${prefix(family, random)}`);
  sometimes(3, () => `${not()}-d ${prefix(family, random)}`);
  if (chain !== 'OUTPUT') sometimes(5, () => `${not()}-i ${pick(['lo', 'eth0', 'eth+', 'veth+', 'tun0', 'br-longname12'], random)}`);
  if (chain !== 'INPUT') sometimes(6, () => `${not()}-o ${pick(['lo', 'eth1', 'eth+', 'wg0'], random)}`);
  parts.push(...protocolParts(options, random));
  sometimes(4, () => `-m conntrack ${not()}--ctstate ${states(random)}`);
  sometimes(12, () => `-m state --state ${pick(['NEW', 'RELATED,ESTABLISHED', 'INVALID'], random)}`);
  sometimes(10, () => `-m mark ${not()}--mark 0x${random(16).toString(16)}${random(2) === 0 ? '' : '/0xf'}`);
  sometimes(10, () => `-m iprange ${not()}--src-range ${range(family, random)}`);
  sometimes(15, () => '-m comment --comment "a \\"quoted\\" comment"');
  const jump = callees.length > 0 && random(4) === 0;
  if (options.natives === true && !jump) sometimes(12, () => '-m limit --limit 1000/sec --limit-burst 1000');
  return [...parts, jump ? `-${pick(['j', 'j', 'g'], random)} ${pick(callees, random)}` : target(options, parts, random)].join(' ');
}

function protocolParts({ family = 'ipv4', backend = 'legacy' }: RulesetShape, random: Random): string[] {
  const not = (): string => (random(4) === 0 ? '! ' : '');
  const ports = (): string => (random(3) === 0 ? `${random(1000)}:${1000 + random(60_000)}` : String(pick([22, 53, 80, 443, random(65_536)], random)));
  switch (random(8)) {
    case 0:
    case 1:
      return ['-p tcp', `-m tcp ${not()}--dport ${ports()}`];
    case 2: {
      const second = backend === 'legacy' ? `${not()}--sport ${ports()} ${not()}--dport ${ports()}` : `--sport ${ports()} ${not()}--dport ${ports()}`;
      return ['-p udp', `-m udp ${second}`];
    }
    case 3:
      return ['-p tcp', `-m multiport ${not()}--${pick(['dports', 'sports', 'ports'], random)} 22,80,443,8000:8100`];
    case 4:
      return family === 'ipv4' ? ['-p icmp', `-m icmp ${not()}--icmp-type ${pick(['8', '3/1', '0', '11'], random)}`] : ['-p ipv6-icmp', `-m icmp6 ${not()}--icmpv6-type ${pick(['128', '1/4', '135', '255'], random)}`];
    case 5:
      return ['-p tcp', `-m tcp ${not()}--tcp-flags ${pick(['FIN,SYN,RST,ACK SYN', 'ALL NONE', 'SYN,RST SYN,RST', 'ACK,FIN FIN'], random)}`];
    case 6:
      return [`${not()}-p ${pick(['tcp', 'udp', 'gre', 'esp', family === 'ipv4' ? 'icmp' : 'ipv6-icmp'], random)}`];
    default:
      return [];
  }
}

function target(options: RulesetShape, parts: readonly string[], random: Random): string {
  const pure = pick(['-j ACCEPT', '-j DROP', '-j DROP', '-j ACCEPT', '-j RETURN', ''], random);
  // A stateful match must not decide where the walk goes on.
  const usable = parts.some((part) => part.includes('-m limit')) && pure === '-j RETURN' ? '-j DROP' : pure;
  if (options.natives !== true || random(6) > 0) return usable;
  return pick(['-j LOG --log-prefix "seen: "', '-j REJECT', '-j NFLOG --nflog-group 5'], random);
}

function prefix(family: 'ipv4' | 'ipv6', random: Random): string {
  if (family === 'ipv6') return `2001:db8:${random(4)}::${random(4) === 0 ? '1/128' : `/${pick([32, 40, 48, 52, 64], random)}`}`;
  if (random(12) === 0) return `10.0.0.${random(16)}/255.0.0.255`;
  return `10.${random(4)}.${random(4)}.${random(256)}/${pick([8, 16, 20, 24, 28, 32], random)}`;
}

function range(family: 'ipv4' | 'ipv6', random: Random): string {
  return family === 'ipv4' ? `10.${random(3)}.0.${random(100)}-10.${random(3)}.1.${random(256)}` : `2001:db8::${random(9)}-2001:db8:${random(3)}::5`;
}

function states(random: Random): string {
  return pick(['NEW', 'RELATED,ESTABLISHED', 'INVALID', 'UNTRACKED', 'INVALID,NEW', 'DNAT', 'NEW,SNAT'], random);
}

const pick = <T>(list: readonly T[], random: Random): T => list[random(list.length)]!;
