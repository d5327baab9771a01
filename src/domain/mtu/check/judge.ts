/** Judges what was measured against what links are set to. Pure. */

import type { CheckedLink, CheckedPath, MtuFacts, MtuFinding } from './model.ts';

/** Everything that is wrong, the worst first. */
export function judgeMtu(facts: MtuFacts): MtuFinding[] {
  const findings = [
    ...facts.links.flatMap(judgeTunnel), ...facts.links.flatMap(judgeVeth), ...judgePorts(facts.links),
    ...facts.paths.flatMap((path) => judgePath(path, facts.links)), ...judgePods(facts),
  ];
  return findings.sort((a, b) => Number(a.severity === 'warn') - Number(b.severity === 'warn') || a.id.localeCompare(b.id));
}

/** MT002: a tunnel takes packets that its underlay link cannot carry once they are wrapped. */
function judgeTunnel(link: CheckedLink): MtuFinding[] {
  const { name, mtu, netns, tunnel } = link;
  if (tunnel === undefined || mtu + tunnel.overhead <= tunnel.overMtu) return [];
  const fits = tunnel.overMtu - tunnel.overhead;
  const happens = tunnel.df === 'unset' ? 'larger packets are cut into fragments on the underlay' : 'larger packets vanish';
  return [{
    id: 'MT002', severity: 'fail', subject: labelOf(link), side: netns === undefined ? 'this node' : 'node', fix: setMtu(name, fits, netns),
    detail: `MTU ${mtu} + ${tunnel.overhead} of encapsulation > ${tunnel.overMtu} of ${tunnel.over}: ${happens}`,
  }];
}

/** MT003: an end of a veth drops what is larger than its own MTU, without a word. */
function judgeVeth({ name, mtu, peer }: CheckedLink): MtuFinding[] {
  if (peer === undefined || peer.mtu === mtu) return [];
  const peerSmaller = peer.mtu < mtu;
  const small = peerSmaller ? `${peer.name} in ${peer.netns}` : name;
  return [{
    id: 'MT003', severity: 'fail', subject: name, side: peerSmaller ? 'pod' : 'this node',
    detail: `its peer ${peer.name} in ${peer.netns} has MTU ${peer.mtu}, itself ${mtu}: ${small} drops larger packets without a word`,
    fix: peerSmaller ? setMtu(peer.name, mtu, peer.netns) : setMtu(name, peer.mtu),
  }];
}

/** MT004: a bridge does not cut packets: a port with a smaller MTU than another drops what does not fit. */
function judgePorts(links: readonly CheckedLink[]): MtuFinding[] {
  const bridges = new Set(links.filter(({ kind, netns }) => kind === 'bridge' && netns === undefined).map(({ name }) => name));
  return [...bridges].flatMap((bridge): MtuFinding[] => {
    const ports = links.filter(({ master, netns }) => master === bridge && netns === undefined);
    const [least, most] = [Math.min(...ports.map(({ mtu }) => mtu)), Math.max(...ports.map(({ mtu }) => mtu))];
    const smallest = ports.find(({ mtu }) => mtu === least);
    if (smallest === undefined || least === most) return [];
    const larger = ports.filter(({ mtu }) => mtu > least).map(({ name, mtu }) => `${name} ${mtu}`);
    return [{
      id: 'MT004', severity: 'fail', subject: bridge, side: 'this node', fix: smallest.tunnel === undefined ? setMtu(smallest.name, most) : larger.map((port) => setMtu(port.split(' ')[0]!, least)).join('; '),
      detail: `port ${smallest.name} has MTU ${least}, ${larger.join(', ')}: what is larger is dropped between them without a word`,
    }];
  });
}

function judgePath(path: CheckedPath, links: readonly CheckedLink[]): MtuFinding[] {
  const { measured } = path;
  if (measured === undefined) return [];
  return [...judgeBlackHole(path, measured, links), ...judgeNarrow(path, measured), ...judgeCache(path, measured), ...judgeCarried(path, measured.mtu, links)];
}

type Measured = NonNullable<CheckedPath['measured']>;

/** MT001: packets vanish. Whoever drops them should say so; until then the senders must know. */
function judgeBlackHole({ to, egress, egressMtu, links: way }: CheckedPath, { mtu, vanished }: Measured, links: readonly CheckedLink[]): MtuFinding[] {
  if (vanished === undefined) return [];
  const [cause] = links.filter((link) => way.includes(labelOf(link))).flatMap(judgeTunnel);
  return [{
    id: 'MT001', severity: 'fail', subject: to, side: cause?.side ?? 'path',
    fix: cause?.fix ?? `let ICMP "fragmentation needed" through on the way, or here: ip link set dev ${egress} mtu ${mtu}, and the same at the other end`,
    detail: `packets of ${vanished} to ${egressMtu} bytes vanish without a word after ${egress}; the largest that arrives has ${mtu}`,
  }];
}

/** MT005: a router on the way carries less than our link, and says so. */
function judgeNarrow({ to, egress, egressMtu }: CheckedPath, { narrowings, vanished }: Measured): MtuFinding[] {
  const last = narrowings.at(-1);
  if (last === undefined || vanished !== undefined) return [];
  return [{
    id: 'MT005', severity: 'warn', subject: to, side: 'other end', fix: `raise the MTU behind ${last.from} to ${egressMtu}, or lower it here: ip link set dev ${egress} mtu ${last.mtu}`,
    detail: `${last.from} carries only ${last.mtu}, ${egress} ${egressMtu}; senders hear of it by ICMP`,
  }];
}

/** MT006: the kernel keeps to a path MTU that is smaller than the path. */
function judgeCache({ to }: CheckedPath, { cachedMtu, mtu }: Measured): MtuFinding[] {
  if (cachedMtu >= mtu) return [];
  return [{
    id: 'MT006', severity: 'warn', subject: to, side: 'this node', fix: 'ip route flush cache, or correct the mtu of the route (ip route show)',
    detail: `the kernel keeps packets to ${cachedMtu} bytes, by its cache or its route, but ${mtu} arrive`,
  }];
}

/** MT002 once more, against what was measured on the way to the remote VTEP. */
function judgeCarried({ to, carries }: CheckedPath, pathMtu: number, links: readonly CheckedLink[]): MtuFinding[] {
  const tunnel = links.find(({ name, netns }) => name === carries && netns === undefined);
  if (tunnel?.tunnel === undefined || tunnel.mtu + tunnel.tunnel.overhead <= pathMtu || judgeTunnel(tunnel).length > 0) return [];
  const fits = pathMtu - tunnel.tunnel.overhead;
  return [{
    id: 'MT002', severity: 'fail', subject: tunnel.name, side: 'this node', fix: `ip link set dev ${tunnel.name} mtu ${fits}, and the same at ${to}; or raise the underlay to ${tunnel.mtu + tunnel.tunnel.overhead}`,
    detail: `MTU ${tunnel.mtu} + ${tunnel.tunnel.overhead} of encapsulation > ${pathMtu} that the way to ${to} carries`,
  }];
}

/** MT007: a pod, which is at the other end of a veth that is not on the way itself, sends more than the narrowest way that was looked at carries. */
function judgePods({ links, paths }: MtuFacts): MtuFinding[] {
  const ways = [
    ...paths.filter(({ carries }) => carries === undefined).flatMap(({ to, measured }) => (measured === undefined ? [] : [{ what: `the way to ${to}`, mtu: measured.mtu, silent: measured.vanished !== undefined }])),
    ...links.flatMap(({ name, mtu, netns, tunnel }) => (tunnel === undefined || netns !== undefined ? [] : [{ what: name, mtu, silent: false }])),
  ];
  const narrowest = ways.sort((a, b) => a.mtu - b.mtu)[0];
  if (narrowest === undefined) return [];
  const uplinks = new Set([...paths.flatMap(({ links: names }) => names), ...links.flatMap(({ tunnel }) => tunnel?.over ?? [])]);
  return links.flatMap(({ name, peer }): MtuFinding[] => (peer === undefined || uplinks.has(name) || peer.mtu <= narrowest.mtu ? [] : [{
    id: 'MT007', severity: narrowest.silent ? 'fail' : 'warn', subject: `${peer.netns}/${peer.name}`, side: 'pod', fix: `${setMtu(peer.name, narrowest.mtu, peer.netns)}; ${setMtu(name, narrowest.mtu)}`,
    detail: `MTU ${peer.mtu} > ${narrowest.mtu} of ${narrowest.what}${narrowest.silent ? '' : ': its first large packet to each address is refused'}`,
  }]));
}

/** The link as `CheckedPath.links` names it. */
const labelOf = ({ name, netns }: CheckedLink): string => (netns === undefined ? name : `${netns}/${name}`);

const setMtu = (name: string, mtu: number, netns?: string): string =>
  netns === undefined ? `ip link set dev ${name} mtu ${mtu}` : netns.startsWith('/') ? `nsenter --net=${netns} ip link set dev ${name} mtu ${mtu}` : `ip -n ${netns} link set dev ${name} mtu ${mtu}`;
