/** Nodes of a mesh from what others know: Kubernetes, or routes that BGP has learned. Pure. */

import { networkOf, overlaps, parseCidr, type Cidr } from '../../../../lib/cidr.ts';
import { ParseError, UsageError } from '../../../../lib/errors.ts';
import { parseAddress } from '../../../../lib/ip.ts';
import type { FoundNode } from '../read-mesh.ts';

/** Nodes, and what was left out with the reason. */
export interface Found {
  nodes: readonly FoundNode[];
  warnings: readonly string[];
}

/** A list of nodes as the API server writes it; only what is read here. */
interface KubernetesNodes {
  items?: readonly {
    metadata?: { name?: unknown };
    spec?: { podCIDR?: unknown; podCIDRs?: readonly unknown[] };
    status?: { addresses?: readonly { type?: unknown; address?: unknown }[] };
  }[];
}

/**
 * Reads `kubectl get nodes -o json`. The underlay address is the first InternalIP; a node without pod network is left out.
 *
 * @throws ParseError for text that is not such a list.
 */
export function nodesOfKubernetes(source: string, json: string): Found {
  const { items } = parseList(source, json);
  const warnings: string[] = [];
  const nodes = items.flatMap((item): FoundNode[] => {
    const name = String(item.metadata?.name ?? '?');
    const podCidrs = [...new Set([item.spec?.podCIDR, ...(item.spec?.podCIDRs ?? [])])].flatMap((text) => (typeof text === 'string' ? (parseCidr(text) ?? []) : []));
    const underlay = item.status?.addresses?.find(({ type, address }) => type === 'InternalIP' && typeof address === 'string' && parseAddress(address) !== undefined)?.address;
    if (typeof underlay === 'string' && podCidrs.length > 0) return [{ name, underlay, podCidrs }];
    warnings.push(`${name} is left out: it has no ${typeof underlay === 'string' ? 'podCIDR yet' : 'InternalIP'}`);
    return [];
  });
  return { nodes, warnings };
}

function parseList(source: string, json: string): Required<KubernetesNodes> {
  try {
    const { items } = JSON.parse(json) as KubernetesNodes;
    if (Array.isArray(items)) return { items };
  } catch {
    // Told below, together with JSON of another shape.
  }
  throw new ParseError(source, 1, 1, 'this is no list of nodes as `kubectl get nodes -o json` writes it');
}

/** A route as far as it matters here. */
export interface LearnedRoute {
  /** Network with its prefix length. */
  destination: string;
  /** Absent for a network that is here: a route that only keeps packets from leaving (blackhole, unreachable, prohibit). */
  gateway?: string;
}

/** What this node knows of itself. */
export interface OwnNode {
  name: string;
  /** Address from which the gateways are reached. */
  underlay: string | undefined;
  /** Its own pod networks, where somebody said them. */
  podCidrs: readonly Cidr[];
}

/**
 * Makes nodes of routes: each gateway is a node, and what lies behind it its pod networks. This node is added.
 *
 * @param within only networks in here; all except default routes when it is empty.
 * @throws UsageError SL6064 when nothing was learned, or nothing tells the pod network of this node.
 */
export function nodesOfRoutes(routes: readonly LearnedRoute[], own: OwnNode, within: readonly Cidr[]): Found {
  const wanted = routes.flatMap(({ destination, gateway }) => {
    const cidr = networkOf(parseCidr(destination)!);
    return cidr.length === 0 || (within.length > 0 && !within.some((one) => one.length <= cidr.length && overlaps(one, cidr))) ? [] : [{ cidr, gateway }];
  });
  const remote = Map.groupBy(wanted.filter(({ gateway }) => gateway !== undefined), ({ gateway }) => gateway!);
  if (remote.size === 0) throw new UsageError('no route to pods was learned from a BGP speaker', { code: 'SL6064', hints: ['ip route show proto bird', 'sluice bgp status'] });
  const podCidrs = own.podCidrs.length > 0 ? own.podCidrs : wanted.flatMap(({ cidr, gateway }) => (gateway === undefined ? [cidr] : []));
  if (podCidrs.length === 0 || own.underlay === undefined) throw new UsageError('the learned routes do not tell which pods are on this node', { code: 'SL6064', hints: ['--pod-cidr 10.244.1.0/24'] });
  const others = [...remote].map(([gateway, networks]): FoundNode => ({ name: gateway, underlay: gateway, podCidrs: networks.map(({ cidr }) => cidr) }));
  return { nodes: [{ name: own.name, underlay: own.underlay, podCidrs }, ...others], warnings: [] };
}
