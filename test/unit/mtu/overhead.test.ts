import { describe, expect, it, test } from 'vitest';
import { UsageError } from '../../../src/lib/errors.ts';
import { calculateStack, CIPHERS, ENCAPSULATIONS, listOverheads, type StackRequest } from '../../../src/domain/mtu/index.ts';
import { encapsulation, largestCarried, wrappedBytes } from '../../../src/domain/mtu/encapsulation.ts';
import { PLAIN } from '../../../src/domain/mtu/overhead.ts';

const { underlay: _underlay, ...options } = PLAIN;
const stack = (encapsulations: string[], more: Partial<StackRequest> = {}): StackRequest => ({ outerMtu: 1500, encapsulations, underlays: ['ipv4'], options, ...more });

test('the short table is the one that people remember', () => {
  expect(listOverheads(1500).quick).toEqual([
    { encapsulation: 'None (native)', overhead: 0, innerMtu: 1500 },
    { encapsulation: 'VXLAN', overhead: 50, innerMtu: 1450 },
    { encapsulation: 'Geneve', overhead: 50, innerMtu: 1450 },
    { encapsulation: 'WireGuard', overhead: 60, innerMtu: 1440 },
    { encapsulation: 'IPsec (AES)', overhead: 73, innerMtu: 1427 },
  ]);
});

test('an IPv6 underlay costs 20 more wherever there is an outer IP header', () => {
  const { exact } = listOverheads(9000);
  for (let i = 0; i < exact.length; i += 2) {
    const [four, six] = [exact[i]!, exact[i + 1]!];
    expect([six.encapsulation, six.variant, six.overhead - four.overhead]).toEqual([four.encapsulation, four.variant, four.variant === 'transport' ? 0 : 20]);
  }
});

describe('padding', () => {
  const all = ENCAPSULATIONS.flatMap((name) => (Object.keys(CIPHERS) as (keyof typeof CIPHERS)[]).flatMap((cipher) =>
    (['tunnel', 'transport'] as const).map((ipsecMode) => encapsulation(name, { ...PLAIN, cipher, ipsecMode, vlan: true, geneveOptions: 8 }))));

  it('leaves exactly what fits: one byte more does not', () => {
    for (const one of all) {
      for (let mtu = 576; mtu < 640; mtu++) {
        const inner = largestCarried(one, mtu);
        expect(wrappedBytes(one, inner)).toBeLessThanOrEqual(mtu);
        expect(wrappedBytes(one, inner + 1)).toBeGreaterThan(mtu);
      }
    }
  });

  // What the kernel's xfrm_mtu says for these: ((mtu - headers - icv) & ~(block - 1)) - 2.
  it.each([['aes-cbc-sha1', 1438], ['aes-cbc-sha256', 1438], ['aes-gcm', 1446]] as const)('of %s leaves %i of 1500', (cipher, inner) => {
    expect(largestCarried(encapsulation('ipsec', { ...PLAIN, cipher }), 1500)).toBe(inner);
  });
});

describe('stack', () => {
  it('takes the last encapsulation off first', () => {
    const { innerMtu, layers } = calculateStack(stack(['vxlan', 'ipsec']));
    expect(layers.map(({ encapsulation: name, outerMtu, innerMtu: inner }) => [name, outerMtu, inner])).toEqual([['IPsec (AES-CBC, SHA-1)', 1500, 1438], ['VXLAN', 1438, 1388]]);
    expect(innerMtu).toBe(1388);
  });

  it('has an underlay for each', () => {
    expect(calculateStack(stack(['vxlan', 'wireguard'], { underlays: ['ipv4', 'ipv6'] })).overhead).toBe(50 + 80);
    expect(calculateStack(stack(['vxlan', 'wireguard'], { underlays: ['ipv6'] })).overhead).toBe(70 + 80);
  });

  it('says which outer MTU a packet needs', () => {
    expect(calculateStack(stack(['vxlan'], { innerMtu: 1500 })).needed).toEqual({ innerMtu: 1500, outerMtu: 1550, fits: false });
    expect(calculateStack(stack(['vxlan'], { innerMtu: 1450 })).needed).toEqual({ innerMtu: 1450, outerMtu: 1500, fits: true });
  });

  it('warns where IPv6 has no room', () => {
    expect(calculateStack(stack(['vxlan'], { outerMtu: 1300 })).warnings).toEqual(['IPv6 needs an MTU of 1280: pods cannot use it with 1250']);
  });

  it.each([
    [stack(['vxlam']), "there is no encapsulation 'vxlam'"],
    [stack(['geneve'], { options: { ...options, geneveOptions: 6 } }), 'Geneve cannot have 6 bytes of options'],
    [stack(['vxlan', 'ipip'], { underlays: ['ipv4', 'ipv4', 'ipv4'] }), '3 underlays for 2 encapsulations'],
    [stack(['vxlan'], { underlays: ['ipx'] }), "'ipx' is no underlay"],
    [stack(['vxlan'], { outerMtu: 60 }), 'an MTU of 60 does not exist'],
    [stack(['vxlan', 'wireguard'], { outerMtu: 120 }), 'nothing is left of 120 bytes: the encapsulations take 110'],
  ])('refuses %#', (request, message) => {
    expect(() => calculateStack(request)).toThrowError(expect.objectContaining({ constructor: UsageError, message }) as Error);
  });
});
