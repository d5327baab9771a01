import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { argument, outputAsFile } from '../../cli/flags.ts';
import { compile } from '../../domain/compile/index.ts';
import { compilationCard } from '../../views/compile.ts';

/** `sluice bpf compile SRC.bpf.c` */
export default class BpfCompile extends SluiceCommand {
  static override summary = 'Compile C to a BPF object, with type information';
  static override description = `Runs clang for the bpf target. The program may include vmlinux.h, which is made from the types of the running kernel
and kept in /var/cache/sluice (in ~/.cache/sluice for others than root), and libbpf's headers (package libbpf-dev). vmlinux.h also
declares the functions that the kernel offers to programs, unless BPF_NO_KFUNC_PROTOTYPES is defined in front of it. What the compiler says is passed on; where a name is unknown, so is the #include that is missing.`;
  static override args = { source: argument({ description: 'file of C', required: true }) };
  static override flags = {
    out: Flags.string({ helpValue: 'FILE.o', summary: 'The object (also -o FILE.o). Default: the name of the source with .o for .c, in the current folder' }),
    include: Flags.string({ char: 'I', multiple: true, helpValue: 'FOLDER', summary: 'Also look for headers there' }),
    define: Flags.string({ char: 'D', multiple: true, helpValue: 'NAME[=VALUE]', summary: 'Define a macro' }),
    cpu: Flags.string({ options: ['v1', 'v2', 'v3', 'v4'], default: 'v3', summary: 'Instruction set: v3 needs Linux 5.1, v4 6.6 and clang 18' }),
  };
  static override examples = [
    '<%= config.bin %> bpf compile drop.bpf.c -o drop.bpf.o', '<%= config.bin %> bpf compile drop.bpf.c --define LIMIT=100 --include headers -o json',
  ];

  protected override async init(): Promise<void> {
    this.argv = outputAsFile(this.argv);
    await super.init();
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BpfCompile);
    const compilation = await compile({
      source: args.source!, cpu: flags.cpu, includes: flags.include ?? [], defines: flags.define ?? [],
      ...(flags.out === undefined ? {} : { object: flags.out }),
    });
    await this.printCard(compilation, compilationCard, { complete: true, warnings: compilation.warnings });
  }
}
