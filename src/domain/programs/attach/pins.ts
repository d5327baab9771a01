/** Whether sluice pinned it. */
export const isOurs = (path: string): boolean => path.includes('/sluice/');

/**
 * A name for the pin of a link that is not taken yet: `fw_drop-xdp-eth0`, and `-2` where there is one.
 *
 * A bpf file system allows no dots in names.
 */
export function linkPinName(words: readonly string[], isTaken: (name: string) => boolean): string {
  const base = words.filter((word) => word !== '').join('-').replace(/[^\w-]+/g, '_').slice(0, MAX_NAME);
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}-${number}`;
    if (!isTaken(name)) return name;
  }
}

/** Far below the 255 bytes of a file name, and still readable. */
const MAX_NAME = 100;
