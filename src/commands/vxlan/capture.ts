import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { capturePackets, captureSummary } from '../../domain/vxlan/index.ts';
import { vxlanCaptureView } from '../../views/vxlan-capture.ts';

/** `sluice vxlan capture NAME [-w FILE.pcap]` */
export default class VxlanCapture extends SluiceCommand {
  static override summary = 'Show the packets of a tunnel as they pass the device below, outer and inner headers on one line';
  static override description =
    'FILTER is a pcap expression: host, net, port and portrange with src or dst; ip, ip6, arp, tcp, udp, sctp, icmp, icmp6; ip proto N; ether host MAC; vni N; with and, or, ' +
    'not and parentheses. It is about the packet inside. Where the word vxlan stands in it, what is before that word is about the outer packet and what is behind it ' +
    'about the inner one, as in tcpdump. Ctrl-C ends the capture with exit code 0 and a summary on standard error. Of a packet in fragments only the first is seen.';
  static override args = { tunnel: argument({ description: 'Name of the tunnel device', required: true }), filter: argument({ description: 'A pcap expression in quotes; every packet when absent' }) };
  static override flags = {
    count: Flags.integer({ min: 1, helpValue: 'N', summary: 'End after N packets' }),
    write: Flags.string({ char: 'w', helpValue: 'FILE.pcap', summary: 'Also write whole packets to a file that tcpdump and Wireshark read; - is standard output, without lines' }),
  };
  static override examples = [
    '<%= config.bin %> vxlan capture vxlan100',
    '<%= config.bin %> vxlan capture vxlan100 "tcp port 80 and not host 10.244.1.5" --count 20',
    '<%= config.bin %> vxlan capture vxlan100 "src host 10.0.0.1 and vxlan and icmp" -w ping.pcap',
    '<%= config.bin %> vxlan capture vxlan100 -w - | tshark -r -',
  ];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VxlanCapture);
    const packets = capturePackets({ name: args.tunnel!, ...this.netns, filter: args.filter ?? '', count: flags.count, file: flags.write, signal: this.interrupted });
    this.hint(captureSummary(await this.printLive(packets, vxlanCaptureView)));
  }
}
