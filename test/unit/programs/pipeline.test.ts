import { describe, expect, test } from 'vitest';
import { readNeed, splitNeeds } from '../../../src/domain/programs/features/feature.ts';
import { whyGarbage } from '../../../src/domain/programs/gc/garbage.ts';
import { arrangeSteps, type StepFacts } from '../../../src/domain/programs/net/pipeline.ts';
import type { Attachment } from '../../../src/domain/bpf/index.ts';

const at = (programId: number, hook: string, target: string, more: Partial<Attachment> = {}): StepFacts =>
  ({ attachment: { programId, hook, target, gone: false, ...more }, name: `p${programId}`, tag: `${programId}`, loadedAt: new Date(0), orphan: false });

const order = (facts: readonly StepFacts[], device?: string): string[] =>
  arrangeSteps(facts, device).map(({ device: name, direction, order: position, hook, programId }) => `${name} ${direction} ${position} ${hook} ${programId}`);

describe('the way of packets', () => {
  const facts = [
    at(9, 'netfilter', 'ipv4/output/0', { priority: 0 }), at(8, 'netfilter', 'ipv4/input/5', { priority: 5 }), at(7, 'netfilter', 'ipv4/input/-5', { priority: -5 }),
    at(6, 'netfilter', 'ipv4/prerouting/900', { priority: 900 }), at(5, 'tc-ingress', 'eth0', { order: 1 }), at(4, 'tcx-ingress', 'eth0', { order: 2 }), at(3, 'tcx-ingress', 'eth0', { order: 1 }),
    at(2, 'xdp-generic', 'eth0'), at(1, 'xdp-native', 'eth0'), at(10, 'tc-egress', 'eth0', { order: 1 }), at(11, 'tcx-egress', 'eth10'), at(12, 'tcx-egress', 'eth2'),
    at(13, 'kprobe', 'do_exit'), at(14, 'sk_lookup', ''),
  ];

  test('goes through XDP, tcx, clsact, netfilter and socket lookup, and out the other way', () => {
    expect(order(facts)).toEqual([
      'eth0 ingress 1 xdp-native 1', 'eth0 ingress 2 xdp-generic 2', 'eth0 ingress 3 tcx-ingress 3', 'eth0 ingress 4 tcx-ingress 4', 'eth0 ingress 5 tc-ingress 5',
      'eth0 egress 1 tc-egress 10', 'eth2 egress 1 tcx-egress 12', 'eth10 egress 1 tcx-egress 11',
      '* ingress 1 netfilter 6', '* ingress 2 netfilter 7', '* ingress 3 netfilter 8', '* ingress 4 sk_lookup 14', '* egress 1 netfilter 9',
    ]);
  });

  test('of one interface has among its steps what stands in the way of all', () => {
    expect(order(facts, 'eth2')).toEqual([
      'eth2 ingress 1 netfilter 6', 'eth2 ingress 2 netfilter 7', 'eth2 ingress 3 netfilter 8', 'eth2 ingress 4 sk_lookup 14', 'eth2 egress 1 netfilter 9', 'eth2 egress 2 tcx-egress 12',
    ]);
  });

  test('marks all but the newest of the same code at one hook', () => {
    const twice = [at(1, 'tcx-ingress', 'eth0', { order: 1 }), at(2, 'tcx-ingress', 'eth0', { order: 2 }), at(3, 'tcx-egress', 'eth0')].map((one) => ({ ...one, name: 'cil', tag: 'same' }));
    expect(arrangeSteps(twice, undefined).map(({ programId, duplicate }) => [programId, duplicate])).toEqual([[1, true], [2, false], [3, false]]);
  });
});

describe('what nothing needs', () => {
  const facts = { type: 'xdp', held: false, uses: [], inMap: false };

  test.each([
    ['program', facts, 'it is attached nowhere'], ['map', { ...facts, type: 'hash' }, 'no program uses it'], ['link', { ...facts, uses: [{ gone: true }] }, 'what it stood on is gone'],
  ] as const)('a %s like %j', (kind, given, why) => expect(whyGarbage(kind, given)).toBe(why));

  test.each([
    ['program', { ...facts, held: true }], ['program', { ...facts, inMap: true }], ['program', { ...facts, uses: [{ gone: false }] }], ['program', { ...facts, uses: [{ gone: true }] }],
    ['program', { ...facts, type: 'kprobe' }], ['program', { ...facts, type: 'socket_filter' }], ['program', { ...facts, type: 'lwt_xmit' }], ['program', { ...facts, type: 'ext' }],
    ['program', { ...facts, type: 'struct_ops' }], ['map', { ...facts, uses: [{ gone: false }] }], ['link', facts], ['link', { ...facts, uses: [{ gone: false }] }], ['btf', facts],
  ] as const)('is not a %s like %j', (kind, given) => expect(whyGarbage(kind, given)).toBeUndefined());
});

test('needs are read with their prefixes', () => {
  expect(splitNeeds(['tcx, kfunc:bpf_x,', 'helper:xdp/bpf_redirect,CONFIG_BPF,prog:xdp', 'nonsense:x']).map(readNeed)).toEqual([
    { name: 'tcx' }, { kind: 'kfunc', name: 'bpf_x' }, { kind: 'helper', name: 'bpf_redirect', type: 'xdp' }, { kind: 'config', name: 'CONFIG_BPF' }, { kind: 'program', name: 'xdp' }, undefined,
  ]);
});
