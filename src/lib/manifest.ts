/**
 * Documents as kubectl takes them, in YAML or JSON: `apiVersion`, `kind`, `metadata.name`, `spec`. Whoever reads a member asks
 * for what it should be; an error names file, line and column.
 */

import { ParseError, type ErrorFacts } from './errors.ts';
import { suggest } from './text.ts';

/** What all documents of sluice begin with. */
export const API_VERSION = 'sluice.dev/v1';

/** One document. */
export interface Manifest {
  kind: string;
  name: string;
  spec: Field;
  /** The whole document, to point at. */
  root: Field;
}

type Path = readonly (string | number)[];

/** A member of a document is not what it should be; `readManifests` turns it into a ParseError, once it knows where it stands. */
class FieldError extends Error {
  readonly path: Path;
  /** Whether it is about the name of the member or about its value. */
  readonly at: 'key' | 'value';
  readonly facts: Partial<ErrorFacts>;

  constructor(path: Path, at: 'key' | 'value', message: string, facts: Partial<ErrorFacts>) {
    super(message);
    this.path = path;
    this.at = at;
    this.facts = facts;
  }
}

/** A value in a document, with the way to it. */
export class Field {
  readonly value: unknown;
  readonly #path: Path;

  constructor(value: unknown, path: Path) {
    this.value = value;
    this.#path = path;
  }

  /** False where the document does not have it, or has `null`. */
  get isSet(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** The way to it as people write it: `spec.nodes[3].mac`. */
  get name(): string {
    return this.#path.slice(1).reduce<string>((text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`), '');
  }

  /** Ends reading with a complaint about this value. */
  fail(message: string, facts: Partial<ErrorFacts> = {}): never {
    throw new FieldError(this.#path, 'value', message, facts);
  }

  /** A member of an object; not set where there is none. */
  get(key: string): Field {
    return new Field((this.#object())[key], [...this.#path, key]);
  }

  /** The members, which must all have one of these names. */
  only(keys: readonly string[]): this {
    const unknown = Object.keys(this.#object()).find((key) => !keys.includes(key));
    if (unknown === undefined) return this;
    const near = suggest(unknown, keys);
    throw new FieldError([...this.#path, unknown], 'key', `there is no member '${unknown}'`, { hints: near.length > 0 ? near.map((key) => `${key}:`) : [`members are ${keys.join(', ')}`] });
  }

  text(): string {
    return typeof this.value === 'string' && this.value !== '' ? this.value : this.fail(`${this.name} must be a text, not ${show(this.value)}`);
  }

  integer(least: number, most: number): number {
    const { value } = this;
    return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most ? value : this.fail(`${this.name} must be a whole number from ${least} to ${most}, not ${show(value)}`);
  }

  flag(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.fail(`${this.name} must be true or false, not ${show(this.value)}`);
  }

  oneOf<const T extends string>(words: readonly T[]): T {
    return words.find((word) => word === this.value) ?? this.fail(`${this.name} must be ${words.join(' or ')}, not ${show(this.value)}`);
  }

  /** Items of a list; a single value counts as a list of one. None where it is not set. */
  items(): Field[] {
    if (!this.isSet) return [];
    return Array.isArray(this.value) ? this.value.map((value, index) => new Field(value, [...this.#path, index])) : [this];
  }

  /** What `read` makes of it, or undefined where it is not set. */
  optional<T>(read: (field: Field) => T): T | undefined {
    return this.isSet ? read(this) : undefined;
  }

  #object(): Record<string, unknown> {
    if (typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value)) return this.value as Record<string, unknown>;
    return this.fail(`${this.name === '' ? 'a document' : this.name} must be an object, not ${show(this.value)}`);
  }
}

function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  return typeof value === 'object' ? (Array.isArray(value) ? 'a list' : 'an object') : JSON.stringify(value);
}

/** The values of all documents of a file, YAML or JSON. @throws ParseError for text that is neither. */
export async function parseDocuments(source: string, text: string): Promise<unknown[]> {
  return parseJson(text) ?? (await parseYaml(source, text)).map((document) => valueOf(source, text, document));
}

/**
 * Gives all documents of a file to `read`.
 *
 * @param source what errors call the file.
 * @param parsed what `parseDocuments` made of the text, where somebody has it already.
 * @throws ParseError as `parseDocuments`, for a document without kind or name, and for whatever `read` complains about.
 */
export async function readManifests<T>(source: string, text: string, read: (manifests: readonly Manifest[]) => T, parsed?: readonly unknown[]): Promise<T> {
  const values = parsed ?? (await parseDocuments(source, text));
  try {
    return read(values.map((value, index) => asManifest(new Field(value, [index]))));
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    const { line, column } = await locate(source, text, error);
    throw new ParseError(source, line, column, error.message, error.facts);
  }
}

function asManifest(root: Field): Manifest {
  root.only(['apiVersion', 'kind', 'metadata', 'spec']);
  root.get('apiVersion').oneOf([API_VERSION]);
  const metadata = root.get('metadata');
  if (!metadata.isSet) root.fail('a document needs metadata.name');
  return { kind: root.get('kind').text(), name: metadata.get('name').text(), spec: root.get('spec'), root };
}

/** JSON is read by the engine itself, which is far faster; undefined when it is none. */
function parseJson(text: string): unknown[] | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch {
    return undefined;
  }
}

type Document = import('yaml').Document.Parsed;

/** What only shows when values are made: an alias of nothing, aliases of aliases without end, merged keys that are no object. */
function valueOf(source: string, text: string, document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    const { line, column } = positionOf(text, document.contents!.range[0]);
    throw new ParseError(source, line, column, `this document cannot be read: ${(error as Error).message}`);
  }
}

async function parseYaml(source: string, text: string): Promise<Document[]> {
  const { LineCounter, parseAllDocuments } = await import('yaml');
  const lineCounter = new LineCounter();
  const documents = [...parseAllDocuments(text, { lineCounter })];
  for (const { errors: [error] } of documents) {
    if (error === undefined) continue;
    const { line, col } = lineCounter.linePos(error.pos[0]);
    throw new ParseError(source, line, col, error.message.split(' at line ')[0]!);
  }
  return documents.filter(({ contents }) => contents !== null) as Document[];
}

/** Where a complaint points at; the nearest thing around it where it is not in the text. */
async function locate(source: string, text: string, { path, at }: FieldError): Promise<{ line: number; column: number }> {
  const { isMap } = await import('yaml');
  const documents = await parseYaml(source, text);
  const [index, ...rest] = path as [number, ...(string | number)[]];
  // A JSON file with a list of documents is one document of YAML.
  const listed = documents.length === 1 && !isMap(documents[0]!.contents);
  const [document, steps] = listed ? [documents[0]!, path] : [documents[index]!, rest];
  return positionOf(text, (at === 'key' ? await keyOffset(document, steps) : undefined) ?? (await valueOffset(document, steps)));
}

async function valueOffset(document: Document, steps: Path): Promise<number> {
  const { isNode } = await import('yaml');
  for (let depth = steps.length; depth > 0; depth--) {
    const node: unknown = document.getIn(steps.slice(0, depth), true);
    if (isNode(node) && node.range !== null && node.range !== undefined) return node.range[0];
  }
  return document.contents!.range[0];
}

async function keyOffset(document: Document, steps: Path): Promise<number | undefined> {
  const { isMap, isScalar } = await import('yaml');
  const parent: unknown = steps.length === 1 ? document.contents : document.getIn(steps.slice(0, -1), true);
  const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && key.value === steps.at(-1)) : undefined;
  return isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
}

/** Line and column, from 1, of an offset. */
function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
