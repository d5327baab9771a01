import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../../cli/command.ts';
import { argument } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { dumpProgram, listCode } from '../../../domain/programs/index.ts';
import { programDumpCard } from '../../../views/program-dump.ts';

/** `sluice bpf prog dump REF` */
export default class BpfProgDump extends SluiceCommand {
  static override summary = 'Print the code of a program: instructions with source lines, machine code, or the lines of C alone';
  static override description = `The instructions are those that the kernel keeps, after the verifier has rewritten what was loaded. Maps, variables,
functions of the program and of the kernel stand by their names. Machine code is printed as bytes.`;
  static override strict = false;
  static override args = { program: argument({ description: '412, id 412, NAME, name NAME, tag TAG, or the path of a pin', required: true }) };
  static override flags = {
    xlated: Flags.boolean({ exclusive: ['jited', 'source'], summary: 'Instructions (the default)' }),
    jited: Flags.boolean({ exclusive: ['source'], summary: 'Bytes of the machine code' }),
    source: Flags.boolean({ summary: 'Lines of C, with the instructions that were made of each' }),
    opcodes: Flags.boolean({ summary: 'Also the bytes of each instruction' }),
  };
  static override examples = [
    '<%= config.bin %> bpf prog dump xdp_drop_udp', '<%= config.bin %> bpf prog dump id 412 --jited',
    '<%= config.bin %> bpf prog dump 412 --source', '<%= config.bin %> bpf prog dump 412 -o json',
  ];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfProgDump);
    const form = flags.jited ? 'jited' : (flags.source ? 'source' : 'xlated');
    const dump = dumpProgram(readReference(argv), form);
    if (this.wantsText(undefined)) await this.printText(listCode(dump, form, flags));
    else await this.printCard(dump, programDumpCard);
  }
}
