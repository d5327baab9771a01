/** Strips what could steer a terminal from a string of foreign origin: control, escape and direction characters. */
export const sanitize = (text: string): string =>
  // Nearly all text is plain, and looking is cheaper than replacing.
  (/[^\x20-\x7e]/.test(text) ? text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '') : text);

/** Shortens in the middle, keeping both ends. */
export function ellipsize(text: string, width: number): string {
  if (text.length <= width) return text;
  const kept = Math.max(1, width - 1);
  const head = Math.ceil(kept / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (kept - head))}`;
}

/**
 * Compares with numbers by their value, `eth2` before `eth10`, and letters without regard to case unless nothing else differs.
 * Signs come before digits, digits before letters.
 *
 * `Intl.Collator` does this too, but takes 10 ms to begin with.
 */
export function compareNatural(a: string, b: string): number {
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(j)];
    if (isDigit(x) && isDigit(y)) {
      const [endX, endY] = [endOfDigits(a, i), endOfDigits(b, j)];
      const difference = compareDigits(a.slice(i, endX), b.slice(j, endY));
      if (difference !== 0) return difference;
      [i, j] = [endX, endY];
    } else {
      const difference = weightOf(x) - weightOf(y);
      if (difference !== 0) return difference;
      i++;
      j++;
    }
  }
  return a.length - b.length || (a < b ? -1 : a === b ? 0 : 1);
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

function endOfDigits(text: string, from: number): number {
  let end = from;
  while (end < text.length && isDigit(text.charCodeAt(end))) end++;
  return end;
}

/** Numbers of any length: the longer is the larger, without zeros in front. */
function compareDigits(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return left.length - right.length || (left < right ? -1 : left === right ? 0 : 1);
}

/** Signs below digits below letters, of which large and small weigh the same. */
function weightOf(code: number): number {
  if (isDigit(code)) return 0x100 + code;
  const lower = code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
  return lower >= 0x61 ? 0x200 + lower : lower;
}

/** The `most` candidates nearest to a mistyped word, best first. */
export function suggest(word: string, candidates: readonly string[], most = 3): string[] {
  return candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
