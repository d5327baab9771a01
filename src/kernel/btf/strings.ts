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
