/** Hosts on one underlay network, each in a network namespace, for tests of tunnels between them. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export interface VxlanOptions {
  vni?: number;
  port?: number;
  /** Empty for none. @default `local` and the host's address */
  local?: string;
  /** Empty for no device below. @default `dev eth0` */
  dev?: string;
  mac?: string;
  /** More words for `ip link add … type vxlan`. */
  more?: string;
}

/** Host i has 172.30.0.i on eth0, 10.244.i.1 on br0 for pods, and in its tunnel 10.200.0.i and the MAC 02:00:00:00:00:0i. */
export class VxlanLab {
  readonly #prefix: string;
  readonly hosts: readonly number[];

  private constructor(prefix: string, hosts: readonly number[]) {
    this.#prefix = prefix;
    this.hosts = hosts;
  }

  /** @param label tells labs of one process apart. */
  static async create(label: string, hosts = 2): Promise<VxlanLab> {
    const lab = new VxlanLab(`slt${process.pid}${label}`, Array.from({ length: hosts }, (_, i) => i + 1));
    try {
      await lab.#build();
    } catch (error) {
      await lab.remove();
      throw error;
    }
    return lab;
  }

  async #build(): Promise<void> {
    for (const name of ['sw', ...this.hosts.map((i) => `h${i}`)]) await execute('ip', ['netns', 'add', this.name(name)]);
    await this.ip('sw', ['link add br-u type bridge mcast_snooping 0', 'link set br-u up', ...this.hosts.flatMap((i) => [
      `link add p-h${i} type veth peer name eth0 netns ${this.name(`h${i}`)}`, `link set p-h${i} master br-u up`,
    ])]);
    for (const i of this.hosts) {
      await this.run(`h${i}`, ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0', 'net.ipv6.conf.default.accept_dad=0']);
      await this.ip(`h${i}`, [
        'link set lo up', `addr add 172.30.0.${i}/24 dev eth0`, `addr add fd30::${i}/64 dev eth0 nodad`, 'link set eth0 up',
        'link add br0 type bridge', `addr add 10.244.${i}.1/24 dev br0`, 'link set br0 up',
      ]);
    }
  }

  name(host: string): string {
    return `${this.#prefix}${host}`;
  }

  path(host: string): string {
    return `/run/netns/${this.name(host)}`;
  }

  mac(host: number): string {
    return `02:00:00:00:00:0${host}`;
  }

  /** Runs a program in a host's namespace. @throws when it fails. */
  async run(host: string, argv: readonly string[]): Promise<string> {
    return (await execute('nsenter', [`--net=${this.path(host)}`, '--', ...argv])).stdout;
  }

  /** Runs lines of `ip` in a host's namespace. */
  async ip(host: string, lines: readonly string[]): Promise<void> {
    const running = execute('ip', ['-n', this.name(host), '-batch', '-']);
    running.child.stdin!.end(`${lines.join('\n')}\n`);
    await running;
  }

  /** Runs a line of `bridge` in a host's namespace. */
  async bridge(host: number, line: string): Promise<void> {
    await execute('bridge', ['-n', this.name(`h${host}`), ...line.split(' ')]);
  }

  /** Makes vxlan100 on a host. */
  async vxlan(host: number, { vni = 100, port = 4789, local = `local 172.30.0.${host}`, dev = 'dev eth0', mac = this.mac(host), more = '' }: VxlanOptions = {}): Promise<void> {
    await this.ip(`h${host}`, [
      `link add vxlan100 address ${mac} type vxlan id ${vni} dstport ${port} ${local} ${dev} ${more}`, `addr add 10.200.0.${host}/24 dev vxlan100`, 'link set vxlan100 up',
    ]);
  }

  /** Sends unknown frames of a host to another, or to an address. */
  async flood(from: number, to: number, address = `172.30.0.${to}`): Promise<void> {
    await this.bridge(from, `fdb append 00:00:00:00:00:00 dev vxlan100 dst ${address}`);
  }

  /** Enters another host's MAC, and unless told otherwise its neighbour entry. */
  async know(from: number, to: number, { neighbour = true, address = `172.30.0.${to}` } = {}): Promise<void> {
    await this.bridge(from, `fdb replace ${this.mac(to)} dev vxlan100 dst ${address} self permanent`);
    if (neighbour) await this.ip(`h${from}`, [`neigh replace 10.200.0.${to} lladdr ${this.mac(to)} dev vxlan100 nud permanent`]);
  }

  /** Routes the pods of another host into the tunnel. */
  async route(from: number, to: number): Promise<void> {
    await this.ip(`h${from}`, [`route replace 10.244.${to}.0/24 via 10.200.0.${to} dev vxlan100 onlink`]);
  }

  /** Routes between the first two hosts. */
  async routes(): Promise<void> {
    await Promise.all([this.route(1, 2), this.route(2, 1)]);
  }

  /** Two hosts that flood to each other. */
  async base(options: VxlanOptions = {}): Promise<void> {
    await Promise.all([this.vxlan(1, options), this.vxlan(2, options)]);
    await Promise.all([this.flood(1, 2), this.flood(2, 1)]);
    await this.routes();
  }

  /** Two hosts that know each other by entries and learn nothing. */
  async known(): Promise<void> {
    await Promise.all([1, 2].map((i) => this.vxlan(i, { more: 'nolearning proxy' })));
    await Promise.all([this.know(1, 2), this.know(2, 1)]);
    await this.routes();
  }

  /** Waits until so many packet sockets are open on a host: whoever captures there is ready then. */
  async tapped(host: string, sockets = 1): Promise<void> {
    while ((await this.run(host, ['cat', '/proc/net/packet'])).trim().split('\n').length - 1 < sockets);
  }

  /** A rule of the network between. */
  async between(rule: string): Promise<void> {
    const running = execute('nsenter', [`--net=${this.path('sw')}`, '--', 'nft', '-f', '-']);
    running.child.stdin!.end(`table bridge f {\n chain c {\n type filter hook forward priority 0;\n ${rule}\n }\n}\n`);
    await running;
  }

  async remove(): Promise<void> {
    await Promise.all(['sw', ...this.hosts.map((i) => `h${i}`)].map((name) => execute('ip', ['netns', 'del', this.name(name)]).catch(() => undefined)));
  }
}
