import { countLeaves, type BitsLeaf, type EnumLeaf, type IntLeaf, type Layout, type Leaf } from '../layout/layout.ts';
import { decode, display, elementBase, isLine } from '../layout/decode.ts';
import { maxTextBytes, ProgramBuilder, Step, TextMode, type Program } from './program.ts';
import { quoted, textWithin, toText } from './json.ts';

/** Of what entries consist: a key, and a value or one for each CPU. */
export interface EntryLayout {
  /** Undefined for types without keys. */
  key: Layout | undefined;
  value: Layout;
  /** Bytes from one CPU's value to the next's; undefined where there is one value. */
  perCpu: { count: number; stride: number } | undefined;
}

/**
 * Writes an entry as a JSON object after `separator`: `{"key":{"hex","decoded","display"},"value":{…}}`, for per-CPU types with
 * `"values":[{"cpu":0,"value":{…}},…]`.
 */
export function compileJson({ key, value, perCpu }: EntryLayout, before: string, after: string): Program {
  const builder = new ProgramBuilder(perCpu?.count ?? 1);
  builder.text(`${before}{`);
  if (key !== undefined) {
    builder.text('"key":');
    jsonValue(builder, key, 0);
    builder.text(',');
  }
  builder.read('value');
  if (perCpu === undefined) jsonValue(builder.text('"value":'), value, 0);
  else {
    builder.text('"values":[');
    for (let cpu = 0; cpu < perCpu.count; cpu++) {
      builder.text(`${cpu === 0 ? '' : ','}{"cpu":${cpu},"value":`);
      jsonValue(builder, value, cpu * perCpu.stride);
      builder.text('}');
    }
    builder.text(']');
  }
  builder.text(`}${after}`);
  return builder.finish();
}

/** Writes an entry as table cells: key, value; of a per-CPU type a row for each CPU, with its number between them. */
export function compileCells({ key, value, perCpu }: EntryLayout): Program {
  const builder = new ProgramBuilder(perCpu?.count ?? 1);
  for (let cpu = 0; cpu < (perCpu?.count ?? 1); cpu++) {
    if (key !== undefined) {
      displayValue(builder.read('key'), key, 0);
      builder.step(Step.CELL, 0, 0);
    }
    if (perCpu !== undefined) builder.text(String(cpu)).step(Step.CELL, 0, 0);
    displayValue(builder.read('value'), value, cpu * (perCpu?.stride ?? 0));
    builder.step(Step.CELL, 0, 0);
  }
  return builder.finish();
}

function jsonValue(builder: ProgramBuilder, layout: Layout, base: number): void {
  builder.text('{"hex":"').step(Step.HEX, base + layout.at, layout.size * 2, layout.size);
  builder.text('","decoded":');
  const written = new Map<string, number>();
  jsonDecoded(builder, layout, base, '', written);
  builder.text(',"display":"');
  jsonDisplay(builder, layout, base, written);
  builder.text('"}');
}

/** `written` gets the steps that wrote scalars, by path: the display form is mostly made of the same texts. */
function jsonDecoded(builder: ProgramBuilder, layout: Layout, base: number, path: string, written: Map<string, number>): void {
  if (countLeaves(layout) > builder.maxScalars) return void viaFunction(builder, layout, (bytes, at) => toText(decode(layout, bytes, at + base)));
  if (layout.kind === 'struct') {
    layout.members.forEach(({ name, layout: inner }, i) => {
      builder.text(`${i === 0 ? '{' : ','}${quoted(name)}:`);
      jsonDecoded(builder, inner, base, `${path}.${name}`, written);
    });
    builder.text(layout.members.length === 0 ? '{}' : '}');
  } else if (layout.kind === 'array') {
    builder.text('[');
    for (let i = 0; i < layout.count; i++) jsonDecoded(i === 0 ? builder : builder.text(','), layout.element, elementBase(layout, base, i), `${path}.${i}`, written);
    builder.text(']');
  } else if (layout.kind === 'prefix') {
    jsonDecoded(builder.text(`{${quoted(layout.names[0])}:`), layout.length, base, `${path}.length`, written);
    jsonDecoded(builder.text(`,${quoted(layout.names[1])}:`), layout.address, base, `${path}.address`, written);
    builder.text('}');
  } else written.set(path, jsonScalar(builder, layout, base));
}

/** Numbers stand bare, all else in quotes. Returns the step. */
function jsonScalar(builder: ProgramBuilder, leaf: Leaf, base: number): number {
  if (leaf.kind === 'enum') return enumStep(builder, leaf, base, 1);
  if (leaf.kind === 'float') return viaFunction(builder, leaf, (bytes, at) => toText(decode(leaf, bytes, at + base)));
  if (leaf.kind === 'int' || leaf.kind === 'bits' || leaf.kind === 'bool') return plainStep(builder, leaf, base, TextMode.JSON);
  const step = plainStep(builder.text('"'), leaf, base, TextMode.JSON);
  builder.text('"');
  return step;
}

function jsonDisplay(builder: ProgramBuilder, layout: Layout, base: number, written: ReadonlyMap<string, number>): void {
  if (countLeaves(layout) > builder.maxScalars) return void viaFunction(builder, layout, (bytes, at) => textWithin(display(layout, bytes, at + base)));
  if (layout.kind === 'prefix') {
    builder.step(Step.COPY, 0, 50, written.get('.address')!);
    builder.text('/').step(Step.COPY, 0, 50, written.get('.length')!);
    return;
  }
  eachShown(layout, base, '', (leaf, at, path, text) => {
    builder.text(textWithin(text));
    if (isQuotedDifferently(leaf)) displayScalar(builder, leaf, at, TextMode.JSON_DISPLAY);
    else builder.step(Step.COPY, 0, maxTextBytes(leaf), written.get(path)!);
  });
}

/** Whether the form for people is not what stands between the quotes of the decoded form. */
const isQuotedDifferently = (leaf: Leaf): boolean => leaf.kind === 'text' || leaf.kind === 'float' || (leaf.kind === 'enum' && leaf.size === 8);

/** The form for people, without quotes and escapes. */
function displayValue(builder: ProgramBuilder, layout: Layout, base: number): void {
  if (countLeaves(layout) > builder.maxScalars) return void viaFunction(builder, layout, (bytes, at) => display(layout, bytes, at + base));
  if (layout.kind === 'prefix') {
    displayScalar(builder, layout.address, base, TextMode.DISPLAY);
    displayScalar(builder.text('/'), layout.length, base, TextMode.DISPLAY);
    return;
  }
  eachShown(layout, base, '', (leaf, at, _path, text) => void displayScalar(builder.text(text), leaf, at, TextMode.DISPLAY));
}

function displayScalar(builder: ProgramBuilder, leaf: Leaf, base: number, mode: number): number {
  if (leaf.kind === 'enum') return enumStep(builder, leaf, base, 0);
  if (leaf.kind === 'float') return viaFunction(builder, leaf, (bytes, at) => display(leaf, bytes, at + base));
  return plainStep(builder, leaf, base, mode);
}

type ShowLeaf = (leaf: Leaf, base: number, path: string, before: string) => void;

/** Scalars in the order in which `display` has them, each with the text that stands before it. */
function eachShown(layout: Layout, base: number, path: string, show: ShowLeaf): void {
  let separator = '';
  const visit = (one: Layout, at: number, where: string, labelled: boolean): void => {
    if (isLine(one)) {
      const label = labelled ? `${separator}${where.slice(1)}=` : separator;
      separator = ' ';
      showLine(one, at, where, label, show);
    } else if (one.kind === 'struct') for (const { name, layout: inner } of one.members) visit(inner, at, `${where}.${name}`, true);
    else if (one.kind === 'array') for (let i = 0; i < one.count; i++) visit(one.element, elementBase(one, at, i), `${where}.${i}`, true);
    else if (one.kind === 'prefix') {
      show(one.address, at, `${where}.address`, `${separator}${where.slice(1)}=`);
      show(one.length, at, `${where}.length`, '/');
      separator = ' ';
    }
  };
  visit(layout, base, path, false);
}

function showLine(layout: Layout, base: number, path: string, label: string, show: ShowLeaf): void {
  if (layout.kind !== 'array') return show(layout as Leaf, base, path, label);
  for (let i = 0; i < layout.count; i++) show(layout.element as Leaf, elementBase(layout, base, i), `${path}.${i}`, i === 0 ? label : ',');
}

const viaFunction = (builder: ProgramBuilder, layout: Layout, write: (bytes: Buffer, base: number) => string): number =>
  builder.step(Step.FUNCTION, 0, maxTextBytes(layout) * 2, builder.function(write));

function enumStep(builder: ProgramBuilder, leaf: EnumLeaf, base: number, quotes: number): number {
  if (leaf.size === 8) return viaFunction(builder, leaf, (bytes, at) => (quotes === 1 ? toText(decode(leaf, bytes, at + base)) : display(leaf, bytes, at + base)));
  const names = new Map([...leaf.names].map(([value, name]) => [Number(leaf.signed ? value : BigInt.asUintN(leaf.size * 8, value)), textWithin(name)] as const));
  const step = { 1: leaf.signed ? Step.S8 : Step.U8, 2: leaf.signed ? Step.S16 : Step.U16, 4: leaf.signed ? Step.S32 : Step.U32 }[leaf.size];
  return builder.step(Step.ENUM, base + leaf.at, maxTextBytes(leaf), builder.enum(names), step * 2 + quotes);
}

/** Everything but enums and floats. */
function plainStep(builder: ProgramBuilder, leaf: Exclude<Leaf, EnumLeaf>, base: number, mode: number): number {
  const at = base + leaf.at;
  switch (leaf.kind) {
    case 'int': return intStep(builder, leaf, base);
    case 'bits': return bitsStep(builder, leaf, base);
    case 'bool': return builder.step(Step.BOOL, at, 5, leaf.size);
    case 'pointer': return builder.step(Step.POINTER, at, 18);
    case 'text': return builder.step(Step.STRING, at, leaf.size * 6, leaf.size, mode);
    case 'hex': return builder.step(Step.HEX, at, leaf.size * 2, leaf.size);
    case 'ipv4': return builder.step(Step.IPV4, at, 16);
    case 'ipv6': return builder.step(Step.IPV6, at, 48);
    case 'mac': return builder.step(Step.MAC, at, 18);
    case 'float': return viaFunction(builder, leaf, (bytes, offset) => display(leaf, bytes, offset + base));
  }
}

const INTS: Readonly<Record<string, number>> = {
  u1: Step.U8, u2: Step.U16, u4: Step.U32, u8: Step.U64, s1: Step.S8, s2: Step.S16, s4: Step.S32, s8: Step.S64, b1: Step.U8, b2: Step.BE16, b4: Step.BE32, b8: Step.BE64,
};

function intStep(builder: ProgramBuilder, leaf: IntLeaf, base: number): number {
  if (leaf.bigEndian && leaf.signed) return viaFunction(builder, leaf, (bytes, at) => display(leaf, bytes, at + base));
  return builder.step(INTS[`${leaf.bigEndian ? 'b' : leaf.signed ? 's' : 'u'}${leaf.size}`]!, base + leaf.at, 21);
}

/** Bit fields that lie in 32 bits are written by a step, wider ones by a function. */
function bitsStep(builder: ProgramBuilder, leaf: BitsLeaf, base: number): number {
  if (leaf.shift + leaf.bits > 32) return viaFunction(builder, leaf, (bytes, at) => display(leaf, bytes, at + base));
  return builder.step(leaf.signed ? Step.BITS_SIGNED : Step.BITS, base + leaf.at, 12, leaf.size, leaf.shift * 64 + leaf.bits);
}

