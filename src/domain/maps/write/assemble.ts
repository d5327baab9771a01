/**
 * Turns the steps of a program into JavaScript, which V8 compiles: half the time of a loop that looks at each step again for every
 * entry. All that goes into the text are numbers of a `Program`; names from type information are in it only as the numbers that eight
 * of their bytes make.
 */

import * as runtime from './runtime.ts';
import { OF_VALUE, Step, STRIDE, type Program } from './program.ts';

/** Writes one entry's steps from `to` on and returns where they end; the DataViews are of the Buffers. */
export type Writer = (row: RowContext, keyAt: number, valueAt: number, to: number) => number;

/** What the steps work on. `starts` has where steps that are copied later begin and end; `ends` the ends of cells from `cell` on. */
export interface RowContext {
  keys: DataView;
  values: DataView;
  keyBytes: Buffer;
  valueBytes: Buffer;
  out: DataView;
  text: Buffer;
  starts: Int32Array;
  ends: Int32Array;
  cell: number;
}

/** Longer functions are compiled late or never. */
const STEPS_PER_FUNCTION = 64;
/** Longer runs of bytes are written in a loop. */
const UNROLLED_BYTES = 32;

/** The writers of a program, to be called one after the other. */
export function assemble({ code, literals, enums, functions }: Program): Writer[] {
  const steps = Array.from({ length: code.length / STRIDE }, (_, i) => code.subarray(i * STRIDE, (i + 1) * STRIDE));
  const copied = new Set(steps.flatMap(([what, , , , argument]) => ((what! & ~OF_VALUE) === Step.COPY ? [argument!] : [])));
  const writers: Writer[] = [];
  for (let first = 0; first < steps.length; first += STEPS_PER_FUNCTION) {
    const body = steps.slice(first, first + STEPS_PER_FUNCTION).map((step, i) => stepSource(step, first + i, literals, copied.has(first + i))).join('\n');
    const source = `return (row, keyAt, valueAt, start) => {
const { keys, values, out, text, starts, ends } = row;
let to = start;
${body}
return to; };`;
    // oxlint-disable-next-line no-new-func -- see above: numbers are all that varies
    writers.push(new Function('runtime', 'enums', 'functions', `const { ${Object.keys(runtime).join(', ')} } = runtime; ${source}`)(runtime, enums, functions) as Writer);
  }
  return writers;
}

function stepSource(step: Int32Array, number: number, literals: Float64Array, isCopied: boolean): string {
  const [what = 0, word = 0, fixed = 0] = step;
  const lines = Array.from({ length: Math.ceil(fixed / 8) }, (_, i) => `out.setFloat64(to + ${i * 8}, ${literals[word + i]}, true);`);
  if (fixed > 0) lines.push(`to += ${fixed};`);
  const isEnum = (what & ~OF_VALUE) === Step.ENUM;
  // An enum that stands in quotes is copied without them, so it says itself what it wrote.
  if (isCopied && !isEnum) lines.push(`starts[${number * 2}] = to;`);
  lines.push(bodySource(step, number));
  if (isCopied && !isEnum) lines.push(`starts[${number * 2 + 1}] = to;`);
  return lines.join(' ');
}

function bodySource([what = 0, , , at = 0, argument = 0, more = 0]: Int32Array, number: number): string {
  const ofValue = what >= OF_VALUE;
  const source = ofValue ? 'values' : 'keys';
  const base = ofValue ? 'valueAt' : 'keyAt';
  const place = at === 0 ? base : `${base} + ${at}`;
  const call = (name: string, ...rest: (string | number)[]): string => `to = ${name}(${['out', 'to', ...rest].join(', ')});`;
  const number32 = (read: string): string => call('writeDecimal', read);
  const signed = (read: string): string => call('writeSigned', read);
  switch (what & ~OF_VALUE) {
    case Step.HEX: return argument > UNROLLED_BYTES ? call('writeHex', 'text', source, place, argument) : unrolledHex(source, place, argument);
    case Step.U8: return number32(`${source}.getUint8(${place})`);
    case Step.U16: return number32(`${source}.getUint16(${place}, true)`);
    case Step.U32: return number32(`${source}.getUint32(${place}, true)`);
    case Step.U64: return call('writeUnsigned64', `${source}.getUint32(${place} + 4, true)`, `${source}.getUint32(${place}, true)`);
    case Step.S8: return signed(`${source}.getInt8(${place})`);
    case Step.S16: return signed(`${source}.getInt16(${place}, true)`);
    case Step.S32: return signed(`${source}.getInt32(${place}, true)`);
    case Step.S64: return call('writeSigned64', `${source}.getInt32(${place} + 4, true)`, `${source}.getUint32(${place}, true)`);
    case Step.BE16: return number32(`${source}.getUint16(${place})`);
    case Step.BE32: return number32(`${source}.getUint32(${place})`);
    case Step.BE64: return call('writeUnsigned64', `${source}.getUint32(${place})`, `${source}.getUint32(${place} + 4)`);
    case Step.BITS: return call('writeBits', source, place, argument, more >> 6, more & 63);
    case Step.BITS_SIGNED: return call('writeSignedBits', source, place, argument, more >> 6, more & 63);
    case Step.BOOL: return call('writeBool', 'text', source, place, argument);
    case Step.ENUM: return call('writeEnum', 'text', `enums[${argument}]`, more >> 1, more & 1, source, place, 'starts', number * 2);
    case Step.POINTER: return call('writePointer', 'text', source, place);
    case Step.IPV4: return call('writeIpv4', source, place);
    case Step.IPV6: return call('writeIpv6', 'text', source, place);
    case Step.MAC: return call('writeMac', source, place);
    case Step.STRING: return call('writeString', 'text', source, place, argument, more);
    case Step.COPY: return call('writeCopy', `starts[${argument * 2}]`, `starts[${argument * 2 + 1}]`);
    case Step.FUNCTION: return `to += text.write(functions[${argument}](row.${ofValue ? 'valueBytes' : 'keyBytes'}, ${base}), to);`;
    case Step.CELL: return 'ends[row.cell++] = to;';
    default: return '';
  }
}

const unrolledHex = (source: string, place: string, size: number): string =>
  `${Array.from({ length: size }, (_, i) => `out.setUint16(to + ${i * 2}, HEX[${source}.getUint8(${place} + ${i})], true);`).join(' ')} to += ${size * 2};`;
