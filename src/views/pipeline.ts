/** How the way of packets through programs looks. */

import type { TableView } from '../cli/view.ts';
import type { Step } from '../domain/programs/index.ts';

/** The table of `bpf net`. */
export const pipelineView: TableView<Step> = {
  kind: 'BpfPipelineStep',
  empty: 'No programs found.',
  name: ({ device, direction, order }) => `${device}/${direction}/${order}`,
  json: (step) => ({ ...step, loadedAt: step.loadedAt.toISOString(), findings: findings(step) }),
  columns: [
    { header: 'IFACE', value: ({ device }) => device, shrinkTo: 8 },
    { header: 'DIRECTION', value: ({ direction }) => direction },
    { header: 'ORDER', value: ({ order }) => order },
    { header: 'HOOK', value: ({ hook, place }) => (place === undefined ? hook : `${hook} ${place}`), shrinkTo: 12 },
    { header: 'PROG', value: ({ programId }) => programId },
    { header: 'NAME', value: ({ name }) => name },
    { header: 'LINK', value: ({ linkId }) => linkId },
    { header: 'REVISION', value: ({ revision }) => revision, wide: true },
    { header: 'LOADED', value: ({ loadedAt }) => Math.max(0, (Date.now() - loadedAt.getTime()) / 1000), format: 'age', dropOrder: 1 },
    { header: 'OWNER', value: ({ owner }) => owner, shrinkTo: 8 },
    { header: 'FINDING', value: (step) => findings(step).join(',') || undefined, tone: (step) => (findings(step).length > 0 ? 'warn' : undefined) },
  ],
};

const findings = ({ duplicate, orphan, gone, unknownNamespace }: Step): string[] => [
  ...(duplicate ? ['DUPLICATE'] : []), ...(orphan ? ['ORPHAN'] : []), ...(gone ? ['GONE'] : []), ...(unknownNamespace ? ['NETNS?'] : []),
];
