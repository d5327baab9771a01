import { type Btf, type BtfType, Kind } from './btf.ts';
import { kindName } from './text.ts';

/** A type with everything that BTF says about it. */
export interface TypeDescription {
  id: number;
  /** BTF_KIND_* without the prefix. */
  kind: string;
  name: string;
  [fact: string]: unknown;
}

/** A type as an object, for machines. */
export const describeType = (btf: Btf, type: BtfType): TypeDescription => ({
  id: type.id, kind: kindName(type.kind), name: type.name, ...(FACTS[type.kind] ?? reference)(btf, type),
});

type Facts = (btf: Btf, type: BtfType) => Record<string, unknown>;

const reference: Facts = (_btf, { sizeOrType }) => ({ typeId: sizeOrType });

const record: Facts = (btf, type) => ({
  size: type.sizeOrType,
  members: btf.members(type).map(({ name, type: typeId, bitOffset, bitSize }) => ({ name, typeId, bitOffset, ...(bitSize === 0 ? {} : { bitSize }) })),
});

const enumeration: Facts = (btf, type) => ({ size: type.sizeOrType, signed: type.flag, enumerators: btf.enumerators(type) });

const FACTS: Readonly<Record<number, Facts>> = {
  [Kind.INT]: (btf, type) => ({ size: type.sizeOrType, ...btf.integer(type) }),
  [Kind.ARRAY]: (btf, type) => {
    const { element, index, length } = btf.array(type);
    return { typeId: element, indexTypeId: index, length };
  },
  [Kind.STRUCT]: record,
  [Kind.UNION]: record,
  [Kind.ENUM]: enumeration,
  [Kind.ENUM64]: enumeration,
  [Kind.FWD]: (_btf, { flag }) => ({ forward: flag ? 'union' : 'struct' }),
  [Kind.FUNC]: (_btf, { sizeOrType, vlen }) => ({ typeId: sizeOrType, linkage: vlen }),
  [Kind.FUNC_PROTO]: (btf, type) => ({
    returnTypeId: type.sizeOrType, parameters: btf.namedParameters(type).map(({ name, type: typeId }) => ({ name, typeId })),
  }),
  [Kind.VAR]: (btf, type) => ({ typeId: type.sizeOrType, linkage: btf.linkage(type) }),
  [Kind.DATASEC]: (btf, type) => ({
    size: type.sizeOrType, variables: btf.variables(type).map(({ type: typeId, offset, size }) => ({ typeId, offset, size })),
  }),
  [Kind.FLOAT]: (_btf, { sizeOrType }) => ({ size: sizeOrType }),
  [Kind.DECL_TAG]: (btf, type) => ({ typeId: type.sizeOrType, component: btf.component(type) }),
};
