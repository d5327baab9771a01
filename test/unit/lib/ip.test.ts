import { describe, expect, it } from 'vitest';
import { formatAddress, formatPrefix, parseAddress } from '../../../src/lib/ip.ts';

describe('parseAddress', () => {
  it.each([
    ['10.0.0.9', [0x0a000009]],
    ['255.255.255.255', [0xffffffff]],
    ['::', [0, 0, 0, 0]],
    ['::1', [0, 0, 0, 1]],
    ['fd00:10::9', [0xfd000010, 0, 0, 9]],
    ['1:2:3:4:5:6:7:8', [0x10002, 0x30004, 0x50006, 0x70008]],
    ['::ffff:10.1.2.3', [0, 0, 0xffff, 0x0a010203]],
  ])('reads %s', (text, words) => expect(parseAddress(text)).toEqual(words));

  it.each(['', '10.0.0', '10.0.0.256', '010.0.0.1', '10.0.0.1/8', 'fe80::1%eth0', '[::1]', '1::2::3', 'host'])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe('formatAddress', () => {
  it.each(['0.0.0.0', '10.255.0.1', '::', '::1', '1::', 'fd00:10::9', '2001:db8:0:1:1:1:1:1', '2001:db8::1:0:0:1', '::ffff:10.1.2.3'])(
    'writes %s as RFC 5952 wants it', (text) => expect(formatAddress(parseAddress(text)!)).toBe(text));
});

describe('formatPrefix', () => {
  it.each([
    ['10.0.0.0', '255.0.0.0', '10.0.0.0/8'],
    ['0.0.0.0', '0.0.0.0', '0.0.0.0/0'],
    ['10.0.0.9', '255.0.0.255', '10.0.0.9/255.0.0.255'],
    ['fd00::', 'ffff:ffff:ffff:ffff:8000::', 'fd00::/65'],
  ])('%s & %s', (address, mask, text) => expect(formatPrefix(parseAddress(address)!, parseAddress(mask)!)).toBe(text));
});
