/**
 * What a lab is made of: names, addresses, links, routes and rules, worked out without touching anything.
 *
 *   client ──┐
 *   node1 ───┤ fabric (a bridge, 172.30.0.0/24)     pods hang on their node, one routed veth each (10.244.NODE.POD)
 *   node2 ───┘
 *
 * Between nodes, packets of pods are routed by the fabric's addresses, or go through an overlay of VXLAN devices.
 *
 * Every end of every veth lives in a namespace of the lab: the node that runs it sees nothing but names in /run/netns.
 */

import { UsageError } from '../../lib/errors.ts';
import { kubeRules, type KubeService } from './kube-rules.ts';

export interface LabOptions {
  name: string;
  nodes: number;
  /** Pods on each node. */
  pods: number;
  services: number;
  /** `small`, `office`, or a dump by its text. */
  firewall: { name: string; filter: string; filter6: string };
  backend: 'legacy' | 'nft';
  /** How packets of pods get from node to node. */
  overlay: Overlay;
}

export type Overlay = 'none' | 'vxlan';

export interface LabNode {
  namespace: string;
  address: string;
  pods: LabPod[];
}

export interface LabPod {
  namespace: string;
  /** Name of the pod, as its servers announce it. */
  name: string;
  address: string;
  /** The node's device towards it. */
  device: string;
}

export interface LabLayout {
  name: string;
  fabric: string;
  client: { namespace: string; address: string };
  nodes: LabNode[];
  overlay: Overlay;
  services: KubeService[];
}

export const TCP_PORT = 8080;
export const UDP_PORT = 5353;
/** Node ports of the first service of each protocol; others follow. */
export const FIRST_NODE_PORT = 30_000;

export const namespacePrefix = (name: string): string => `sl-${name}-`;

/** @throws UsageError for names and sizes that do not fit. */
export function layOut({ name, nodes, pods, services, overlay }: LabOptions): LabLayout {
  if (!/^[a-z][a-z0-9]{0,11}$/.test(name)) throw new UsageError(`'${name}' is no lab name: a lower-case letter, then up to 11 letters and digits`);
  if (nodes < 1 || nodes > 9 || pods < 1 || pods > 50) throw new UsageError('a lab has 1 to 9 nodes with 1 to 50 pods each');
  if (services < 0 || services > 10_000) throw new UsageError('a lab has up to 10000 services');
  const prefix = namespacePrefix(name);
  const layout: LabLayout = {
    name, overlay, fabric: `${prefix}fabric`, client: { namespace: `${prefix}client`, address: '172.30.0.200' }, services: [],
    nodes: Array.from({ length: nodes }, (_, i) => ({
      namespace: `${prefix}node${i + 1}`, address: `172.30.0.${i + 1}`,
      pods: Array.from({ length: pods }, (_pod, j) => ({
        namespace: `${prefix}pod${i + 1}-${j + 1}`, name: `pod${i + 1}-${j + 1}`, address: `10.244.${i + 1}.${j + 1}`, device: `pod${j + 1}`,
      })),
    })),
  };
  return { ...layout, services: layOutServices(layout, services) };
}

/** Odd services are TCP, even ones UDP; every pod is behind each, and the last of eight has no pod at all. */
function layOutServices({ nodes }: LabLayout, count: number): KubeService[] {
  const pods = nodes.flatMap((node) => node.pods);
  return Array.from({ length: count }, (_, i): KubeService => {
    const protocol = i % 2 === 0 ? 'tcp' : 'udp';
    const empty = i % 8 === 7;
    return {
      namespace: 'shop', name: `svc${i + 1}`, portName: protocol === 'tcp' ? 'http' : 'echo', protocol,
      clusterIP: `10.96.${1 + Math.floor(i / 250)}.${1 + (i % 250)}`, port: protocol === 'tcp' ? 80 : 7,
      endpoints: empty ? [] : pods.map(({ address }) => ({ address, port: protocol === 'tcp' ? TCP_PORT : UDP_PORT })),
      ...(i < 2000 ? { nodePort: FIRST_NODE_PORT + i } : {}),
      ...(i % 5 === 4 && !empty ? { affinitySeconds: 10_800 } : {}),
    };
  });
}

export const allNamespaces = ({ fabric, client, nodes }: LabLayout): string[] =>
  [fabric, client.namespace, ...nodes.flatMap((node) => [node.namespace, ...node.pods.map(({ namespace }) => namespace)])];

/** `ip -batch` lines that make the namespaces and put both ends of every veth in its place. */
export function linkLines({ fabric, client, nodes }: LabLayout): string[] {
  const uplink = (namespace: string, port: string): string => `link add eth0 netns ${namespace} type veth peer name ${port} netns ${fabric}`;
  return [
    uplink(client.namespace, 'client'),
    ...nodes.flatMap((node, i) => [
      uplink(node.namespace, `node${i + 1}`),
      ...node.pods.map((pod) => `link add eth0 netns ${pod.namespace} type veth peer name ${pod.device} netns ${node.namespace}`),
    ]),
  ];
}

export function fabricLines({ nodes }: LabLayout): string[] {
  const ports = ['client', ...nodes.map((_node, i) => `node${i + 1}`)];
  return ['link add br0 type bridge', 'link set br0 up', ...ports.flatMap((port) => [`link set ${port} master br0`, `link set ${port} up`])];
}

export function nodeLines(node: LabNode, { nodes, overlay }: LabLayout): string[] {
  const number = nodes.indexOf(node) + 1;
  const others = overlay === 'none' ? nodes.filter((other) => other !== node) : [];
  return [
    'link set lo up', `addr add ${node.address}/24 dev eth0`, `addr add fd00:30::${number}/64 dev eth0 nodad`, 'link set eth0 up',
    ...node.pods.flatMap(({ device, address }, j) => [
      ...podMtu(overlay, device), `link set ${device} up`, `addr add fe80::1/64 dev ${device} nodad`, `addr add 169.254.1.1/32 dev ${device}`, `route add ${address}/32 dev ${device}`,
      `route add fd00:244:${number}::${j + 1}/128 dev ${device}`,
    ]),
    ...others.flatMap((other) => [`route add ${podNetworks(nodes, other)[0]} via ${other.address}`, `route add ${podNetworks(nodes, other)[1]} via fd00:30::${nodes.indexOf(other) + 1}`]),
  ];
}

/** Pod networks of a node, of both families. */
const podNetworks = (nodes: readonly LabNode[], node: LabNode): [string, string] => {
  const number = nodes.indexOf(node) + 1;
  return [`10.244.${number}.0/24`, `fd00:244:${number}::/64`];
};

/** What fits through the overlay: both ends of a pod's veth say so, or the larger one's packets would vanish. */
const podMtu = (overlay: Overlay, device: string): string[] => (overlay === 'none' ? [] : [`link set ${device} mtu ${1500 - 50}`]);

/** The overlay as a document, which every node is made from. */
export const meshDocument = ({ nodes }: LabLayout): object => ({
  apiVersion: 'sluice.dev/v1', kind: 'VxlanMesh', metadata: { name: 'lab' },
  spec: { vni: 42, device: 'vxlan0', port: 4789, mtu: 'auto', nodes: nodes.map((node, i) => ({ name: `node${i + 1}`, underlay: node.address, podCIDRs: podNetworks(nodes, node) })) },
});

export const podLines = (pod: LabPod, overlay: Overlay): string[] => {
  const [, , node, number] = pod.address.split('.');
  return [
    'link set lo up', ...podMtu(overlay, 'eth0'), `addr add ${pod.address}/32 dev eth0`, `addr add fd00:244:${node}::${number}/128 dev eth0 nodad`, 'link set eth0 up',
    'route add 169.254.1.1/32 dev eth0', 'route add default via 169.254.1.1', 'route add default via fe80::1 dev eth0',
  ];
};

export const clientLines = ({ client, nodes }: LabLayout): string[] => [
  'link set lo up', `addr add ${client.address}/24 dev eth0`, 'addr add fd00:30::200/64 dev eth0 nodad', 'link set eth0 up',
  ...nodes.flatMap((node, i) => [`route add 10.244.${i + 1}.0/24 via ${node.address}`, `route add fd00:244:${i + 1}::/64 via fd00:30::${i + 1}`]),
  `route add 10.96.0.0/16 via ${nodes[0]!.address}`,
];

/** The rules of a node: kube-proxy's nat table, and one filter table of kube-proxy's chains and the firewall. */
export function nodeRules({ firewall }: LabOptions, { services }: LabLayout): string {
  const kube = kubeRules({ services });
  const nat = /^\*nat[\s\S]*?^COMMIT\n/m.exec(kube)?.[0] ?? '';
  const kubeFilter = /^\*filter\n([\s\S]*?)^COMMIT\n/m.exec(kube)?.[1] ?? '';
  return nat + mergeFilters(kubeFilter, firewall.filter);
}

/** kube-proxy's chains and rules in front of the firewall's; the firewall says the policies. */
function mergeFilters(kube: string, firewall: string): string {
  const lines = firewall.split('\n');
  const declared = new Set(lines.filter((line) => line.startsWith(':')).map(chainOf));
  const kubeLines = kube.split('\n').filter((line) => line !== '' && !(line.startsWith(':') && declared.has(chainOf(line))));
  const firstRule = lines.findIndex((line) => line.startsWith('-A'));
  return [
    ...lines.slice(0, firstRule), ...kubeLines.filter((line) => line.startsWith(':')), ...kubeLines.filter((line) => line.startsWith('-A')), ...lines.slice(firstRule),
  ].join('\n');
}

const chainOf = (line: string): string => line.slice(1).split(' ')[0]!;
