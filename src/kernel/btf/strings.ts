/**
 * Where a string section has `name`, also as the end of another string, which types may share.
 *
 * With `flavors` also where `___` and anything follow it, as in `sk_buff___old`.
 */
export function stringOffsets(strings: Buffer, name: string, flavors: boolean): Set<number> {
  const offsets = new Set<number>();
  if (name === '') return offsets;
  const wanted = Buffer.from(flavors ? name : `${name}\0`);
  const end = Buffer.byteLength(name);
  for (let at = strings.indexOf(wanted); at >= 0; at = strings.indexOf(wanted, at + 1))
    if (strings[at + end] === 0 || (flavors && isFlavor(strings, at + end))) offsets.add(at);
  return offsets;
}

const isFlavor = (strings: Buffer, at: number): boolean => strings.toString('latin1', at, at + 3) === '___' && strings[at + 3] !== 0;

/** A type's name without its flavor: the kernel's `sk_buff` is meant by `sk_buff___old`. */
export const essentialName = (name: string): string => name.replace(/(?<=.)___.+$/s, '');

/** Ids of types by their name without its flavor. */
export class NameIndex {
  readonly #types = new Map<string, { id: number; name: string }[]>();

  /** @param names in ascending order of their ids */
  constructor(names: Iterable<[id: number, name: string]>) {
    for (const [id, name] of names) {
      const key = name.includes('___') ? essentialName(name) : name;
      const known = this.#types.get(key);
      if (known === undefined) this.#types.set(key, [{ id, name }]);
      else known.push({ id, name });
    }
  }

  /** Those of exactly this name, or with `flavors` also under names that differ in what follows `___`. */
  ids(name: string, flavors: boolean): number[] {
    if (name === '') return [];
    const found = this.#types.get(essentialName(name)) ?? [];
    return found.filter((type) => (flavors ? type.name === name || type.name.startsWith(`${name}___`) : type.name === name)).map(({ id }) => id);
  }
}
