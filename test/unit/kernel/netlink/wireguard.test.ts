import { expect, test } from 'vitest';
import { nest, type RawAttribute } from '../../../../src/kernel/netlink/attributes.ts';
import { readWireguard, type WireguardFacts } from '../../../../src/kernel/netlink/wireguard.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const key = (byte: string): Buffer => hex(byte.repeat(32));
const allowed = (family: string, address: string, length: string): Buffer => nest([[1, hex(family)], [2, hex(address)], [3, hex(length)]]);

/** A message as linux/wireguard.h lays it out. */
const message = (...attributes: readonly RawAttribute[]): Buffer => nest(attributes);

test('a device is read from its messages, without its secrets', () => {
  const secret = key('99');
  const first = message(
    [1, hex('05000000')], [2, Buffer.from('wg0\0')], [3, secret], [4, key('01')], [6, hex('6cca')], [7, hex('07000000')],
    [8, nest([
      [0, nest([[1, key('02')], [2, secret], [4, hex('0200 ca6c 0a000002 0000000000000000')], [5, hex('1900')], [6, hex('0100000000000000 0000000000000000')], [7, hex('ffffffffffffffff')], [8, hex('0200000000000000')],
        [9, nest([[0, allowed('0200', '0af40000', '10')]])]])],
      [1, nest([[1, key('03')], [4, hex('0a00 ca6c 00000000 fd000000000000000000000000000002 00000000')], [9, nest([])]])],
    ])],
  );
  const second = message([8, nest([[0, nest([[1, key('03')], [9, nest([[0, allowed('0a00', 'fd010000000000000000000000000000', '40')]])]])]])]);
  const facts: WireguardFacts = { peers: [] };
  for (const bytes of [first, second]) readWireguard(facts, bytes, 0, bytes.length);
  const publicKey = (byte: number): string => Buffer.alloc(32, byte).toString('base64');
  expect(facts).toEqual({
    publicKey: publicKey(1), listenPort: 51_820, firewallMark: 7,
    peers: [
      { publicKey: publicKey(2), endpoint: '10.0.0.2:51820', keepaliveSeconds: 25, lastHandshakeSeconds: 1, rxBytes: 18_446_744_073_709_551_615n, txBytes: 2n, allowedIps: ['10.244.0.0/16'] },
      { publicKey: publicKey(3), endpoint: '[fd00::2]:51820', allowedIps: ['fd01::/64'] },
    ],
  });
  expect(JSON.stringify(facts, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(secret.toString('base64').slice(0, 20));
});
