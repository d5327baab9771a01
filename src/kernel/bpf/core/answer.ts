import type { TypeRef } from './compatible.ts';

/** What one BTF says to a relocation. */
export interface Answer {
  value: bigint;
  /** Whether the compiler must have come to the same for the object's own types; if not, object and BTF do not belong together. */
  exact: boolean;
  /** The type that an instruction at this offset loads or stores, whose size may differ. */
  loads?: TypeRef;
}
