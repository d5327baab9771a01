/** What somebody typed about a tunnel, checked as far as that goes without looking at the node. */

import type { VniRange } from '../../kernel/netlink/index.ts';
import { UsageError } from '../../lib/errors.ts';
import { parseAddress } from '../../lib/ip.ts';
import { given } from '../../lib/members.ts';
import { IANA_PORT, MAX_VNI, type TunnelSpec } from './model.ts';
import { isMulticast } from './steps/native.ts';

/** A tunnel in words, as flags and files give them. */
export interface TunnelWords {
  name: string;
  vni?: number | undefined;
  local?: string | undefined;
  dev?: string | undefined;
  remotes?: readonly string[] | undefined;
  group?: string | undefined;
  port?: number | undefined;
  /** `auto` or a number. */
  mtu?: string | number | undefined;
  addresses?: readonly string[] | undefined;
  mac?: string | undefined;
  bridge?: string | undefined;
  learning?: boolean | undefined;
  proxy?: boolean | undefined;
  l2miss?: boolean | undefined;
  l3miss?: boolean | undefined;
  /** A number or `inherit`. */
  ttl?: string | number | undefined;
  tos?: string | number | undefined;
  df?: string | undefined;
  gbp?: boolean | undefined;
  external?: boolean | undefined;
  vniFilter?: boolean | undefined;
  /** Numbers and ranges, `10` and `20-30`. */
  vnis?: readonly string[] | undefined;
  ageingSeconds?: number | undefined;
  /** `MIN:MAX`. */
  sourcePorts?: string | undefined;
}

/** Reads the words. @throws UsageError SL6000 that says which one is wrong and what it may be */
export function readSpec(words: TunnelWords): TunnelSpec {
  checkName(words.name);
  const vni = readVni(words);
  checkEnds(words);
  const { learning, proxy, l2miss, l3miss, gbp, external, vniFilter, ageingSeconds, ...rest } = words;
  return {
    name: words.name, remotes: rest.remotes ?? [], port: numberIn('--port', rest.port ?? IANA_PORT, 1, 65_535), mtu: readMtu(rest.mtu), addresses: (rest.addresses ?? []).map(readPrefix),
    vnis: readVnis(words),
    ...given({ vni, local: rest.local, dev: rest.dev, group: rest.group, mac: readMac(rest.mac), bridge: rest.bridge }),
    options: given({ learning, proxy, l2miss, l3miss, gbp, external, vniFilter, ageingSeconds, ...readTtl(rest.ttl), tos: readTos(rest.tos), df: readDf(rest.df), sourcePorts: readPorts(rest.sourcePorts) }),
  };
}

const wrong = (message: string, ...hints: string[]): UsageError => new UsageError(message, { code: 'SL6000', hints });

/** The longest name of an interface: IFNAMSIZ with its NUL is 16. */
const LONGEST_NAME = 15;

/** @throws UsageError SL6000. @kernel net/core/dev.c dev_valid_name */
function checkName(name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes > LONGEST_NAME) throw wrong(`the name ${name} has ${bytes} bytes; an interface may have ${LONGEST_NAME}`);
  if (bytes === 0 || name === '.' || name === '..' || /[\s/:%]/.test(name)) throw wrong(`'${name}' is no name for an interface: it may not hold blanks, '/', ':' or '%'`);
}

function readVni({ vni, external }: TunnelWords): number | undefined {
  if (external === true && vni !== undefined) throw wrong('--vni and --external exclude each other: with --external the VNI comes with each packet');
  if (external === true) return undefined;
  if (vni === undefined) throw wrong('a tunnel needs --vni', `--vni 1 to --vni ${MAX_VNI}`);
  return numberIn('--vni', vni, 1, MAX_VNI);
}

function readVnis({ vnis = [], vniFilter }: TunnelWords): VniRange[] {
  if (vnis.length > 0 && vniFilter !== true) throw wrong('--accept-vni needs --vnifilter');
  return vnis.flatMap((text) => text.split(',')).map((text) => {
    const [, low, high = low] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
    const range = { from: numberIn('--accept-vni', Number(low), 1, MAX_VNI), to: numberIn('--accept-vni', Number(high), 1, MAX_VNI) };
    if (range.from > range.to) throw wrong(`--accept-vni ${text}: the first is larger than the last`);
    return range;
  });
}

function numberIn(what: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrong(`${what} ${value} is out of range: ${least} to ${most}`);
}

/** Ends of the tunnel: which there are, and that all are of one family. */
function checkEnds({ local, dev, remotes = [], group, external, vniFilter }: TunnelWords): void {
  if (local === undefined && dev === undefined && external !== true) throw wrong('a tunnel needs --local or --dev', '--local 10.0.0.1', '--dev eth0');
  if (group !== undefined && remotes.length > 0) throw wrong('--group and --remote exclude each other: flooding goes to the group, or to each remote');
  if (group !== undefined && dev === undefined) throw wrong('--group needs --dev: the kernel joins the group on an interface');
  if (vniFilter === true && external !== true) throw wrong('--vnifilter needs --external');
  const ends = [['--local', local], ['--group', group], ...remotes.map((remote) => ['--remote', remote] as const)].flatMap(([flag, address]) => (address === undefined ? [] : [[flag!, address] as const]));
  for (const [flag, address] of ends) checkEnd(flag, address);
  const [first, ...others] = ends;
  const odd = others.find(([, address]) => first !== undefined && address.includes(':') !== first[1].includes(':'));
  if (odd !== undefined) throw wrong(`${first![0]} ${first![1]} and ${odd[0]} ${odd[1]} are not of one family: the underlay of a tunnel is IPv4 or IPv6`);
  const twice = remotes.find((remote, index) => remotes.indexOf(remote) !== index);
  if (twice !== undefined) throw wrong(`--remote ${twice} is given twice`);
}

function checkEnd(flag: string, address: string): void {
  if (parseAddress(address) === undefined) throw wrong(`${flag} ${address} is no IP address`);
  if (flag === '--group' && !isMulticast(address)) throw wrong(`--group ${address} is no multicast address`, '224.0.0.0/4, such as --group 239.1.1.1', 'ff00::/8, such as --group ff05::100');
  if (flag !== '--group' && isMulticast(address)) throw wrong(`${flag} ${address} is a multicast address`, `--group ${address}`);
}

function readMtu(mtu: string | number | undefined): number | 'auto' {
  if (mtu === undefined || mtu === 'auto') return 'auto';
  return numberIn('--mtu', Number(mtu), 68, 65_535);
}

/** An address with its prefix length. @throws UsageError SL6000 */
function readPrefix(text: string): string {
  const [address = '', length] = text.split('/');
  const words = parseAddress(address);
  const bits = Number(length);
  if (words === undefined || length === undefined || !/^\d+$/.test(length) || bits > words.length * 32) throw wrong(`--address ${text} is no address with prefix length`, '--address 10.200.0.1/24');
  return text;
}

function readMac(mac: string | undefined): string | undefined {
  if (mac === undefined) return undefined;
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) throw wrong(`--mac ${mac} is no MAC address`, '--mac 02:00:00:00:00:01');
  if ((Number.parseInt(mac.slice(0, 2), 16) & 1) === 1 || /^00(:00){5}$/.test(mac)) throw wrong(`--mac ${mac} cannot be the address of one interface: it is all zeros or a group address`);
  return mac.toLowerCase();
}

function readTtl(ttl: string | number | undefined): { ttl?: number; ttlInherit?: boolean } {
  if (ttl === undefined) return {};
  return ttl === 'inherit' ? { ttlInherit: true } : { ttl: numberIn('--ttl', Number(ttl), 0, 255) };
}

/** 1 is the kernel's word for copying it from the inner packet. */
function readTos(tos: string | number | undefined): number | undefined {
  if (tos === undefined) return undefined;
  return tos === 'inherit' ? 1 : numberIn('--tos', Number(tos), 0, 255);
}

function readDf(df: string | undefined): 'unset' | 'set' | 'inherit' | undefined {
  if (df === undefined || df === 'unset' || df === 'set' || df === 'inherit') return df;
  throw wrong(`--df ${df}: it may be unset, set or inherit`);
}

function readPorts(text: string | undefined): { low: number; high: number } | undefined {
  if (text === undefined) return undefined;
  const [, low, high] = /^(\d+)[:-](\d+)$/.exec(text) ?? [];
  if (low === undefined) throw wrong(`--srcport ${text} is no range of ports`, '--srcport 32768:60999');
  const range = { low: numberIn('--srcport', Number(low), 1, 65_535), high: numberIn('--srcport', Number(high), 1, 65_535) };
  if (range.low > range.high) throw wrong(`--srcport ${text}: the first port is larger than the last`);
  return range;
}
