import { Flags } from '@oclif/core';
import { ChangeCommand } from '../../../cli/command.ts';
import { argument, changeFlags, globalFlags } from '../../../cli/flags.ts';
import { createMap, knownTypes } from '../../../domain/maps/index.ts';
import { mapChangeCard } from '../../../views/bpf-map.ts';

/** `sluice bpf map create NAME` */
export default class BpfMapCreate extends ChangeCommand {
  static override summary = 'Make a map and pin it';
  static override description =
    'A map lives as long as something holds it, so it is pinned: below sluice/maps of the bpf file system, or at --pin. Sizes that a type has of ' +
    'itself need not be given. Loading an object makes its maps with their types; this is for maps that come first.';
  static override baseFlags = { ...globalFlags, 'dry-run': changeFlags['dry-run'] };
  static override args = { newmap: argument({ description: 'name of the map; the kernel keeps 15 characters', required: true }) };
  static override flags = {
    type: Flags.string({ required: true, options: knownTypes(), helpValue: 'TYPE', summary: 'hash, array, lru_hash, percpu_hash, lpm_trie, queue, ringbuf …' }),
    key: Flags.string({ helpValue: 'SIZE|FORMAT', summary: 'Bytes of a key, or a format such as u32, ipv4' }),
    value: Flags.string({ helpValue: 'SIZE|FORMAT', summary: 'Bytes of a value, or a format such as u64' }),
    'max-entries': Flags.integer({ helpValue: 'N', min: 0, summary: 'Entries that it has room for; bytes of a ring buffer; 0 for storages' }),
    flags: Flags.string({ multiple: true, delimiter: ',', helpValue: 'FLAG,…', summary: 'no_prealloc, mmapable, rdonly_prog …' }),
    inner: Flags.string({ helpValue: 'REF', summary: 'For maps of maps: a map like those that go in' }),
    extra: Flags.integer({ helpValue: 'N', min: 0, summary: 'Number of hash functions of a bloom filter' }),
    pin: Flags.string({ helpValue: 'PATH|NAME', summary: 'Where to pin it' }),
  };
  static override examples = [
    '<%= config.bin %> bpf map create blocked --type hash --key ipv4 --value u64 --max-entries 10000',
    '<%= config.bin %> bpf map create routes --type lpm_trie --key prefix --value u32 --max-entries 1000 --flags no_prealloc --pin /sys/fs/bpf/routes',
  ];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BpfMapCreate);
    const { type, key, value, inner, extra, pin } = flags;
    const request = { name: args['newmap']!, type, key, value, inner, extra, pin, maxEntries: flags['max-entries'], flags: flags.flags ?? [] };
    await this.printCard(createMap(request, this.dryRun(flags['dry-run'])), mapChangeCard);
  }
}
