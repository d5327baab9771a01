/** The subset of kubectl's JSONPath that scripts use: `{.items[*].name}`, `{range .items[*]}{.a}{"\n"}{end}`, `[0]`, `['a.b']`. */

import { UsageError } from '../../lib/errors.ts';

type Piece = { text: string } | { path: Step[] } | { range: Step[]; body: Piece[] };
type Step = string | number | '*';

/** Evaluates a template. @throws UsageError when it cannot be read. */
export function evaluateJsonPath(template: string, data: unknown): string {
  const source = template.includes('{') ? template : `{${template.startsWith('.') ? '' : '.'}${template}}`;
  const { pieces } = parsePieces(tokenize(source), 0, source);
  return render(pieces, data);
}

/** The values that a path such as `.metadata.name` leads to. */
export const evaluatePath = (path: string, data: unknown): unknown[] => follow(parsePath(path, path), data);

function render(pieces: readonly Piece[], data: unknown): string {
  return pieces.map((piece) => {
    if ('text' in piece) return piece.text;
    if ('path' in piece) return follow(piece.path, data).map(show).join(' ');
    return follow(piece.range, data).map((item) => render(piece.body, item)).join('');
  }).join('');
}

const show = (value: unknown): string => (typeof value === 'object' && value !== null ? JSON.stringify(value, (_k, v: unknown) => (typeof v === 'bigint' ? String(v) : v)) : String(value));

function follow(steps: readonly Step[], data: unknown): unknown[] {
  return steps.reduce<unknown[]>((values, step) => values.flatMap((value) => {
    if (typeof value !== 'object' || value === null) return [];
    if (step === '*') return Object.values(value);
    const child = (value as Record<string | number, unknown>)[typeof step === 'number' && step < 0 && Array.isArray(value) ? value.length + step : step];
    return child === undefined ? [] : [child];
  }), [data]);
}

function tokenize(source: string): string[] {
  return source.match(/\{(?:"(?:\\.|[^"])*"|'[^']*'|[^{}])*\}|[^{}]+|[{}]/g) ?? [];
}

function parsePieces(tokens: readonly string[], from: number, source: string): { pieces: Piece[]; next: number } {
  const pieces: Piece[] = [];
  for (let i = from; i < tokens.length; i++) {
    const token = tokens[i]!;
    const inner = token.startsWith('{') ? token.slice(1, -1).trim() : undefined;
    if (token === '{' || token === '}') throw bad(source);
    if (inner === undefined) pieces.push({ text: token });
    else if (inner === 'end') return { pieces, next: i + 1 };
    else if (inner.startsWith('range ')) {
      const { pieces: body, next } = parsePieces(tokens, i + 1, source);
      pieces.push({ range: parsePath(inner.slice(6).trim(), source), body });
      i = next - 1;
    } else if (/^["']/.test(inner)) pieces.push({ text: unquote(inner) });
    else pieces.push({ path: parsePath(inner, source) });
  }
  return { pieces, next: tokens.length };
}

const unquote = (text: string): string => text.slice(1, -1).replace(/\\n/g, '\n').replace(/\\t/g, '\t').replace(/\\(.)/g, '$1');

function parsePath(path: string, source: string): Step[] {
  const steps: Step[] = [];
  let rest = path.replace(/^[$@]/, '');
  while (rest !== '' && rest !== '.') {
    const match = /^\.?\[(?:(\*)|(-?\d+)|'([^']*)'|"([^"]*)")\]|^\.([^.[\]]+)/.exec(rest);
    if (match === null) throw bad(source);
    const [whole, all, index, single, double, name] = match;
    steps.push(all !== undefined || name === '*' ? '*' : index !== undefined ? Number(index) : (single ?? double ?? name)!);
    rest = rest.slice(whole.length);
  }
  return steps;
}

const bad = (source: string): UsageError =>
  new UsageError(`cannot read the JSONPath '${source}'`, { hints: ["-o jsonpath='{.items[*].name}'"] });
