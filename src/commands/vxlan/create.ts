import { Flags } from '@oclif/core';
import { ChangeCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { createTunnel } from '../../domain/vxlan/index.ts';
import { overlayCard } from '../../views/vxlan.ts';

/** `sluice vxlan create NAME` */
export default class VxlanCreate extends ChangeCommand {
  static override summary = 'Make a VXLAN tunnel and bring it up';
  static override description =
    'Frames without a known destination go to a multicast group (--group with --dev), to one remote end, or to each of ' +
    "several (--remote repeated: entries for all unknown addresses). The port is IANA's 4789 unless another is given; Linux " +
    'itself would take 8472. The MTU is that of the underlay less the 50 bytes that VXLAN takes over IPv4, or 70 over IPv6. ' +
    'What the kernel refuses leaves nothing behind, and "sluice change rollback" takes the tunnel away again.';
  static override args = { device: argument({ description: 'name of the new device', required: true }) };
  static override flags = {
    vni: Flags.integer({ helpValue: 'N', summary: 'VXLAN network identifier, 1 to 16777215' }),
    local: Flags.string({ helpValue: 'IP', summary: 'Address of this end' }),
    dev: Flags.string({ helpValue: 'INTERFACE', summary: 'Underlay interface' }),
    remote: Flags.string({ multiple: true, helpValue: 'IP', summary: 'Other end; may be repeated' }),
    group: Flags.string({ helpValue: 'IP', summary: 'Multicast group of the underlay' }),
    port: Flags.integer({ helpValue: 'N', default: 4789, summary: 'UDP port of the other ends' }),
    mtu: Flags.string({ helpValue: 'auto|N', default: 'auto', summary: 'Largest packet; auto is what fits through the underlay' }),
    address: Flags.string({ multiple: true, helpValue: 'CIDR', summary: 'Address of the new device; may be repeated' }),
    mac: Flags.string({ helpValue: 'MAC', summary: 'Hardware address of the new device' }),
    bridge: Flags.string({ helpValue: 'BRIDGE', summary: 'Make it a port of this bridge' }),
    learning: Flags.boolean({ allowNo: true, summary: 'Learn which address is behind which end from the traffic' }),
    proxy: Flags.boolean({ summary: 'Answer ARP and neighbour solicitations from its neighbour entries' }),
    l2miss: Flags.boolean({ summary: 'Tell listeners when a hardware address has no entry' }),
    l3miss: Flags.boolean({ summary: 'Tell listeners when an IP address has no neighbour entry' }),
    ttl: Flags.string({ helpValue: 'N|inherit', summary: 'Time to live of outer packets' }),
    tos: Flags.string({ helpValue: 'N|inherit', summary: 'Type of service of outer packets' }),
    df: Flags.string({ options: ['unset', 'set', 'inherit'], summary: 'Whether outer packets may be cut in pieces' }),
    ageing: Flags.integer({ helpValue: 'SECONDS', min: 0, summary: 'How long a learned entry lasts unused' }),
    gbp: Flags.boolean({ summary: 'Carry the mark of packets (group based policy)' }),
    external: Flags.boolean({ summary: 'Take VNI and remote end from each packet, as eBPF programs and routes set them' }),
    vnifilter: Flags.boolean({ summary: 'With --external: take in only the VNIs that are listed' }),
    'accept-vni': Flags.string({ multiple: true, helpValue: 'N|FIRST-LAST', summary: 'With --vnifilter: take this VNI or range in; may be repeated' }),
    srcport: Flags.string({ helpValue: 'MIN:MAX', summary: 'UDP source ports of outer packets' }),
  };
  static override examples = [
    '<%= config.bin %> vxlan create vxlan100 --vni 100 --local 10.0.0.1 --remote 10.0.0.2 --remote 10.0.0.3 --address 10.200.0.1/24',
    '<%= config.bin %> vxlan create vxlan100 --vni 100 --dev eth0 --group 239.1.1.1',
    '<%= config.bin %> vxlan create vxlan100 --vni 100 --dev eth0 --local fd00::1 --no-learning --proxy --dry-run=kernel',
  ];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VxlanCreate);
    const { remote, address, ageing, vnifilter, 'accept-vni': vnis, srcport, ...words } = flags;
    const tunnel = { ...words, name: args.device!, remotes: remote, addresses: address, ageingSeconds: ageing, vniFilter: vnifilter, vnis, sourcePorts: srcport };
    await this.printCard(await createTunnel(tunnel, this.changeContext), overlayCard);
  }
}
