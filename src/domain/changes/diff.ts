/** Line differences between two texts. */

import type { DiffLine } from './model.ts';

/** Cells of the comparison table above which the middle is not aligned line by line. */
const TABLE_LIMIT = 4_000_000;

/**
 * What turns `before` into `after`, removed lines before added ones, with counts of the equal lines between.
 *
 * Beyond 4 million compared pairs the differing middle is given as wholly removed and wholly added.
 */
export function diffLines(before: string, after: string): DiffLine[] {
  const left = linesOf(before);
  const right = linesOf(after);
  const head = commonPrefix(left, right);
  const tail = commonPrefix(left.slice(head).reverse(), right.slice(head).reverse());
  const middle = align(left.slice(head, left.length - tail), right.slice(head, right.length - tail));
  return foldEqual([...equal(left.slice(0, head)), ...middle, ...equal(left.slice(left.length - tail))]);
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function commonPrefix(left: readonly string[], right: readonly string[]): number {
  let length = 0;
  while (length < left.length && length < right.length && left[length] === right[length]) length++;
  return length;
}

function align(left: readonly string[], right: readonly string[]): DiffLine[] {
  if (left.length * right.length > TABLE_LIMIT) return [...signed('-', left), ...signed('+', right)];
  const width = right.length + 1;
  const longest = longestCommon(left, right);
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    if (left[i] === right[j]) {
      lines.push({ sign: '=', text: left[i++]! });
      j++;
    } else if (longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!) {
      lines.push({ sign: '-', text: left[i++]! });
    } else {
      lines.push({ sign: '+', text: right[j++]! });
    }
  }
  return [...lines, ...signed('-', left.slice(i)), ...signed('+', right.slice(j))];
}

/** Cell (i, j) is the length of the longest common subsequence of `left` from i and `right` from j. */
function longestCommon(left: readonly string[], right: readonly string[]): Uint32Array {
  const width = right.length + 1;
  const table = new Uint32Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      const below = table[(i + 1) * width + j]!;
      const beside = table[i * width + j + 1]!;
      table[i * width + j] = left[i] === right[j] ? table[(i + 1) * width + j + 1]! + 1 : Math.max(below, beside);
    }
  }
  return table;
}

function signed(sign: '-' | '+', lines: readonly string[]): DiffLine[] {
  return lines.map((text) => ({ sign, text }));
}

function equal(lines: readonly string[]): DiffLine[] {
  return lines.map((text) => ({ sign: '=', text }));
}

function foldEqual(lines: readonly DiffLine[]): DiffLine[] {
  const folded: DiffLine[] = [];
  let run = 0;
  for (const line of [...lines, undefined]) {
    if (line?.sign === '=') {
      run++;
      continue;
    }
    if (run > 0) folded.push({ sign: '=', text: run === 1 ? '1 line' : `${run} lines` });
    run = 0;
    if (line !== undefined) folded.push(line);
  }
  return folded;
}
