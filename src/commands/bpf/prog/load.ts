import { Flags } from '@oclif/core';
import { ChangeCommand } from '../../../cli/command.ts';
import { argument, attachFlags, changeFlags } from '../../../cli/flags.ts';
import { parseDuration } from '../../../lib/duration.ts';
import { confirmWindow } from '../../../domain/changes/index.ts';
import { attachLoaded, judgesPackets, loadPrograms, readPlacing } from '../../../domain/programs/index.ts';
import { loadView } from '../../../views/load.ts';

/** `sluice bpf prog load OBJ` */
export default class BpfProgLoad extends ChangeCommand {
  static override summary = 'Load a compiled BPF object: make its maps, verify its programs, pin them';
  static override description = `Loads what clang compiled for the bpf target with -g, as libbpf does, with no libbpf on the machine. Programs and maps are pinned
below the bpf file system so that they outlive the command; sluice change rollback takes them away again. A map that the object
declares LIBBPF_PIN_BY_NAME is shared: it is taken from its pin at the root of the bpf file system, or pinned there.
--const sets a const volatile variable by its type: a number, true, an enumerator, an IPv4 address, text, 1,2,3 for an array, or
hex:0a0b for raw bytes. --attach attaches in the same change: HOOK:TARGET, or HOOK alone where the section names the target; PROGRAM=HOOK:TARGET where
several programs are loaded. See sluice bpf prog attach for the hooks. --dry-run=client checks the file without any rights; --dry-run=kernel verifies it and lets go.
When the verifier refuses, the message has the line of C, the reason, the registers and a hint; the whole log is kept.`;
  static override args = { object: argument({ description: 'object file', required: true }) };
  static override flags = {
    section: Flags.string({ char: 's', multiple: true, helpValue: 'SECTION', summary: 'Load only the programs of this section, such as xdp; may be repeated' }),
    prog: Flags.string({ multiple: true, helpValue: 'NAME', summary: 'Load only this program, by function name; may be repeated' }),
    pin: Flags.string({ helpValue: 'DIR', summary: 'Pin below this folder of a bpf file system' }),
    map: Flags.string({ multiple: true, helpValue: 'NAME=PIN', summary: 'Use a map that is there already, if it is like the one declared; may be repeated' }),
    const: Flags.string({ multiple: true, helpValue: 'NAME=VALUE', summary: 'Set a const volatile variable; may be repeated' }),
    ...attachFlags,
    target: Flags.string({ helpValue: 'PROGRAM', summary: 'Program whose function an freplace program takes over, or that fentry and fexit trace' }),
    'dry-run': changeFlags['dry-run'],
    'confirm-within': Flags.string({ helpValue: 'DURATION', summary: 'Unload by itself unless confirmed within this time' }),
  };
  static override examples = [
    '<%= config.bin %> bpf prog load xdp_drop.bpf.o',
    '<%= config.bin %> bpf prog load xdp_drop.bpf.o --attach xdp:eth0 --confirm-within 2m',
    '<%= config.bin %> bpf prog load lb.bpf.o --prog lb_main --const node_ip=10.0.0.7 --map services=/sys/fs/bpf/services',
    '<%= config.bin %> bpf prog load new.bpf.o --dry-run=kernel',
    '<%= config.bin %> bpf prog load new.bpf.o --dry-run=client -o json',
  ];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BpfProgLoad);
    const { section, prog, pin, target, 'confirm-within': confirmWithin } = flags;
    const attach = flags.attach ?? [];
    const requested = confirmWithin === undefined ? {} : { requestedMs: parseDuration(confirmWithin) };
    const ssh = process.env['SSH_CONNECTION'];
    const window = confirmWindow({ stdinIsTerminal: process.stdin.isTTY, ...requested, ...(ssh === undefined ? {} : { sshConnection: ssh }) }, judgesPackets(attach));
    const report = await loadPrograms({
      object: args.object!, maps: flags.map ?? [], constants: flags.const ?? [], argv: ['bpf', 'prog', 'load', ...this.argv],
      ...this.netns, ...this.dryRun(flags['dry-run']),
      ...(section === undefined ? {} : { sections: section }), ...(prog === undefined ? {} : { programs: prog }),
      ...(pin === undefined ? {} : { pinDirectory: pin }), ...(target === undefined ? {} : { target }),
      ...(window === undefined ? {} : { confirmWithinMs: window }),
    }, attachLoaded(attach, { ...this.netns, ...readPlacing(flags) }));
    await this.printCard(report, loadView);
  }
}
