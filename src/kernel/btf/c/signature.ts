import type { Btf } from '../btf.ts';
import { declaredTypes } from './names.ts';
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
    return this.#text.signature(this.#btf.type(id));
  }
}
