import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { calculateStack, CIPHERS, type CipherName } from '../../domain/mtu/index.ts';
import { stackView } from '../../views/mtu.ts';

/** `sluice mtu calc` */
export default class MtuCalc extends SluiceCommand {
  static override summary = 'Work out the MTU inside one or more encapsulations';
  static override description = `Encapsulations are written as a packet meets them: vxlan,wireguard is VXLAN carried by WireGuard. The answer is the
largest packet that fits, with padding as it falls for this outer MTU. With --inner it ends with 1 when that packet does not fit.`;
  static override flags = {
    outer: Flags.integer({ default: 1500, helpValue: 'N', summary: 'MTU of the link that carries everything' }),
    encap: Flags.string({ required: true, helpValue: 'NAME[,NAME…]', summary: 'none, vxlan, geneve, wireguard, ipsec, ipip, gre, gretap; the first is the innermost' }),
    inner: Flags.integer({ helpValue: 'N', summary: 'Also say which outer MTU a packet of this size needs' }),
    underlay: Flags.string({ default: 'ipv4', helpValue: 'ipv4|ipv6[,…]', summary: 'IP version that carries the tunnels: one for all, or one for each' }),
    vlan: Flags.boolean({ summary: 'Frames inside VXLAN, Geneve or gretap carry a VLAN tag' }),
    'geneve-options': Flags.integer({ default: 0, helpValue: 'BYTES', summary: 'Bytes of Geneve options' }),
    'ipsec-mode': Flags.string({ options: ['tunnel', 'transport'], default: 'tunnel', summary: 'Whether IPsec adds an IP header' }),
    cipher: Flags.string({ options: Object.keys(CIPHERS), default: 'aes-cbc-sha1', summary: 'Cipher and integrity of IPsec' }),
    'nat-t': Flags.boolean({ summary: 'IPsec goes through a NAT, inside UDP' }),
  };
  static override examples = [
    '<%= config.bin %> mtu calc --encap vxlan', '<%= config.bin %> mtu calc --outer 1500 --encap vxlan,wireguard --underlay ipv4,ipv6',
    '<%= config.bin %> mtu calc --encap ipsec --cipher aes-gcm --nat-t', '<%= config.bin %> mtu calc --encap vxlan --inner 1500',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(MtuCalc);
    const report = calculateStack({
      outerMtu: flags.outer, encapsulations: flags.encap.split(','), underlays: flags.underlay.split(','),
      options: {
        vlan: flags.vlan, geneveOptions: flags['geneve-options'], ipsecMode: flags['ipsec-mode'] as 'tunnel' | 'transport',
        cipher: flags.cipher as CipherName, natTraversal: flags['nat-t'],
      },
      ...(flags.inner === undefined ? {} : { innerMtu: flags.inner }),
    });
    await this.printCard(report, stackView);
    this.answer(report.needed?.fits !== false);
  }
}
