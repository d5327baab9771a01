/** Asks others for the nodes of a mesh. */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { listAddresses, listRoutes, lookUpRoute, type NetlinkSocket, type Route } from '../../../../kernel/netlink/index.ts';
import { rtnetlink as rt } from '../../../../kernel/uapi/index.ts';
import type { Cidr } from '../../../../lib/cidr.ts';
import { OperationError } from '../../../../lib/errors.ts';
import { getNodesJson } from '../../../../tools/kubectl.ts';
import { nodesOfKubernetes, nodesOfRoutes, type Found, type LearnedRoute } from './found.ts';

/** Protocol numbers of BGP speakers: BIRD, FRR's zebra and bgpd. GoBGP writes through zebra. */
const SPEAKERS: ReadonlySet<number> = new Set([rt.RTPROT_BIRD, rt.RTPROT_ZEBRA, rt.RTPROT_BGP]);
/** Routes that keep packets for pods that are not there from leaving: a node has them for its own networks. */
const HOLDING: ReadonlySet<number> = new Set([rt.RTN_BLACKHOLE, rt.RTN_UNREACHABLE, rt.RTN_PROHIBIT]);

/** Whom to ask for the nodes of a mesh. */
export interface SourceRequest {
  /** `bgp`, `kubernetes`, or a file with what `kubectl get nodes -o json` printed. */
  from: string;
  /** Pod networks of this node, for `bgp`. */
  podCidrs: readonly Cidr[];
  /** Only networks in here, for `bgp`. */
  within: readonly Cidr[];
  nodeName?: string | undefined;
}

/** The nodes that a source knows. @throws OperationError SL1102 for a file that cannot be read; as `nodesOfKubernetes` and `nodesOfRoutes` */
export async function findNodes(netlink: NetlinkSocket, { from, podCidrs, within, nodeName = hostname() }: SourceRequest): Promise<Found> {
  if (from === 'kubernetes') return nodesOfKubernetes('kubectl', await getNodesJson());
  if (from !== 'bgp') return nodesOfKubernetes(from, readJson(from));
  const routes = listRoutes(netlink, { table: rt.RT_TABLE_MAIN }).items.filter(({ protocol }) => SPEAKERS.has(protocol)).flatMap(toLearned);
  const first = routes.find(({ gateway }) => gateway !== undefined)?.gateway;
  return nodesOfRoutes(routes, { name: nodeName, podCidrs, underlay: first === undefined ? undefined : sourceTowards(netlink, first) }, within);
}

function toLearned({ destination, family, prefixLength, gateway, type }: Route): LearnedRoute[] {
  const network = `${destination ?? (family === 4 ? '0.0.0.0' : '::')}/${prefixLength}`;
  if (gateway !== undefined) return [{ destination: network, gateway }];
  return HOLDING.has(type) ? [{ destination: network }] : [];
}

/** The address that packets to a gateway come from. */
function sourceTowards(netlink: NetlinkSocket, gateway: string): string | undefined {
  const { preferredSource, oif } = lookUpRoute(netlink, gateway);
  return preferredSource ?? listAddresses(netlink, oif === undefined ? {} : { ifindex: oif }).items.find(({ family }) => family === (gateway.includes(':') ? 6 : 4))?.local;
}

function readJson(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new OperationError(`cannot read ${path}`, { code: 'SL1102', reason: 'usage', causes: [(error as Error).message], hints: ['--from takes bgp, kubernetes, or a file'], cause: error });
  }
}
