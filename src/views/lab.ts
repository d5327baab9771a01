import type { CardView, TableView } from '../cli/view.ts';
import type { DemoStep, LabRecord, LabRow, TrafficResult } from '../domain/lab/index.ts';

export const labsView: TableView<LabRow> = {
  kind: 'Lab',
  empty: 'No labs found.',
  name: ({ name }) => `lab/${name}`,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'NODES', value: ({ nodes }) => nodes, align: 'right' },
    { header: 'PODS', value: ({ pods }) => pods, align: 'right' },
    { header: 'SERVICES', value: ({ services }) => services, align: 'right' },
    { header: 'FIREWALL', value: ({ firewall }) => firewall, shrinkTo: 10 },
    { header: 'AGE', value: ({ ageSeconds }) => ageSeconds, format: 'age' },
    { header: 'STATE', value: ({ state }) => state, tone: ({ state }) => (state === 'up' ? 'good' : 'bad') },
  ],
};

export const labView: CardView<LabRecord> = {
  kind: 'Lab',
  name: ({ name }) => `lab/${name}`,
  lines: (lab) => [
    ['LAB', lab.name], ...(lab.mesh === undefined ? [] : [['OVERLAY', `vxlan0, as in ${lab.mesh}`] as const]), ['FIREWALL', `${lab.firewall} (iptables-${lab.backend})`], ['PODS', lab.pods], ['SERVICES', lab.services],
    ...lab.nodes.map(({ name, namespace, address }) => [name, `${address}  --netns ${namespace}`] as const),
    ['client', `172.30.0.200  --netns sl-${lab.name}-client`],
  ],
};

export const trafficView: CardView<TrafficResult> = {
  kind: 'LabTraffic',
  name: () => 'traffic',
  lines: (result) => [
    ['SENT', result.sent], ['RECEIVED', result.received], ['LOST', result.lost],
    ...result.lostSpans.map(({ fromMs, toMs, requests }): [string, string] => ['LOST AT', `${fromMs}-${toMs} ms (${requests})`]), ['REFUSED', result.refused], ['MISJUDGED', result.misjudged],
    ['CONNECTIONS', result.connections], ['FAILED', result.connectionsFailed], ['SLOWEST', `${result.slowestConnectionMs} ms`], ['P50', `${result.p50Us} us`], ['P99', `${result.p99Us} us`],
  ],
};

/** One step of the demo as text: what was typed, what came back. */
export function demoText({ title, command, output, note }: DemoStep): string {
  return [
    ...(title === undefined ? [] : ['', `== ${title}`]),
    ...(command === undefined ? [] : ['', `$ ${command}`]),
    ...(output === undefined || output === '' ? [] : [output]),
    ...(note === undefined ? [] : ['', note]),
  ].join('\n') + '\n';
}
