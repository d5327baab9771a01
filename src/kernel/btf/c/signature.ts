import { type Btf, Kind } from '../btf.ts';
import { declaredTypes, identifier } from './names.ts';
import { CText } from './text.ts';

/** Function types of one blob as C writes them. */
export class Signatures {
  readonly #btf: Btf;
  readonly #text: CText;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#text = new CText(btf, declaredTypes(btf));
  }

  /** `int drop(struct xdp_md *ctx)` for the id of a function; undefined for that of anything else. */
  of(id: number): string | undefined {
    const { kind, name, sizeOrType } = this.#btf.type(id);
    const prototype = this.#btf.type(sizeOrType);
    if (kind !== Kind.FUNC || prototype.kind !== Kind.FUNC_PROTO) return undefined;
    const parameters = this.#btf.namedParameters(prototype).map((one) => (one.type === 0 ? '...' : this.#text.declare(one.type, identifier(one.name))));
    return this.#text.declare(prototype.sizeOrType, `${identifier(name)}(${parameters.length === 0 ? 'void' : parameters.join(', ')})`);
  }
}
