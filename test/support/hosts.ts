/** Two hosts with a pod each, on one switch, with or without an overlay between them: namespaces of one test. */

import { inNamespaces, type Netns } from './sluice.ts';

/** The namespaces; `close` removes them. */
export interface Hosts {
  /** 172.30.0.1 and 172.30.0.2 on eth0. */
  host: readonly [Netns, Netns];
  /** 10.244.1.5 and 10.244.2.5 on eth0, routed by their host through its device `pod`. */
  pod: readonly [Netns, Netns];
  /** A bridge br0 with the ports h1 and h2. */
  fabric: Netns;
  close: () => void;
}

/** Builds them. */
export function twoHosts(label: string): Hosts {
  const { namespaces, close } = inNamespaces(['h1', 'h2', 'p1', 'p2', 'sw'].map((name) => label + name));
  const [h1, h2, p1, p2, fabric] = namespaces as [Netns, Netns, Netns, Netns, Netns];
  try {
    for (const [host, pod, number] of [[h1, p1, 1], [h2, p2, 2]] as const) plug(host, pod, fabric, number);
    ip(fabric, 'link add br0 type bridge', 'link set br0 up', 'link set h1 master br0', 'link set h2 master br0');
  } catch (error) {
    close();
    throw error;
  }
  return { host: [h1, h2], pod: [p1, p2], fabric, close };
}

function plug(host: Netns, pod: Netns, fabric: Netns, number: number): void {
  ip(host, `link add eth0 type veth peer name h${number} netns ${fabric.name}`, `addr add 172.30.0.${number}/24 dev eth0`, `addr add fd00:30::${number}/64 dev eth0 nodad`, 'link set eth0 up');
  ip(host, `link add pod type veth peer name eth0 netns ${pod.name}`, 'addr add 169.254.1.1/32 dev pod', 'link set pod up', `route add 10.244.${number}.5/32 dev pod`);
  ip(fabric, `link set h${number} up`);
  ip(pod, `addr add 10.244.${number}.5/32 dev eth0`, 'link set eth0 up', 'route add 169.254.1.1/32 dev eth0', 'route add default via 169.254.1.1');
  host.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0']);
}

/** Runs lines of `ip` in a namespace. */
export function ip(netns: Netns, ...lines: string[]): void {
  netns.run(['ip', '-batch', '-'], `${lines.join('\n')}\n`);
}

/** The overlay of the article by hand, with options of `ip link add … type vxlan` for both ends. */
export function overlayByHand({ host }: Hosts, options: string): void {
  for (const [index, netns] of host.entries()) {
    const [own, other] = [index + 1, 2 - index];
    if (netns.run(['ip', '-o', 'link']).includes(' vxlan0:')) ip(netns, 'link del vxlan0');
    ip(netns, `link add vxlan0 type vxlan id 42 dstport 4789 local 172.30.0.${own} ${options}`, `addr add 10.200.0.${own}/24 dev vxlan0`, 'link set vxlan0 up', `route add 10.244.${other}.0/24 via 10.200.0.${other} dev vxlan0 onlink`);
    netns.run(['bridge', 'fdb', 'append', '00:00:00:00:00:00', 'dev', 'vxlan0', 'dst', `172.30.0.${other}`]);
  }
}
