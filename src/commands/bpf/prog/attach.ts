import { ChangeCommand } from '../../../cli/command.ts';
import { argument, attachFlags, BPF_REFERENCE, changeFlags, globalFlags } from '../../../cli/flags.ts';
import { parseDuration } from '../../../lib/duration.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { confirmWindow } from '../../../domain/changes/index.ts';
import { attachProgram, judgesPackets, readPlacing } from '../../../domain/programs/index.ts';
import { attachedView } from '../../../views/attach.ts';

/** `sluice bpf prog attach REF` */
export default class BpfProgAttach extends ChangeCommand {
  static override summary = 'Attach a loaded program to hooks, as a change that can be undone';
  static override description = `The links are pinned below sluice/links of the bpf file system, so that they outlive the command. Hooks and their targets:
xdp, xdp-native, xdp-generic, xdp-offload:IFACE; tcx-ingress, tcx-egress:IFACE (--before, --after); netkit-primary, netkit-peer:IFACE;
tc-ingress, tc-egress:IFACE (clsact, also before Linux 6.6; --prio); netfilter:ipv4|ipv6/HOOK/PRIORITY[/defrag];
cgroup-connect4:PATH and so on, or cgroup:PATH where the type tells; sk_lookup, flow_dissector; sk_msg, sk_skb-verdict and so on:MAP;
tracepoint:CATEGORY/NAME; raw_tp:NAME; tp_btf, fentry, fexit, fmod_ret, freplace, lsm (loaded for their target); kprobe, kretprobe:FUNCTION[+OFFSET];
kprobe.multi:PATTERN,…; uprobe, uretprobe:FILE:SYMBOL[+OFFSET]; uprobe.multi:FILE:SYMBOL,…; perf_event:COUNTER/HERTZ; iter[:map=REF|cgroup=PATH|pid=N];
struct_ops:MAP; lwt-in, lwt-out, lwt-xmit:'PREFIX via ADDRESS dev IFACE'. With --netns, interfaces and hooks of that network namespace are meant.`;
  static override baseFlags = { ...globalFlags, 'dry-run': changeFlags['dry-run'], 'confirm-within': changeFlags['confirm-within'] };
  static override strict = false;
  static override args = { program: argument({ description: BPF_REFERENCE, required: true }) };
  static override flags = attachFlags;
  static override examples = [
    '<%= config.bin %> bpf prog attach fw_drop --attach xdp:eth0 --confirm-within 2m',
    '<%= config.bin %> bpf prog attach id 412 --attach tcx-ingress:eth0 --before 309',
    '<%= config.bin %> bpf prog attach watch --attach uprobe:/bin/bash:readline --dry-run=kernel',
  ];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfProgAttach);
    const attach = flags.attach ?? [];
    const requested = flags['confirm-within'] === undefined ? {} : { requestedMs: parseDuration(flags['confirm-within']) };
    const ssh = process.env['SSH_CONNECTION'];
    const window = confirmWindow({ stdinIsTerminal: process.stdin.isTTY, ...requested, ...(ssh === undefined ? {} : { sshConnection: ssh }) }, judgesPackets(attach));
    const attached = await attachProgram({
      reference: readReference(argv), attach, argv: ['bpf', 'prog', 'attach', ...this.argv],
      ...this.netns, ...this.dryRun(flags['dry-run']), ...readPlacing(flags), confirmWithinMs: window,
    });
    await this.printCard(attached, attachedView);
  }
}
