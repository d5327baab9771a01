import { decodePacket } from '../../../lib/packet/decode.ts';

/** A field that is not as before; absent where it did not exist. */
export interface FieldChange {
  field: string;
  before?: string;
  after?: string;
}

/** Bytes that are not as before, in hexadecimal; `at` counts from the start of the packet before. */
export interface BytesChange {
  at: number;
  before: string;
  after: string;
}

/** What a program changed in a packet. */
export interface PacketDifference {
  changedFields: FieldChange[];
  changedBytes: BytesChange[];
}

export function comparePackets(before: Buffer, after: Buffer): PacketDifference {
  if (before.equals(after)) return { changedFields: [], changedBytes: [] };
  return { changedFields: compareFields(fieldsOf(before), fieldsOf(after)), changedBytes: compareBytes(before, after) };
}

const fieldsOf = (packet: Buffer): Map<string, string> => new Map(decodePacket(packet).map(({ name, value }) => [name, value]));

/** In the order of the packet before, then what is new. */
export function compareFields(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): FieldChange[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((field) => before.get(field) !== after.get(field)).map((field) => {
    const [old, now] = [before.get(field), after.get(field)];
    return { field, ...(old === undefined ? {} : { before: old }), ...(now === undefined ? {} : { after: now }) };
  });
}

/** Of packets of one length every run of bytes; else the longest equal end or start is left out, and the rest is one change. */
function compareBytes(before: Buffer, after: Buffer): BytesChange[] {
  if (before.length === after.length) return differingRuns(before, after);
  const [start, end] = [commonStart(before, after), commonEnd(before, after)];
  const [from, tail] = end >= start ? [0, end] : [start, 0];
  return [{ at: from, before: before.toString('hex', from, before.length - tail), after: after.toString('hex', from, after.length - tail) }];
}

function differingRuns(before: Buffer, after: Buffer): BytesChange[] {
  const runs: BytesChange[] = [];
  for (let at = 0; at < before.length; ) {
    let end = at;
    while (end < before.length && before[end] !== after[end]) end++;
    if (end > at) runs.push({ at, before: before.toString('hex', at, end), after: after.toString('hex', at, end) });
    at = end + 1;
  }
  return runs;
}

function commonStart(a: Buffer, b: Buffer): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length++;
  return length;
}

function commonEnd(a: Buffer, b: Buffer): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[a.length - 1 - length] === b[b.length - 1 - length]) length++;
  return length;
}
