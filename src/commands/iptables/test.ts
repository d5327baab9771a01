import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { rulesetFlags, rulesetRequest } from '../../cli/flags.ts';
import { testPacket, type Hook } from '../../domain/netfilter/index.ts';
import { OperationError } from '../../lib/errors.ts';
import { packetTestView } from '../../views/iptables-test.ts';

/** `sluice iptables test --proto tcp --from IP[:PORT] --to IP[:PORT]` */
export default class IptablesTest extends SluiceCommand {
  static override summary = 'Say what the rules do to a packet, and which rule decides';
  static override description =
    'Walks the packet through raw, mangle, nat, filter and security at every hook it passes, in the kernel\'s order, with the routing decision taken from ' +
    'the node. Nothing is sent. Ends with 0 when the packet is accepted, 1 when it is dropped or rejected, and 3 when that cannot be told: when it ' +
    'depends on a match that only the kernel can answer, or on the backend that is chosen at random. Rules that nft holds beside iptables are not judged.';
  static override flags = {
    filename: rulesetFlags.filename,
    backend: rulesetFlags.backend,
    proto: Flags.string({ char: 'p', required: true, helpValue: 'NAME|N', summary: 'tcp, udp, icmp, icmpv6, sctp … or a number' }),
    from: Flags.string({ required: true, helpValue: 'IP[:PORT]', summary: 'Source; [IP]:PORT for IPv6' }),
    to: Flags.string({ required: true, helpValue: 'IP[:PORT]', summary: 'Destination, as the sender addresses it' }),
    in: Flags.string({ helpValue: 'IF', summary: 'Input interface; default: where the route back to the source goes' }),
    out: Flags.string({ helpValue: 'IF', summary: 'Output interface; default: by the node\'s routes' }),
    state: Flags.string({ helpValue: 'STATE', summary: 'Connection state: NEW (default), ESTABLISHED, RELATED, INVALID, UNTRACKED; and ,DNAT or ,SNAT' }),
    mark: Flags.string({ helpValue: 'VALUE', summary: 'Packet mark; default 0' }),
    'icmp-type': Flags.string({ helpValue: 'TYPE[/CODE]', summary: 'ICMP type; default echo-request' }),
    'tcp-flags': Flags.string({ helpValue: 'A,B', summary: 'TCP flags; default SYN for a new connection, else ACK' }),
    fragment: Flags.boolean({ summary: 'A second or further fragment' }),
    hook: Flags.custom<Hook>({ options: ['local-in', 'forward', 'local-out'] })({ summary: 'The way through the node; default: by its routes' }),
    local: Flags.string({ multiple: true, delimiter: ',', helpValue: 'IP,…', summary: 'With -f: the addresses of the node' }),
    'via-route': Flags.boolean({ summary: 'With -f: ask this node\'s routes' }),
  };
  static override examples = [
    '<%= config.bin %> iptables test --proto udp --from 10.20.1.7 --to 10.96.0.10:53',
    '<%= config.bin %> iptables test --proto tcp --from 203.0.113.9:40000 --to 10.0.0.1:22 --in eth0',
    '<%= config.bin %> iptables test -f rules.v4 --proto tcp --from 192.0.2.1 --to 10.0.0.1:22 --hook local-in --in eth0',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(IptablesTest);
    const { proto, from, to, state, mark, fragment } = flags;
    const { file, backend } = rulesetRequest({ ...flags, ipv4: false, ipv6: false });
    const test = await testPacket({
      packet: { proto, from, to, state, mark, fragment, in: flags.in, out: flags.out, icmpType: flags['icmp-type'], tcpFlags: flags['tcp-flags'] },
      ...(file === undefined ? {} : { file }), backend, ...this.netns, hook: flags.hook, local: flags.local, viaRoute: flags['via-route'],
    });
    await this.printCard(test, packetTestView);
    if (test.verdict === 'undetermined') throw new OperationError('cannot tell what happens to the packet', { code: 'SL1301', causes: test.reasons.slice(0, 1) });
    this.answer(test.verdict === 'accept');
  }
}
