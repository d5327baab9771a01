import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../../cli/command.ts';
import { argument } from '../../../cli/flags.ts';
import { dumpBtf } from '../../../domain/btf/index.ts';
import { btfDumpCard } from '../../../views/btf.ts';

/** `sluice bpf btf dump REF` */
export default class BpfBtfDump extends SluiceCommand {
  static override summary = 'Print types as a C header, or a line for each as bpftool does';
  static override description = `REF is vmlinux, the name of a module, the id of a BTF object, a file (an object, or BTF alone), "prog REF" or "map REF", or
the name or pin of a program or map. The header of vmlinux is what programs include as vmlinux.h.`;
  static override strict = false;
  static override args = { btf: argument({ description: 'vmlinux, a module, an id, a file, a program or a map', required: true }) };
  static override flags = {
    format: Flags.string({ options: ['raw', 'c', 'json', 'yaml'], default: 'raw', summary: 'raw has a line for each type and member; c is a header; json and yaml as with -o' }),
    base: Flags.string({ helpValue: 'FILE', summary: 'The types that those of a split BTF file stand on' }),
  };
  static override examples = [
    '<%= config.bin %> bpf btf dump vmlinux --format c > vmlinux.h', '<%= config.bin %> bpf btf dump drop.bpf.o', '<%= config.bin %> bpf btf dump map packet_count -o json',
  ];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfBtfDump);
    const dump = dumpBtf(argv, flags.base);
    if (!this.wantsText(flags.format)) return await this.printCard(dump, btfDumpCard);
    await this.printText(flags.format === 'c' ? [dump.header()] : dump.lines());
  }
}
