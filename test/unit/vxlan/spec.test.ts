import { describe, expect, test } from 'vitest';
import { readSpec, type TunnelWords } from '../../../src/domain/vxlan/spec.ts';

const WORDS: TunnelWords = { name: 'vx', vni: 1, local: '10.0.0.1' };

describe('words that make a tunnel', () => {
  test.each<[TunnelWords, object]>([
    [WORDS, { name: 'vx', vni: 1, local: '10.0.0.1', remotes: [], port: 4789, mtu: 'auto', addresses: [], options: {} }],
    [{ ...WORDS, vni: 16_777_215 }, { vni: 16_777_215 }],
    [{ ...WORDS, mtu: '1400' }, { mtu: 1400 }],
    [{ ...WORDS, ttl: 'inherit', tos: 'inherit' }, { options: { ttlInherit: true, tos: 1 } }],
    [{ ...WORDS, ttl: '0', tos: '255', df: 'set' }, { options: { ttl: 0, tos: 255, df: 'set' } }],
    [{ ...WORDS, sourcePorts: '1:65535' }, { options: { sourcePorts: { low: 1, high: 65_535 } } }],
    [{ ...WORDS, sourcePorts: '5-5' }, { options: { sourcePorts: { low: 5, high: 5 } } }],
    [{ ...WORDS, local: 'fd00::1', remotes: ['fd00::2', 'fd00::3'] }, { remotes: ['fd00::2', 'fd00::3'] }],
    [{ ...WORDS, dev: 'eth0', group: '239.1.1.1' }, { group: '239.1.1.1' }],
    [{ name: 'vx', external: true, vniFilter: true, vnis: ['5', '7-9,16777215'] }, { vnis: [{ from: 5, to: 5 }, { from: 7, to: 9 }, { from: 16_777_215, to: 16_777_215 }] }],
    [{ name: 'vx', external: true, vniFilter: true }, { options: { external: true, vniFilter: true } }],
    [{ ...WORDS, mac: '02:00:00:00:00:0A' }, { mac: '02:00:00:00:00:0a' }],
    [{ ...WORDS, name: 'abcdefghijklmno' }, { name: 'abcdefghijklmno' }],
    [{ ...WORDS, addresses: ['10.200.0.1/24', 'fd01::1/128', '0.0.0.0/0'] }, { addresses: ['10.200.0.1/24', 'fd01::1/128', '0.0.0.0/0'] }],
  ])('%j', (words, expected) => {
    expect(readSpec(words)).toMatchObject(expected);
  });
});

test.each(['0', '9-5', 'x', '1-16777216', '5-'])('a VNI filter of %s is refused', (text) => {
  expect(() => readSpec({ name: 'vx', external: true, vniFilter: true, vnis: [text] })).toThrow(expect.objectContaining({ code: 'SL6000', message: expect.stringContaining('--accept-vni') }));
});

describe('words that make none', () => {
  test.each<[Partial<TunnelWords>, string]>([
    [{ vni: 0 }, '--vni 0 is out of range: 1 to 16777215'],
    [{ vni: 1 << 24 }, '--vni 16777216 is out of range'],
    [{ vni: 1.5 }, '--vni 1.5 is out of range'],
    [{ vni: -1 }, '--vni -1 is out of range'],
    [{ vni: undefined }, 'a tunnel needs --vni'],
    [{ external: true }, '--vni and --external exclude each other'],
    [{ local: undefined }, 'a tunnel needs --local or --dev'],
    [{ port: 0 }, '--port 0 is out of range: 1 to 65535'],
    [{ port: 65_536 }, '--port 65536 is out of range'],
    [{ name: '' }, 'is no name for an interface'],
    [{ name: '..' }, 'is no name for an interface'],
    [{ name: 'a b' }, 'is no name for an interface'],
    [{ name: 'a/b' }, 'is no name for an interface'],
    [{ name: 'äöüäöüäö' }, 'has 16 bytes; an interface may have 15'],
    [{ local: '10.0.0.300' }, '--local 10.0.0.300 is no IP address'],
    [{ local: '10.0.0.1/24' }, '--local 10.0.0.1/24 is no IP address'],
    [{ local: '239.1.1.1' }, '--local 239.1.1.1 is a multicast address'],
    [{ remotes: ['fd00::2'] }, '--local 10.0.0.1 and --remote fd00::2 are not of one family'],
    [{ remotes: ['10.0.0.2', 'ff05::1'] }, '--remote ff05::1 is a multicast address'],
    [{ remotes: ['10.0.0.2', '10.0.0.2'] }, '--remote 10.0.0.2 is given twice'],
    [{ dev: 'eth0', group: 'ff05::1' }, '--local 10.0.0.1 and --group ff05::1 are not of one family'],
    [{ dev: 'eth0', group: '10.0.0.2' }, '--group 10.0.0.2 is no multicast address'],
    [{ group: '239.1.1.1' }, '--group needs --dev'],
    [{ dev: 'eth0', group: '239.1.1.1', remotes: ['10.0.0.2'] }, '--group and --remote exclude each other'],
    [{ vniFilter: true }, '--vnifilter needs --external'],
    [{ vnis: ['5'] }, '--accept-vni needs --vnifilter'],
    [{ mtu: '67' }, '--mtu 67 is out of range: 68 to 65535'],
    [{ mtu: 'large' }, '--mtu NaN is out of range'],
    [{ mac: '02:00:00:00:00' }, 'is no MAC address'],
    [{ mac: '01:00:5e:00:00:01' }, 'cannot be the address of one interface'],
    [{ mac: '00:00:00:00:00:00' }, 'cannot be the address of one interface'],
    [{ addresses: ['10.200.0.1'] }, 'is no address with prefix length'],
    [{ addresses: ['10.200.0.1/33'] }, 'is no address with prefix length'],
    [{ addresses: ['10.200.0.1/x'] }, 'is no address with prefix length'],
    [{ ttl: '256' }, '--ttl 256 is out of range: 0 to 255'],
    [{ tos: '-1' }, '--tos -1 is out of range'],
    [{ df: 'maybe' }, '--df maybe: it may be unset, set or inherit'],
    [{ sourcePorts: '5' }, '--srcport 5 is no range of ports'],
    [{ sourcePorts: '9:5' }, 'the first port is larger than the last'],
    [{ sourcePorts: '0:5' }, '--srcport 0 is out of range'],
  ])('%j', (words, message) => {
    expect(() => readSpec({ ...WORDS, ...words })).toThrow(expect.objectContaining({ code: 'SL6000', reason: 'usage', message: expect.stringContaining(message) }));
  });
});
