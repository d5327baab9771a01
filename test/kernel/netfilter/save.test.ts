/** What the real iptables loads, saves and refuses, against what the parser reads, prints and refuses. */

import { expect, test } from 'vitest';
import { ParseError } from '../../../src/lib/errors.ts';
import { parseSave, printSaveBytes, readRulesets, type Backend, type Family, type Rule } from '../../../src/domain/netfilter/index.ts';
import { saveBytes } from '../../../src/tools/iptables.ts';
import { requireRoot } from '../../support/require.ts';
import { withNetns, type Netns } from '../../support/sluice.ts';

requireRoot();

const program = (family: Family, backend: Backend, verb: string): string => `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}${verb}`;

/** Rules by table; every extension of iptables 1.8 that needs nothing set up first. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING -j CT --notrack', 'PREROUTING -p tcp -j CT --ctevents new,destroy --zone 5', 'PREROUTING -j TRACE', 'PREROUTING -m rpfilter --loose --invert -j DROP'],
  mangle: [
    'PREROUTING -j MARK --and-mark 0xf0', 'PREROUTING -j CONNMARK --restore-mark', 'PREROUTING -j TOS --set-tos 0x10/0x3f', 'PREROUTING -j DSCP --set-dscp 0x0a',
    'POSTROUTING -j CLASSIFY --set-class 0001:0002', 'FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu', 'FORWARD -p tcp -j TCPOPTSTRIP --strip-options 3,4',
    'PREROUTING -j IDLETIMER --timeout 5 --label "idle x"', 'PREROUTING -j HMARK --hmark-tuple src,dst --hmark-mod 7 --hmark-rnd 0x1',
  ],
  filter: [
    'INPUT -m addrtype --src-type UNICAST ! --dst-type LOCAL --limit-iface-in -j DROP', 'INPUT -p ah -m ah --ahspi 1:5 -j DROP', 'INPUT -m cgroup --cgroup 5 -j DROP',
    'INPUT -m connbytes --connbytes 100:200 --connbytes-mode packets --connbytes-dir both -j DROP', 'INPUT -m connlimit --connlimit-above 10 --connlimit-saddr -j DROP',
    'INPUT -m connmark ! --mark 0x1/0xff -j DROP', 'INPUT -m conntrack --ctproto 6 --ctorigdstport 5:9 --ctdir REPLY ! --ctstate NEW,DNAT -j DROP',
    'INPUT -m conntrack --ctexpire 5:9 --ctstatus ASSURED,CONFIRMED -j DROP', 'INPUT -m cpu --cpu 0 -j DROP', 'INPUT -p dccp -m dccp --sport 9:5 --dccp-types REQUEST,RESPONSE -j DROP',
    'INPUT -m devgroup --src-group 0x5/0xff -j DROP', 'INPUT -m dscp --dscp 0x0a -j DROP', 'INPUT -p tcp -m ecn --ecn-tcp-cwr -j DROP', 'INPUT -p esp -m esp --espspi 1:5 -j DROP',
    'INPUT -m hashlimit --hashlimit-above 5/sec --hashlimit-burst 7 --hashlimit-mode srcip,dstport --hashlimit-name h1 -j DROP', 'INPUT -m helper --helper ftp -j DROP',
    'INPUT -m length --length 100:1500 -j DROP', 'INPUT -m limit --limit 5/min --limit-burst 10 -j DROP', 'INPUT -m mac --mac-source 00:11:22:33:44:55 -j DROP',
    'OUTPUT -m owner ! --uid-owner 0-100 --gid-owner 5 -j DROP', 'FORWARD -m physdev --physdev-in eth+ --physdev-is-bridged -j DROP', 'INPUT -m pkttype --pkt-type multicast -j DROP',
    'INPUT -m policy --dir in --pol ipsec --reqid 1 --proto esp -j DROP', 'INPUT -m quota --quota 1000 -j DROP', 'INPUT -m recent --update --seconds 60 --hitcount 4 --name "SSH x" --rsource -j DROP',
    'INPUT -p sctp -m sctp --dport 5:9 --chunk-types any DATA:Be,INIT -j DROP', 'INPUT -m socket --transparent --nowildcard -j DROP', 'INPUT -m statistic --mode nth --every 3 --packet 1 -j DROP',
    'INPUT -m statistic --mode random ! --probability 0.25 -j DROP', 'INPUT -m string --string "GET \\"x\\" -j DROP" --algo kmp --icase -j DROP', 'INPUT -m string --hex-string "|0d0a|-x" --algo bm -j DROP',
    'INPUT -p tcp -m tcp --tcp-option 7 ! --tcp-flags SYN,ACK SYN -j DROP', 'INPUT -p tcp -m tcpmss --mss 100:1400 -j DROP', 'INPUT -m time --timestart 08:00 --timestop 17:00 --weekdays Mon,Tue -j DROP',
    'INPUT -m u32 --u32 "6&0xFF=0x6&&4&0x1FFF=0:5" -j DROP', 'INPUT -j LOG --log-prefix "a -j \\"DROP\\" " --log-level 7 --log-uid', 'INPUT -j LOG --log-prefix -x', 'INPUT -j LOG --log-prefix "!"',
    'INPUT -j NFLOG --nflog-prefix "-j x" --nflog-group 5', 'INPUT -p tcp -j REJECT --reject-with tcp-reset', 'INPUT -j REJECT', 'INPUT -j NFQUEUE --queue-balance 0:3 --queue-bypass',
    'INPUT -j AUDIT --type drop', 'INPUT -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff', 'INPUT -m comment --comment "héllo | \\\\ \\" \' $x `y` -j DROP"', 'INPUT -m comment --comment ""',
    'INPUT -m mark ! --mark 0x1/0xf -m mark --mark 0xff/0xf', 'INPUT -p tcp -m multiport ! --ports 1,2:5,9 -m tcp --sport 7', 'INPUT ! -i eth+ ! -p tcp -g USER', 'FORWARD -i + -o lo -j USER', 'USER -j RETURN', 'USER',
  ],
  nat: ['POSTROUTING -p tcp -j MASQUERADE --to-ports 1000-2000 --random-fully', 'PREROUTING -p tcp -j REDIRECT --to-ports 8080-8090'],
  security: ['INPUT -j ACCEPT'],
};

const RULES_OF: Readonly<Record<Family, Readonly<Record<string, readonly string[]>>>> = {
  ipv4: {
    mangle: ['PREROUTING -j TTL --ttl-inc 1', 'PREROUTING -j TEE --gateway 10.0.0.1', 'PREROUTING -p tcp -j TPROXY --on-port 5000 --on-ip 127.0.0.1 --tproxy-mark 0x1/0x1'],
    filter: [
      'INPUT -p icmp -m icmp ! --icmp-type any -j DROP', 'INPUT -p icmp -m icmp --icmp-type 3/4 -j DROP', 'INPUT -m ttl --ttl-lt 5 -j DROP', 'INPUT -m realm --realm 0x1/0xff -j DROP', 'INPUT ! -f -j DROP',
      'INPUT -m iprange --src-range 10.0.0.9-10.0.0.1 ! --dst-range 10.1.0.1-10.1.0.1 -j DROP', 'INPUT -s 10.0.0.9/255.0.0.255 ! -d 10.0.0.0/8 -j REJECT --reject-with icmp-host-prohibited',
    ],
    nat: ['PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1-10.0.0.9:80-90 --random --persistent', 'POSTROUTING -j SNAT --to-source 10.0.0.1-10.0.0.5', 'PREROUTING -d 10.0.0.0/24 -j NETMAP --to 10.1.0.0/24'],
  },
  ipv6: {
    mangle: ['PREROUTING -j HL --hl-inc 1'],
    filter: [
      'INPUT -p icmpv6 -m icmp6 ! --icmpv6-type 255/3 -j DROP', 'INPUT -m hl --hl-lt 5 -j DROP', 'INPUT -m ipv6header --header hop,frag --soft -j DROP', 'INPUT -m frag --fragid 1:5 --fragmore -j DROP',
      'INPUT -m rt --rt-type 0 --rt-len 5 -j DROP', 'INPUT -m hbh --hbh-len 5 -j DROP', 'INPUT -p mh -m mh --mh-type 1:3 -j DROP', 'INPUT -s fd00::5/ffff::ffff ! -d fe80::/10 -j DROP', 'INPUT -s ::ffff:10.0.0.1 -j DROP',
      'INPUT -m iprange --src-range fd00::9-fd00::1 -j DROP', 'INPUT -m eui64 -j DROP',
    ],
    nat: ['PREROUTING -p tcp -j DNAT --to-destination [fd00::1]:80'],
  },
};

function everything(family: Family): string {
  const tables = Object.entries(RULES).map(([table, rules]) => {
    const lines = [...rules, ...(RULES_OF[family][table] ?? [])].map((rule, i) => `[${i}:${i * 1000}] -A ${rule}`);
    return [`*${table}`, ...(table === 'filter' ? [':INPUT DROP [7:9]', ':USER - [0:0]'] : []), ...lines, 'COMMIT', ''].join('\n');
  });
  return tables.join('');
}

const CASES: [Backend, Family][] = [['legacy', 'ipv4'], ['legacy', 'ipv6'], ['nft', 'ipv4'], ['nft', 'ipv6']];

test.each(CASES)('every extension comes back byte for byte: %s %s', async (backend, family) => {
  await withNetns('save', async ({ path, run }) => {
    run([program(family, backend, '-restore'), '--counters'], everything(family));
    const bytes = await saveBytes({ family, backend, netns: path });
    const ruleset = parseSave(bytes, { family, backend, source: 'saved' });
    expect(printSaveBytes(ruleset).toString()).toBe(bytes.toString());
    const written = everything(family).split('\n').filter((line) => line.includes('-A ')).length;
    expect(ruleset.tables.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules))).toHaveLength(written);
  });
});

test('iptables-nft loads tests of ports for all but one protocol, and they are kept as they are', async () => {
  await withNetns('notproto', async ({ path, run }) => {
    const rule = '-A INPUT ! -p tcp -m tcp --dport 80 -j DROP';
    run(['iptables-nft', ...rule.split(' ')]);
    const [read] = rulesOf(await saveBytes({ family: 'ipv4', backend: 'nft', netns: path }), 'nft', 'ipv4');
    expect(read!.matches).toEqual([{ kind: 'opaque', name: 'tcp', text: '-m tcp --dport 80' }]);
    expect(() => run(['iptables-legacy', ...rule.split(' ')])).toThrow('Command failed');
  });
});

/** Spellings that iptables-save normalises; what they mean must not change. */
const SPELLINGS: Readonly<Record<Family, readonly string[]>> = {
  ipv4: [
    '-p tcp --dport=80', '-p tcp --destination-port http --source-port :1023', '-p tcp --dport 0x50', '-p tcp -m multiport --ports 0x50', '--protocol UDP --dport domain', '-p 41', '-p all', '-p sctp --dport 5:', '-p tcp --syn',
    '-p tcp ! --syn', '-p tcp --tcp-flags ALL NONE', '-s 10.1.2.3/8', '-s 10.0.0.9/255.0.0.255', '--src 10.0.0.1 --dst 10.0.0.2', '-m conntrack --ctstate new,related', '-m state --state INVALID,NEW',
    '-m mark --mark 16/0xff', '-m iprange --src-range 10.0.0.1', '-p tcp -m multiport --destination-ports http,1:5', '-p tcp -j DROP --dport 5', '-4 -j DROP', '-c 5 6 -j DROP',
    '-m comment --comment "x"-j DROP', '-m comment --comment a"b c"', '-j MARK --set-mark 0x1/0x2', '-j MARK --and-mark 0xff', '-j MARK --or-mark 0xff', '-j MARK --xor-mark 3', '-j MARK --set-xmark 7',
    ...('any echo-reply pong destination-unreachable network-unreachable host-unreachable protocol-unreachable port-unreachable fragmentation-needed source-route-failed ' +
      'network-unknown host-unknown network-prohibited host-prohibited TOS-network-unreachable TOS-host-unreachable communication-prohibited host-precedence-violation ' +
      'precedence-cutoff source-quench redirect network-redirect host-redirect TOS-network-redirect TOS-host-redirect echo-request ping router-advertisement ' +
      'router-solicitation time-exceeded ttl-exceeded ttl-zero-during-transit ttl-zero-during-reassembly parameter-problem ip-header-bad required-option-missing ' +
      'timestamp-request timestamp-reply address-mask-request address-mask-reply 255 3/1').split(' ').map((name) => `-p icmp --icmp-type ${name}`),
  ],
  ipv6: [
    '-s fd00::1:2/64', '-s ::5/ffff::ffff', '-d FE80::1', '-p icmpv6 -m icmpv6 --icmpv6-type 1/4', '-p 58', '-6 -j DROP',
    ...('destination-unreachable no-route communication-prohibited beyond-scope address-unreachable port-unreachable failed-policy reject-route packet-too-big time-exceeded ' +
      'ttl-exceeded ttl-zero-during-transit ttl-zero-during-reassembly parameter-problem bad-header unknown-header-type unknown-option echo-request ping echo-reply pong ' +
      'router-solicitation router-advertisement neighbour-solicitation neighbor-solicitation neighbour-advertisement neighbor-advertisement redirect 255').split(' ').map((name) => `-p ipv6-icmp --icmpv6-type ${name}`),
  ],
};

/** What a rule says, without where and how it was written. */
function meaning({ source, destination, inInterface, outInterface, protocol, fragment, matches, target }: Rule): unknown {
  const { text: _text, ...rest } = target as { text?: string };
  return { source, destination, inInterface, outInterface, protocol, fragment, matches, target: rest };
}

const rulesOf = (text: string | Buffer, backend: Backend, family: Family): Rule[] =>
  parseSave(text, { family, backend, source: 'rules' }).tables.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules));

test.each(CASES)('hand-written spellings mean what iptables makes of them: %s %s', async (backend, family) => {
  const text = `*mangle\n:INPUT ACCEPT [0:0]\n${SPELLINGS[family].map((rule) => `-A INPUT ${rule}\n`).join('')}COMMIT\n`;
  await withNetns('spell', async ({ path, run }) => {
    run([program(family, backend, '-restore')], text);
    const saved = rulesOf(await saveBytes({ family, backend, netns: path }), backend, family);
    expect(rulesOf(text, backend, family).map(meaning)).toEqual(saved.map(meaning));
  });
});

/** One rule a line that iptables refuses; `;` separates lines of a table. */
const REFUSED = [
  '-A INPUT -p tcp --dport 70000', '-A INPUT -p tcp --dport 1:2:3', '-A INPUT -p tcp --dport 90:80', '-A INPUT -p sctp --dport 90:80', '-A INPUT -p tcp --dport 08', '-A INPUT -p tcp --dport', '-A INPUT -s 10.0.0.1/255.0.0.256',
  '-A INPUT -s 10.0.0.1/33', '-A INPUT -s 10.0.0.1/8/8', '-A INPUT -s fd00::1', '-A INPUT ! -s 10.0.0.1,10.0.0.2', '-A INPUT -s ! 10.0.0.1', '-A INPUT -s 10.0.0.1 -s 10.0.0.2', '-A INPUT -p 300', '-A INPUT -p tcpp',
  '-A INPUT ! -p all', '-A INPUT ! -j DROP', '-A INPUT ! -m tcp', '-A INPUT -p tcp 80', '-A INPUT --dport 80', '-A INPUT -p tcp --bogus 1', '-A INPUT -m tcp --dport 80', '-A INPUT -p udp -m tcp --dport 80',
  '-A INPUT -p gre -m multiport --ports 1', '-A INPUT -p tcp -m tcp --dport 1 --dport 2', '-A INPUT -p tcp --syn --tcp-flags SYN SYN', '-A INPUT -p tcp --tcp-flags SYN,ECE SYN',
  '-A INPUT -p tcp -m multiport --ports 1,2,3,4,5,6,7,8:9,10:11,12:13,14:15,16', '-A INPUT -p tcp -m multiport --ports 1,:5', '-A INPUT -p tcp -m multiport --ports 9:5', '-A INPUT -p tcp -m multiport --sports 1 --dports 2',
  '-A INPUT -p icmp --icmp-type hello', '-A INPUT -p icmp -m icmp', '-A INPUT -m mark --mark 1/2/3', '-A INPUT -m mark --mark 0x100000000', '-A INPUT -m iprange', '-A INPUT -m iprange --src-range 10.0.0.1-10.0.0.2-10.0.0.3',
  '-A INPUT -m conntrack', '-A INPUT -m conntrack --ctstate NEW,NONE', '-A INPUT -m state --state DNAT', '-A INPUT -m comment', '-A INPUT -i abcdefghijklmnop', '-A INPUT -i ""', '-A INPUT -o eth0', '-A INPUT -j NOWHERE', '-A INPUT -g ACCEPT',
  '-A INPUT -j ACCEPT -j DROP', '-A INPUT -j ACCEPT --reject-with x', '-A NOWHERE -j DROP', '-A', '*filter', 'COMMIT now', 'hello',
];

test.each(['legacy', 'nft'] as const)('what iptables-%s refuses is refused', async (backend) => {
  await withNetns('refuse', ({ run }) => {
    const accepted = REFUSED.filter((line) => {
      const text = `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${line}\nCOMMIT\n`;
      expect(() => rulesOf(text, backend, 'ipv4'), line).toThrow(ParseError);
      return loads(run, backend, text);
    });
    expect(accepted).toEqual([]);
  });
});

function loads(run: Netns['run'], backend: Backend, text: string): boolean {
  try {
    run([program('ipv4', backend, '-restore')], text);
    return true;
  } catch {
    return false;
  }
}

test('reading a namespace without rules creates no tables', async () => {
  await withNetns('empty', async ({ path, run }) => {
    for (const backend of ['auto', 'all', 'legacy', 'nft'] as const) {
      const { rulesets, warnings } = await readRulesets({ netns: path, backend });
      expect(rulesets.flatMap(({ tables }) => tables)).toEqual([]);
      expect(warnings).toEqual([]);
    }
    expect(run(['nft', 'list', 'tables'])).toBe('');
    expect(run(['cat', '/proc/net/ip_tables_names', '/proc/net/ip6_tables_names'])).toBe('');
  });
});

test('whichever backend holds rules is read, and both are when both do', async () => {
  const rules = (name: string): string => `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -m comment --comment ${name} -j ACCEPT\nCOMMIT\n`;
  await withNetns('both', async ({ path, run }) => {
    const kinds = async (backend: 'auto' | 'all' = 'auto'): Promise<string[]> =>
      (await readRulesets({ netns: path, backend })).rulesets.map((ruleset) => `${ruleset.backend} ${ruleset.family}`);
    run(['iptables-nft-restore'], rules('a'));
    expect(await kinds()).toEqual(['nft ipv4']);
    run(['iptables-legacy', '-nL']);
    expect(await kinds()).toEqual(['nft ipv4']);
    expect(await kinds('all')).toContain('legacy ipv4');
    run(['iptables-legacy-restore'], rules('b'));
    run(['ip6tables-legacy-restore'], rules('c'));
    expect(await kinds()).toEqual(['legacy ipv4', 'nft ipv4', 'legacy ipv6']);
    expect((await readRulesets({ netns: path })).warnings).toEqual(['ipv4: iptables-legacy and iptables-nft both hold rules, and both judge every packet']);
    expect((await readRulesets({ netns: path, families: ['ipv6'] })).warnings).toEqual([]);
  });
});

test('comments that are not UTF-8 are kept', async () => {
  await withNetns('bytes', async ({ path, run }) => {
    run(['sh', '-c', `iptables-legacy -A INPUT -m comment --comment "$(printf 'caf\\351 \\377')" -j ACCEPT`]);
    const { rulesets } = await readRulesets({ netns: path });
    const bytes = printSaveBytes(rulesets[0]!);
    expect(bytes.includes(Buffer.from('--comment "caf\xe9 \xff"', 'latin1'))).toBe(true);
    expect(bytes.toString('latin1').replaceAll(/^#.*/gm, '')).toEqual((await saveBytes({ family: 'ipv4', backend: 'legacy', netns: path })).toString('latin1').replaceAll(/^#.*/gm, ''));
  });
});
