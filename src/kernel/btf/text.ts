/** BTF as the kernel's tools print it, a line for each type and member. @man bpftool-btf(8) */

import { type Btf, type BtfType, Kind } from './btf.ts';

const NAMES = Object.fromEntries(Object.entries(Kind).map(([name, kind]) => [kind, name]));
const LINKAGE = ['static', 'global', 'extern'];

/** One type with its members, as `bpftool btf dump` prints it. */
export function formatType(btf: Btf, type: BtfType): string {
  const [facts, ...members] = (FACTS[type.kind] ?? reference)(btf, type);
  return [`[${type.id}] ${kindName(type.kind)} '${named(type.name)}' ${facts}`, ...members].join('\n\t');
}

/** `STRUCT`, `FUNC_PROTO` and so on. */
export const kindName = (kind: number): string => NAMES[kind] ?? 'UNKNOWN';

/** Facts behind the name, then one line for each member. */
type Facts = (btf: Btf, type: BtfType) => string[];

const reference: Facts = (_btf, { sizeOrType }) => [`type_id=${sizeOrType}`];

const record: Facts = (btf, type) => [
  `size=${type.sizeOrType} vlen=${type.vlen}`,
  ...btf.members(type).map(({ name, type: id, bitOffset, bitSize }) =>
    `'${named(name)}' type_id=${id} bits_offset=${bitOffset}${bitSize === 0 ? '' : ` bitfield_size=${bitSize}`}`),
];

const enumeration: Facts = (btf, type) => [
  `encoding=${type.flag ? 'SIGNED' : 'UNSIGNED'} size=${type.sizeOrType} vlen=${type.vlen}`,
  ...btf.enumerators(type).map(({ name, value }) => `'${named(name)}' val=${value}${suffix(type)}`),
];

/** Only values of the wide kind are marked. */
const suffix = ({ kind, flag }: BtfType): string => (kind === Kind.ENUM ? '' : (flag ? 'LL' : 'ULL'));

const FACTS: Readonly<Record<number, Facts>> = {
  [Kind.INT]: (btf, type) => {
    const { bitOffset, bits, encoding } = btf.integer(type);
    return [`size=${type.sizeOrType} bits_offset=${bitOffset} nr_bits=${bits} encoding=${encoding}`];
  },
  [Kind.ARRAY]: (btf, type) => {
    const { element, index, length } = btf.array(type);
    return [`type_id=${element} index_type_id=${index} nr_elems=${length}`];
  },
  [Kind.STRUCT]: record,
  [Kind.UNION]: record,
  [Kind.ENUM]: enumeration,
  [Kind.ENUM64]: enumeration,
  [Kind.FWD]: (_btf, { flag }) => [`fwd_kind=${flag ? 'union' : 'struct'}`],
  [Kind.FUNC]: (_btf, { sizeOrType, vlen }) => [`type_id=${sizeOrType} linkage=${LINKAGE[vlen] ?? '(unknown)'}`],
  [Kind.FUNC_PROTO]: (btf, type) => [
    `ret_type_id=${type.sizeOrType} vlen=${type.vlen}`,
    ...btf.namedParameters(type).map(({ name, type: id }) => `'${named(name)}' type_id=${id}`),
  ],
  [Kind.VAR]: (btf, type) => [`type_id=${type.sizeOrType}, linkage=${LINKAGE[btf.linkage(type)] ?? '(unknown)'}`],
  [Kind.DATASEC]: (btf, type) => [
    `size=${type.sizeOrType} vlen=${type.vlen}`,
    ...btf.variables(type).map((variable) => {
      const { kind, name } = btf.type(variable.type);
      return `type_id=${variable.type} offset=${variable.offset} size=${variable.size} (${kindName(kind)} '${named(name)}')`;
    }),
  ],
  [Kind.FLOAT]: (_btf, { sizeOrType }) => [`size=${sizeOrType}`],
  [Kind.DECL_TAG]: (btf, type) => [`type_id=${type.sizeOrType} component_idx=${btf.component(type)}`],
};

const named = (name: string): string => (name === '' ? '(anon)' : name);
