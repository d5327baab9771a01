import { Kind, type Btf, type BtfType, type CoreRelocation, type Member } from '../../btf/index.ts';
import { cannotRelocate } from './error.ts';

/** One step into a type: a member by name, or an element by index. `type` is what it leads to, in the object's BTF. */
export interface Step {
  name?: string;
  index: number;
  type: number;
}

/** Where an access ends: a member of struct or union `type`, or an element of `type` itself. */
export interface Place {
  bitOffset: number;
  type: number;
  member?: Member;
}

/** What a field relocation refers to, as the object has it. */
export interface Access {
  /** `sk_buff.cb[3]`, for messages. */
  text: string;
  /** Elements of the root type that are skipped first, as in `p[1].x`. */
  first: number;
  steps: Step[];
  place: Place;
}

/**
 * Follows an access string such as `0:1:2` through the object's own types. Anonymous members are passed through and are no
 * steps.
 *
 * @throws OperationError SL2404 where it leads nowhere. @kernel libbpf bpf_core_parse_spec
 */
export function readAccess(btf: Btf, { type, access }: CoreRelocation): Access {
  const root = btf.resolve(type);
  if (!/^\d{1,9}(:\d{1,9})*$/.test(access)) throw cannotRelocate(root.name, `${btf.source} has access '${access}' to it`);
  const [first = 0, ...indices] = access.split(':').map(Number);
  const walk = new Walk(btf, root, first);
  for (const index of indices) walk.into(index);
  const text = root.name + walk.steps.map(({ name, index }) => (name === undefined ? `[${index}]` : `.${name}`)).join('');
  return { text, first, steps: walk.steps, place: walk.place };
}

class Walk {
  readonly #btf: Btf;
  #current: BtfType;
  #bitOffset: number;
  readonly steps: Step[] = [];
  #place: Omit<Place, 'bitOffset'>;

  constructor(btf: Btf, root: BtfType, first: number) {
    this.#btf = btf;
    this.#current = root;
    this.#bitOffset = first * btf.sizeOf(root.id) * 8;
    this.#place = { type: root.id };
  }

  get place(): Place {
    return { ...this.#place, bitOffset: this.#bitOffset };
  }

  into(index: number): void {
    if (this.#current.kind === Kind.ARRAY) this.#element(index);
    else this.#member(index);
  }

  #element(index: number): void {
    const { element } = this.#btf.array(this.#current);
    this.#current = this.#btf.resolve(element);
    this.#bitOffset += index * this.#btf.sizeOf(element) * 8;
    this.steps.push({ index, type: element });
    this.#place = { type: this.#current.id };
  }

  #member(index: number): void {
    const member = isComposite(this.#current) ? this.#btf.members(this.#current)[index] : undefined;
    if (member === undefined) throw cannotRelocate(this.#current.name, `${this.#btf.source} has no member ${index} of it`);
    this.#bitOffset += member.bitOffset;
    if (member.name !== '') {
      this.steps.push({ name: member.name, index, type: member.type });
      this.#place = { type: this.#current.id, member };
    }
    this.#current = this.#btf.resolve(member.type);
  }
}

export const isComposite = ({ kind }: BtfType): boolean => kind === Kind.STRUCT || kind === Kind.UNION;
