/**
 * What one end of a tunnel looks like, and what happened there while it was tried: all that the checks know.
 *
 * An audit is plain data, so that it can come from this node, from another network namespace, or as JSON from another node.
 */

/** The tunnel device and everything around it, read at one moment. Nothing is sent for it. */
export interface Audit {
  /** Host name. */
  node: string;
  /** Inode of the network namespace, by which drops are told apart. */
  netns: number;
  tunnel: TunnelFacts;
  /** The device below: the one that is set, else the one that the route to a remote leaves by. */
  underlay?: UnderlayFacts;
  addresses: AddressFacts[];
  remotes: RemoteFacts[];
  fdb: FdbFacts[];
  /** Of the tunnel device, and of the bridge that it is a port of. */
  neighbours: NeighbourFacts[];
  /** Routes that leave by the tunnel. */
  routes: RouteFacts[];
  otherTunnels: OtherTunnel[];
  /** A program that holds the tunnel's UDP port. */
  portHolder?: { program: string; pid: number };
  bridgePort?: BridgePortFacts;
  /** Of packets that come from the tunnel: 0 off, 1 strict, 2 loose. */
  rpFilter: number;
  /** Where addresses that were asked for are routed to. */
  lookups: { address: string; device?: string; why?: string }[];
  /** Absent where the rules could not be read. */
  firewall?: FirewallFacts[];
  offload?: OffloadFacts;
  counters: Counters;
  /** What could not be read, one sentence each. */
  notes: string[];
}

/** Another VXLAN device of the same namespace. */
export interface OtherTunnel {
  name: string;
  vni?: number;
  port: number;
  up: boolean;
  ipv6: boolean;
  gbp: boolean;
  gpe: boolean;
}

export interface TunnelFacts {
  name: string;
  ifindex: number;
  mac: string;
  /** Of the device that has the addresses: the bridge, where the tunnel is a port of one. */
  innerMac: string;
  /** Absent on a device that takes it from each packet. */
  vni?: number;
  external: boolean;
  port: number;
  local?: string;
  /** Multicast group that unknown frames go to. */
  group?: string;
  /** Name of the device below, where one is set. */
  lower?: string;
  ipv6: boolean;
  mtu: number;
  up: boolean;
  learning: boolean;
  proxy: boolean;
  /** What becomes of the inner packet's don't-fragment bit. */
  df: 'unset' | 'set' | 'inherit';
  gbp: boolean;
  gpe: boolean;
  ageingSeconds: number;
  /** Own addresses with prefix length. */
  addresses: string[];
}

export interface UnderlayFacts {
  name: string;
  ifindex: number;
  mtu: number;
  up: boolean;
  carrier: boolean;
  driver?: string;
  /** eBPF programs that see its packets: `xdp`, `tcx ingress`, `tcx egress`. */
  programs: { hook: string; id: number; name: string }[];
}

export interface AddressFacts {
  device: string;
  address: string;
  prefixLength: number;
}

/** A place that the FDB sends to. */
export interface RemoteFacts {
  address: string;
  /** Somebody entered it; it was not learned. */
  configured: boolean;
  isOwn: boolean;
  route?: { device: string; gateway?: string };
  /** What the kernel says where there is no route. */
  why?: string;
  /** State of the neighbour entry that packets to it need, in the words of `ip neigh`. */
  neighbourState?: string;
}

export interface FdbFacts {
  /** `00:00:00:00:00:00` for the entry that floods. */
  mac: string;
  remote?: string;
  /** Somebody entered it; it was not learned. */
  configured: boolean;
}

export interface NeighbourFacts {
  address: string;
  mac?: string;
  /** `REACHABLE`, `STALE`, `PERMANENT`, `FAILED` … */
  state: string;
}

export interface RouteFacts {
  /** `default` or a prefix. */
  prefix: string;
  gateway?: string;
}

export interface BridgePortFacts {
  bridge: string;
  flood: boolean;
  multicastFlood: boolean;
  broadcastFlood: boolean;
}

/** What the rules do to one packet of the tunnel's own kind. */
export interface FirewallFacts {
  /** Packets that come from a remote, that go to one, or the ICMP message that tells a pod its packet is too big. */
  way: 'in' | 'out' | 'too-big';
  remote: string;
  verdict: 'accept' | 'drop' | 'undetermined';
  /** The rule or policy that decides: `filter/INPUT#3`, and its text. */
  rule?: string;
  fix?: string;
}

export interface OffloadFacts {
  /** `tx-checksum-ip-generic` of the tunnel device. */
  tunnelChecksum: boolean;
  /** `tx-udp_tnl-csum-segmentation` of the device below. */
  underlayTunnelChecksum: boolean;
}

/** Counters by name: `rxPackets` and the like of the two devices; `Udp.NoPorts` and the like of the namespace. */
export interface Counters {
  tunnel: Record<string, number>;
  underlay: Record<string, number>;
  stack: Record<string, number>;
}

/** Packets that the kernel threw away for one reason. */
export interface Drop {
  /** As in `enum skb_drop_reason`, without its prefix. */
  reason: string;
  packets: number;
  /** The device that the packet was at. */
  device?: string;
  /** IP protocol, and the destination of TCP and UDP. */
  transport?: number;
  port?: number;
  /** The VNI in the packet, where it was one of a tunnel. */
  vni?: number;
}

/** A MAC that changed its place while we looked. */
export interface Move {
  mac: string;
  from: string;
  to: string;
}

/** One end: how it is now, and what changed there while it was tried. */
export interface End {
  /** How this end is called in what is printed: `here`, or the name of a namespace or node. */
  label: string;
  audit: Audit;
  /** What was counted meanwhile. */
  counted: Counters;
  drops: Drop[];
  moves: Move[];
  /** Whether drops could be watched here. */
  sawDrops: boolean;
}

/** What came of trying one address. */
export interface Probe {
  /** The underlay address of the remote, or one inside the tunnel. */
  to: string;
  from?: string;
  /** `full`: through the tunnel too, as large as its MTU lets it be. */
  what: 'underlay' | 'tunnel' | 'full';
  sent: number;
  answered: number;
  /** Milliseconds of the fastest answer. */
  fastestMs?: number;
  /** What came back in place of an answer: `port unreachable`, `net unreachable` … */
  error?: string;
}

/** What came of one connection or datagram to a port where nobody listens. */
export interface TransportProbe {
  to: string;
  transport: 'tcp' | 'udp';
  /** Undefined when nothing came back. */
  answer?: 'open' | 'refused';
}

/** The largest packet that reaches a remote on the underlay, with the don't-fragment bit. */
export interface PathProbe {
  to: string;
  mtu: number;
}

/** Everything that the checks look at. */
export interface Situation {
  here: End;
  peers: End[];
  probes: Probe[];
  transports: TransportProbe[];
  paths: PathProbe[];
  /** Whether nothing was sent. */
  static: boolean;
}
