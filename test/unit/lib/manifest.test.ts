import { describe, expect, it } from 'vitest';
import { ParseError } from '../../../src/lib/errors.ts';
import { readManifests, type Manifest } from '../../../src/lib/manifest.ts';

const HEAD = 'apiVersion: sluice.dev/v1\nkind: Thing\nmetadata: {name: one}\n';

const read = async <T>(text: string, use: (manifest: Manifest) => T): Promise<T> => await readManifests('f.yaml', text, ([first]) => use(first!));

it('reads YAML of several documents, and JSON, to the same', async () => {
  const names = (manifests: readonly Manifest[]): unknown[] => manifests.map(({ kind, name, spec }) => [kind, name, spec.value]);
  const json = [{ apiVersion: 'sluice.dev/v1', kind: 'Thing', metadata: { name: 'one' }, spec: { a: 1 } }, { apiVersion: 'sluice.dev/v1', kind: 'Thing', metadata: { name: 'two' } }];
  const expected = [['Thing', 'one', { a: 1 }], ['Thing', 'two', undefined]];
  expect(await readManifests('f', `---\n${HEAD}spec:\n  a: 1\n---\n${HEAD.replace('one', 'two')}...\n`, names)).toEqual(expected);
  expect(await readManifests('f', JSON.stringify(json), names)).toEqual(expected);
  expect(await readManifests('f', JSON.stringify(json[1]), names)).toEqual([expected[1]]);
});

describe('errors point at', () => {
  const spec = 'spec:\n  count: twelve\n  nodes:\n  - name: a\n    port: 70000\n  - {name: b, prot: 1}\n';

  it.each<[string, (one: Manifest) => unknown, number, number, string]>([
    ['a value', (one: Manifest) => one.spec.get('count').integer(0, 9), 5, 10, 'spec.count must be a whole number from 0 to 9, not "twelve"'],
    ['a value in a list', (one: Manifest) => one.spec.get('nodes').items()[0]!.get('port').integer(1, 65_535), 8, 11, 'spec.nodes[0].port must be a whole number from 1 to 65535, not 70000'],
    ['the thing around what is missing', (one: Manifest) => one.spec.get('nodes').items()[0]!.get('mac').text(), 7, 5, 'spec.nodes[0].mac must be a text, not nothing'],
    ['a name that does not exist', (one: Manifest) => one.spec.get('nodes').items()[1]!.only(['name', 'port']), 9, 15, "there is no member 'prot'"],
    ['a list that should be an object', (one: Manifest) => one.spec.get('nodes').get('x'), 7, 3, 'spec.nodes must be an object, not a list'],
  ])('%s', async (_what, use, line, column, message) => {
    const text = HEAD + spec;
    await expect(read(text, use)).rejects.toThrowError(expect.objectContaining({ constructor: ParseError, line, column, message: `f.yaml:${line}:${column}: ${message}` }) as Error);
  });

  it('a place in JSON, in a list as well', async () => {
    const bad = '{"apiVersion": "sluice.dev/v1", "kind": "Thing",\n "metadata": {"name": "x"},\n "spec": {"a": "b"}}';
    const use = (all: readonly Manifest[]): number => all.at(-1)!.spec.get('a').integer(0, 1);
    await expect(readManifests('f', bad, use)).rejects.toThrow('f:3:16: spec.a must be');
    await expect(readManifests('f', `[${bad},\n${bad}]`, use)).rejects.toThrow('f:6:16: spec.a must be');
  });

  it.each([
    [`${HEAD}spec:\n  a: 1\n  a: 2\n`, 'f.yaml:6:3: Map keys must be unique'], [`${HEAD}spec: {a: [1\n`, 'f.yaml:5:1: '], ['kind: Thing\n', 'f.yaml:1:1: apiVersion must be sluice.dev/v1, not nothing'],
    [HEAD.replace('v1', 'v2'), 'f.yaml:1:13: apiVersion must be sluice.dev/v1, not "sluice.dev/v2"'], [`${HEAD}sepc: {}\n`, "f.yaml:4:1: there is no member 'sepc'"],
    [`${HEAD}spec: *nothing\n`, 'f.yaml:1:1: this document cannot be read: Unresolved alias'],
    ['just text', 'f.yaml:1:1: a document must be an object, not "just text"'], [HEAD.replace('{name: one}', '{}'), 'f.yaml:3:11: metadata.name must be a text, not nothing'],
  ])('what is wrong in %j', async (text, message) => {
    await expect(read(text, ({ spec: { value } }) => value)).rejects.toThrow(message);
  });
});
