/** Decimal numbers as text, four digits at a time from a table. Each function returns where its text ends, and may write three bytes more. */

/** `0000` to `9999`, as they lie in memory. */
const DIGITS = new Uint32Array(10_000);
for (let i = 0; i < DIGITS.length; i++)
  DIGITS[i] = 0x3030_3030 + (((i / 1000) | 0) + ((((i / 100) | 0) % 10) << 8) + ((((i / 10) | 0) % 10) << 16) + ((i % 10) << 24));
const MINUS = 0x2d;

/** An integer from 0 to 2^53. */
export function writeDecimal(out: DataView, start: number, value: number): number {
  if (value < 10_000) return writeFew(out, start, value);
  if (value < 100_000_000) {
    const high = (value / 10_000) | 0;
    const at = writeFew(out, start, high);
    out.setUint32(at, DIGITS[value - high * 10_000]!, true);
    return at + 4;
  }
  const high = Math.floor(value / 100_000_000);
  return writeEight(out, writeDecimal(out, start, high), value - high * 100_000_000);
}

/** Below 10,000, without zeros in front. */
function writeFew(out: DataView, start: number, value: number): number {
  const length = value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : 4;
  out.setUint32(start, DIGITS[value]! >>> (8 * (4 - length)), true);
  return start + length;
}

function writeEight(out: DataView, start: number, value: number): number {
  const high = (value / 10_000) | 0;
  out.setUint32(start, DIGITS[high]!, true);
  out.setUint32(start + 4, DIGITS[value - high * 10_000]!, true);
  return start + 8;
}

/** An integer between -2^53 and 2^53. */
export function writeSigned(out: DataView, start: number, value: number): number {
  if (value >= 0) return writeDecimal(out, start, value);
  out.setUint8(start, MINUS);
  return writeDecimal(out, start + 1, -value);
}

/** An integer of 64 bits, given in halves. */
export function writeUnsigned64(out: DataView, start: number, high: number, low: number): number {
  if (high < 0x20_0000) return writeDecimal(out, start, high * 0x1_0000_0000 + low);
  // Divides by 10^8 in steps of 16 bits, so that no intermediate result needs more than 53.
  const first = Math.floor(high / 100_000_000);
  let rest = (high - first * 100_000_000) * 0x1_0000 + (low >>> 16);
  const second = Math.floor(rest / 100_000_000);
  rest = (rest - second * 100_000_000) * 0x1_0000 + (low & 0xffff);
  const third = Math.floor(rest / 100_000_000);
  const quotient = first * 0x1_0000_0000 + second * 0x1_0000 + third;
  return writeEight(out, writeDecimal(out, start, quotient), rest - third * 100_000_000);
}

/** The same with a sign. */
export function writeSigned64(out: DataView, start: number, high: number, low: number): number {
  if (high >= 0) return writeUnsigned64(out, start, high, low);
  out.setUint8(start, MINUS);
  return low === 0 ? writeUnsigned64(out, start + 1, -high, 0) : writeUnsigned64(out, start + 1, ~high, 2 ** 32 - low);
}
