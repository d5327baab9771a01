import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../../cli/command.ts';
import { argument, BPF_REFERENCE } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { runProgram } from '../../../domain/programs/index.ts';
import { programRunCard } from '../../../views/program-run.ts';

/** `sluice bpf prog run REF --packet 'udp 10.0.0.1:5000 > 10.0.0.2:53'` */
export default class BpfProgRun extends SluiceCommand {
  static override summary = 'Run a BPF program on one packet, and show its verdict, its time and what it changed';
  static override description = `Nothing is sent, but the program writes to its maps as in a real run. The command ends with 0 whatever the verdict.
A packet in words is [eth MAC > MAC] [vlan ID]... PROTOCOL SOURCE[:PORT] > DESTINATION[:PORT] and options: flags, seq, ack and window for TCP, type for
ICMP, ttl, tos, id, frag OFFSET[+], len BYTES, and at the end payload TEXT or payload hex:HEX.
Types that take no packet get what they need otherwise: a raw tracepoint its arguments with --ctx, a syscall program its memory with --ctx-hex, a
socket lookup the addresses of --packet.`;
  static override strict = false;
  static override args = { program: argument({ description: BPF_REFERENCE, required: true }) };
  static override flags = {
    packet: Flags.string({ exclusive: ['data-hex', 'pcap'], helpValue: 'WORDS', summary: "Packet in words: 'udp 10.0.0.1:5000 > 10.0.0.2:53'" }),
    'data-hex': Flags.string({ exclusive: ['pcap'], helpValue: 'HEX', summary: 'Packet from its Ethernet header on, in hexadecimal' }),
    pcap: Flags.string({ helpValue: 'FILE', summary: 'Packet of a pcap or pcapng capture' }),
    number: Flags.integer({ min: 1, dependsOn: ['pcap'], helpValue: 'N', summary: 'Which packet of the capture; the first without it' }),
    repeat: Flags.integer({ default: 1, min: 1, max: 1_000_000_000, helpValue: 'N', summary: 'Run it so often and show the mean time' }),
    ctx: Flags.string({ multiple: true, delimiter: ',', helpValue: 'NAME=VALUE,…', summary: 'Fields of the context (mark=7, ingress_ifindex=2), or the arguments of a raw tracepoint' }),
    'ctx-hex': Flags.string({ helpValue: 'HEX', summary: 'Memory that a syscall program works on' }),
  };
  static override examples = [
    "<%= config.bin %> bpf prog run fw_drop --packet 'udp 10.0.0.1:5000 > 10.0.0.2:53'",
    "<%= config.bin %> bpf prog run 412 --packet 'vlan 100 tcp [fd00::1]:1 > [fd00::2]:80 flags syn' --repeat 1000000",
    '<%= config.bin %> bpf prog run fw_drop --pcap traffic.pcap --number 3 -o json',
    "<%= config.bin %> bpf prog run shaper --data-hex 'ffffffffffff 020000000001 0800 ...' --ctx mark=7",
  ];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfProgRun);
    const { packet, pcap, number = 1, repeat } = flags;
    const ran = runProgram({
      reference: readReference(argv), packet, dataHex: flags['data-hex'], pcap: pcap === undefined ? undefined : { path: pcap, number }, repeat,
      context: flags.ctx ?? [], contextHex: flags['ctx-hex'], ...this.netns,
    });
    await this.printCard(ran, programRunCard);
  }
}
