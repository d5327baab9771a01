/** The code of a program, as it is shown. */

/** A line of C that instructions were made of. */
export interface SourceLine {
  file: string;
  line: number;
  column: number;
  text: string;
}

export interface CodeInstruction {
  /** In units of 8 bytes, from the start of the program. */
  index: number;
  /** Hexadecimal: 8 bytes, or 16. */
  bytes: string;
  text: string;
  /** Where a line begins, or comes back to. */
  source?: SourceLine;
}

/** A function with its instructions, or with its machine code. */
export interface CodeFunction {
  name: string;
  /** From type information. */
  signature?: string;
  instructions: CodeInstruction[];
  machineCode?: { address: string; bytes: string };
}

/** What `bpf prog dump` shows. */
export interface ProgramDump {
  id: number;
  name: string;
  tag: string;
  functions: CodeFunction[];
}

export type DumpForm = 'xlated' | 'jited' | 'source';

/** The text of a dump, a function at a time. */
export function* listCode({ functions }: ProgramDump, form: DumpForm, options: { opcodes?: boolean } = {}): Generator<string> {
  const print = { xlated: instructionLines, jited: machineLines, source: sourceLines }[form];
  for (const [i, one] of functions.entries()) yield `${i === 0 ? '' : '\n'}${one.signature ?? one.name}:\n${print(one, options).map((line) => `${line}\n`).join('')}`;
}

function instructionLines({ instructions }: CodeFunction, { opcodes = false }: { opcodes?: boolean }): string[] {
  return instructions.flatMap(({ index, bytes, text, source }) => [
    ...(source === undefined ? [] : [`; ${source.text} @ ${baseName(source.file)}:${source.line}`]),
    `${String(index).padStart(4)}: ${text}`,
    ...(opcodes ? [`      ${bytes.replaceAll(/(..)/g, '$1 ').trimEnd()}`] : []),
  ]);
}

/** Lines of C in the order of the code, with the instructions that were made of each. */
function sourceLines({ instructions }: CodeFunction): string[] {
  const starts = instructions.filter(({ source }) => source !== undefined);
  const end = (instructions.at(-1)?.index ?? 0) + (instructions.at(-1)?.bytes.length ?? 0) / 16;
  const width = Math.max(0, ...starts.map(({ source }) => place(source!).length));
  return starts.map(({ index, source }, i) => {
    const last = (starts[i + 1]?.index ?? end) - 1;
    return `${place(source!).padEnd(width)}  ${`${index}${last > index ? `-${last}` : ''}`.padEnd(9)}  ${source!.text}`;
  });
}

const BYTES_PER_LINE = 16;

function machineLines({ machineCode }: CodeFunction): string[] {
  const { address = '0', bytes = '' } = machineCode ?? {};
  const lines = bytes.match(new RegExp(`.{1,${BYTES_PER_LINE * 2}}`, 'g')) ?? [];
  return [`; at 0x${address}, ${bytes.length / 2} bytes`, ...lines.map((line, i) => `${(i * BYTES_PER_LINE).toString(16).padStart(4)}: ${line.replaceAll(/(..)/g, '$1 ').trimEnd()}`)];
}

const place = ({ file, line }: SourceLine): string => `${baseName(file)}:${line}`;
const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
