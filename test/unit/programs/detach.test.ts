import { describe, expect, test } from 'vitest';
import { heldKey, type Attachment, type Holders } from '../../../src/domain/bpf/index.ts';
import { isMeant, planDetachment } from '../../../src/domain/programs/detach/plan.ts';

const LINKED: Attachment = { programId: 4, linkId: 7, hook: 'xdp-native', target: 'eth0', gone: false };
const UNLINKED: Attachment = { programId: 4, hook: 'tc-ingress', target: 'eth0', order: 1, gone: false };

const holders = (pins: readonly string[], processes: readonly string[] = []): Holders => ({
  pins: new Map([[heldKey('link', 7), pins]]), processes: new Map([[heldKey('link', 7), processes.map((name, i) => ({ pid: 100 + i, name }))]]),
  links: new Map(), programs: new Map(), maps: new Map(), perfEvents: [], warnings: [], countsRuns: false,
});

describe('what is taken off', () => {
  test.each([
    ['a link that sluice pinned', LINKED, holders(['/sys/fs/bpf/sluice/links/1/fw']), [], undefined],
    ['a link that others pinned', LINKED, holders(['/sys/fs/bpf/cilium/link']), [], '/sys/fs/bpf/cilium/link'],
    ['a link that both pinned', LINKED, holders(['/sys/fs/bpf/sluice/links/1/fw', '/sys/fs/bpf/mine']), [], '/sys/fs/bpf/mine'],
    ['a link that a process holds', LINKED, holders([], ['bpfman']), [], 'bpfman (pid 100)'],
    ['a link that nobody shows', LINKED, holders([]), [], 'somebody who left no pin'],
    ['a filter with a program of sluice', UNLINKED, holders([]), ['/sys/fs/bpf/sluice/programs/fw/main'], undefined],
    ['a filter with a program of others', UNLINKED, holders([]), ['/sys/fs/bpf/tc/globals/main'], '/sys/fs/bpf/tc/globals/main'],
    ['a filter with a program of nobody', UNLINKED, holders([]), [], 'somebody who left no pin'],
  ])('%s', (_, attachment, who, programPins, foreign) => {
    expect(planDetachment(attachment, who, programPins).foreign).toBe(foreign);
  });

  test('tells who holds a link by a descriptor, and which pins go', () => {
    const plan = planDetachment(LINKED, holders(['/sys/fs/bpf/sluice/links/1/fw'], ['bpfman']), []);
    expect(plan).toMatchObject({ place: 'eth0 xdp-native', pins: ['/sys/fs/bpf/sluice/links/1/fw'], holder: 'bpfman (pid 100)', foreign: 'bpfman (pid 100)' });
  });
});

test.each([
  [undefined, true], ['xdp', true], ['xdp:eth0', true], ['xdp-native:eth0', true], ['xdp-native', true], ['xdp:eth1', false], ['tcx-ingress', false], ['tcx-ingress:eth0', false],
] as const)('%s means an XDP program at eth0: %s', (wanted, meant) => expect(isMeant(LINKED, wanted)).toBe(meant));
