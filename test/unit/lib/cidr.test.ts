import { expect, it } from 'vitest';
import { compareCidrs, formatCidr, hasHostBits, networkOf, overlaps, parseCidr } from '../../../src/lib/cidr.ts';

const cidr = (text: string) => parseCidr(text)!;

it.each(['10.0.0.0/8', '0.0.0.0/0', '10.1.2.3/32', 'fd00:244:1::/64', '::/0', 'fd00::1/128'])('reads %s and writes it again', (text) => {
  expect(formatCidr(cidr(text))).toBe(text);
});

it.each(['10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0/8', '10.0.0.0/-1', '10.0.0.0/8/8', '/8', ''])('refuses %j', (text) => {
  expect(parseCidr(text)).toBeUndefined();
});

it.each([
  ['10.244.1.5/24', '10.244.1.0/24', true], ['10.244.1.0/24', '10.244.1.0/24', false], ['255.255.255.255/0', '0.0.0.0/0', true], ['10.1.2.3/32', '10.1.2.3/32', false],
  ['fd00:244:1::5/64', 'fd00:244:1::/64', true], ['fd00:244:1:8000::/49', 'fd00:244:1:8000::/49', false],
])('the network of %s is %s', (text, network, bits) => {
  expect([formatCidr(networkOf(cidr(text))), hasHostBits(cidr(text))]).toEqual([network, bits]);
});

it.each([
  ['10.0.0.0/8', '10.9.0.0/16', true], ['10.9.0.0/16', '10.0.0.0/8', true], ['10.0.0.0/9', '10.128.0.0/9', false], ['0.0.0.0/0', '255.255.255.255/32', true],
  ['::/0', '10.0.0.0/8', false], ['fd00:1::/32', 'fd00:1:2::/48', true], ['fd00:1::/33', 'fd00:1:8000::/33', false],
])('%s and %s overlap: %s', (a, b, expected) => {
  expect(overlaps(cidr(a), cidr(b))).toBe(expected);
});

it('puts a network before those inside it', () => {
  const texts = ['fd00::/64', '10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/16', '192.168.0.0/16'];
  expect(texts.map(cidr).sort(compareCidrs).map(formatCidr)).toEqual(['10.0.0.0/8', '10.0.0.0/16', '10.1.0.0/16', '192.168.0.0/16', 'fd00::/64']);
});
