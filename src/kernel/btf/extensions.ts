import type { Btf } from './btf.ts';

/** A record of `.BTF.ext`; `offset` is in bytes from the start of its section, `words` follow it. */
export interface InfoRecord {
  offset: number;
  words: number[];
}

/** A CO-RE relocation: the instruction at `offset` depends on `access` (`0:1:2`) of local type `type`. */
export interface CoreRelocation {
  offset: number;
  type: number;
  access: string;
  kind: number;
}

/** `.BTF.ext` by ELF section name. */
export interface Extensions {
  functions: Map<string, InfoRecord[]>;
  lines: Map<string, InfoRecord[]>;
  relocations: Map<string, CoreRelocation[]>;
}

/** Reads `.BTF.ext`; an empty section gives empty tables. @kernel struct btf_ext_header of libbpf */
export function readExtensions(bytes: Buffer, btf: Btf): Extensions {
  if (bytes.length < 24) return { functions: new Map(), lines: new Map(), relocations: new Map() };
  const header = bytes.readUInt32LE(4);
  const table = (at: number): Map<string, InfoRecord[]> =>
    readTable(bytes.subarray(header + bytes.readUInt32LE(at), header + bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4)), btf);
  const relocations = header >= 32 ? table(24) : new Map<string, InfoRecord[]>();
  return { functions: table(8), lines: table(16), relocations: mapValues(relocations, (record) => toRelocation(record, btf)) };
}

function readTable(bytes: Buffer, btf: Btf): Map<string, InfoRecord[]> {
  const sections = new Map<string, InfoRecord[]>();
  if (bytes.length < 4) return sections;
  const size = bytes.readUInt32LE(0);
  for (let at = 4; at + 8 <= bytes.length && size >= 8; ) {
    const count = bytes.readUInt32LE(at + 4);
    const records: InfoRecord[] = [];
    const name = btf.string(bytes.readUInt32LE(at));
    at += 8;
    for (let i = 0; i < count && at + size <= bytes.length; i++, at += size)
      records.push({ offset: bytes.readUInt32LE(at), words: Array.from({ length: size / 4 - 1 }, (_, word) => bytes.readUInt32LE(at + 4 + word * 4)) });
    sections.set(name, records);
  }
  return sections;
}

const toRelocation = ({ offset, words }: InfoRecord, btf: Btf): CoreRelocation => ({
  offset, type: words[0]!, access: btf.string(words[1]!), kind: words[2]!,
});

function mapValues<A, B>(map: Map<string, A[]>, change: (value: A) => B): Map<string, B[]> {
  return new Map([...map].map(([key, values]) => [key, values.map(change)]));
}
