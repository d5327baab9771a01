import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { auditTunnel, checkTunnels, listChecks } from '../../domain/vxlan/index.ts';
import { parseDuration } from '../../lib/duration.ts';
import { OperationError, UsageError } from '../../lib/errors.ts';
import { vxlanAuditCard, vxlanCheckCard, vxlanChecksView } from '../../views/vxlan-check.ts';

/** `sluice vxlan check [NAME]` */
export default class VxlanCheck extends SluiceCommand {
  static override summary = 'Find out why a tunnel does not work, or that it does';
  static override description =
    'Reads the tunnel and everything around it: addresses, routes, neighbours, FDB, firewall, offloads. Then watches counters and what the kernel drops while it ' +
    'sends echo requests to each remote and through the tunnel, one datagram to the UDP port, and packets that must not be cut. With --peer-netns or --peer-ssh ' +
    'the other end is looked at in the same way and compared, and a closed port there (9, discard) is tried by TCP and UDP. Ends with 0 when nothing was found, 1 with findings (each with its evidence and what to do), and 3 ' +
    'when that could not be told. -o junit prints what build servers read.';
  static override args = { tunnel: argument({ description: 'Name of the tunnel device; all of them when absent' }) };
  static override flags = {
    peer: Flags.string({ helpValue: 'IP', summary: 'Look at this remote only' }),
    'peer-netns': Flags.string({ multiple: true, helpValue: 'NAME|PATH|PID', summary: 'Another end, in a network namespace of this machine' }),
    'peer-ssh': Flags.string({ multiple: true, helpValue: 'USER@HOST', summary: 'Another end, on a node that ssh reaches without a password and that has sluice' }),
    static: Flags.boolean({ summary: 'Send nothing: only read' }),
    interval: Flags.string({ helpValue: 'DURATION', exclusive: ['static'], summary: 'Watch counters, drops and FDB moves at least this long' }),
    list: Flags.boolean({ exclusive: ['audit', 'static', 'peer', 'peer-netns', 'peer-ssh', 'interval'], summary: 'List the checks with their ids, which never change, and run none' }),
    audit: Flags.boolean({ summary: 'Print what was read of this end, without judging it' }),
    vni: Flags.integer({ hidden: true, summary: 'With --audit: the VNI, where the name may differ' }),
    lookup: Flags.string({ hidden: true, multiple: true, summary: 'With --audit: also say where this address is routed to' }),
  };
  static override examples = [
    '<%= config.bin %> vxlan check',
    '<%= config.bin %> vxlan check vxlan100 --peer-ssh root@node2',
    '<%= config.bin %> vxlan check vxlan100 --interval 30s',
    '<%= config.bin %> vxlan check vxlan100 -o junit',
    '<%= config.bin %> vxlan check --list',
  ];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VxlanCheck);
    if (flags.list) return await this.printTable(await listChecks(), vxlanChecksView);
    if (flags.audit) return await this.#audit(args.tunnel, flags);
    const report = await checkTunnels({
      name: args.tunnel, ...this.netns, remote: flags.peer, peerNetns: flags['peer-netns'] ?? [], peerSsh: flags['peer-ssh'] ?? [], static: flags.static,
      ...(flags.interval === undefined ? {} : { intervalMs: parseDuration(flags.interval) }),
    });
    const warnings = [...new Set(report.tunnels.flatMap(({ notes }) => notes))];
    await this.printCard(report, vxlanCheckCard, { complete: warnings.length === 0, warnings });
    if (report.healthy && report.isUncertain) throw new OperationError('cannot tell whether the tunnel is healthy', { code: 'SL6107', causes: warnings });
    this.answer(report.healthy);
  }

  async #audit(name: string | undefined, { vni, lookup }: { vni: number | undefined; lookup: string[] | undefined }): Promise<void> {
    if (name === undefined) throw new UsageError('--audit needs the name of a tunnel');
    await this.printCard(await auditTunnel({ name, vni, ...this.netns, lookups: lookup ?? [] }), vxlanAuditCard);
  }
}
