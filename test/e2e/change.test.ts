import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Agent, eventually, processesOf, RuledNamespace } from '../support/changes.ts';
import { requireRoot } from '../support/require.ts';
import { sluice, tempState, type SluiceResult, type TempState } from '../support/sluice.ts';

let state: TempState;
let ns: RuledNamespace;

beforeEach(() => {
  requireRoot();
  state = tempState();
  Object.assign(process.env, state.env);
  ns = new RuledNamespace('e');
});

afterEach(async () => {
  ns.delete();
  for (const name of Object.keys(state.env)) delete process.env[name];
  // A timer ends within a second after its change did.
  await eventually(() => processesOf(state.root).length === 0 || undefined);
  state.close();
});

async function change(...argv: string[]): Promise<SluiceResult> {
  return await sluice(['change', ...argv], { env: state.env });
}

describe('sluice change', () => {
  test('says that there is nothing', async () => {
    expect(await change('list')).toMatchObject({ stdout: '', exitCode: 0, stderr: 'No changes found.\n' });
    expect(await change('confirm')).toMatchObject({ stdout: '', exitCode: 5 });
    expect(await change('get', 'c-0000')).toMatchObject({ stdout: '', exitCode: 5 });
  });

  test('lists a pending change and confirms it from another process', async () => {
    const { record } = await ns.change({ confirmWithinMs: 60_000, summary: 'block\u001b[31m one' });
    const { id } = record;
    const [header = '', row = ''] = (await change('list')).stdout.split('\n');
    expect(header.split(/\s+/)).toEqual(['ID', 'KIND', 'STATE', 'AGE', 'REVERTS-IN', 'NETNS', 'SUMMARY']);
    expect(row).toMatch(new RegExp(`^${id} +test +pending +\\d+s +(\\d+s|1m\\d*s?) +${ns.name} +block\\[31m one$`));
    expect((await change('get', id)).stdout).toContain(`unless:  sluice change confirm ${id}`);
    expect(JSON.parse((await change('extend', '--confirm-within', '10m', '--json')).stdout)).toMatchObject({
      apiVersion: 'sluice.dev/v1',
      kind: 'Change',
      id,
      state: 'pending',
    });
    expect(await change('confirm', '-o', 'name')).toMatchObject({ stdout: `change/${id}\n`, exitCode: 0 });
    expect(await change('confirm', id)).toMatchObject({ exitCode: 0 });
    expect(await change('extend', id)).toMatchObject({ exitCode: 3, stdout: '' });
  });

  test('rolls back, and says 7 to who confirms too late', async () => {
    const before = ns.save();
    const { id } = (await ns.change({ confirmWithinMs: 60_000 })).record;
    const after = ns.save();
    expect(await change('rollback', id, '--dry-run=kernel')).toMatchObject({ exitCode: 0 });
    expect(ns.save()).toBe(after);
    expect(await sluice(['change', 'rollback', id], { env: { ...state.env, SLUICE_READONLY: '1' } })).toMatchObject({ exitCode: 4 });
    expect(await change('rollback')).toMatchObject({ exitCode: 0 });
    expect(ns.save()).toBe(before);
    expect(await change('confirm', id)).toMatchObject({ exitCode: 7, stdout: '' });
    expect(await change('rollback', id)).toMatchObject({ exitCode: 3 });
    expect((await change('get', id)).stdout).toContain('done: Restore the rules');
  });

  test('says 8 and names the script when a revert fails', async () => {
    const { record, directory, revertScript } = await ns.change();
    writeFileSync(join(directory, 'rules.v4'), 'broken\n');
    const failed = await change('rollback', record.id);
    expect(failed).toMatchObject({ exitCode: 8, stdout: '' });
    expect(failed.stderr).toContain(`sh ${revertScript}`);
    expect((await change('list', '--columns', 'STATE', '--no-headers')).stdout.trim()).toBe('revert-failed');
  });

  test('says 9 while a change is being applied, and shows one whose process was killed', async ({ onTestFinished }) => {
    const agent = new Agent({ netns: ns.name, before: ns.save(), stop: 'half' });
    onTestFinished(() => agent.kill('SIGKILL'));
    const id = await agent.said('begun');
    await agent.said('half');
    expect(await change('confirm', id)).toMatchObject({ exitCode: 9, stdout: '' });
    await agent.kill('SIGKILL');
    expect((await change('list', '--no-headers')).stdout).toContain('interrupted');
    expect(await change('rollback', id)).toMatchObject({ exitCode: 0 });
    expect(dirname((await change('get', id, '-o', 'jsonpath={.revertScript}')).stdout)).toContain(id);
  });

  test('refuses nonsense', async () => {
    expect(await change('extend', '--confirm-within', 'soon')).toMatchObject({ exitCode: 2 });
    expect(await change('get')).toMatchObject({ exitCode: 2 });
    expect(await change('get', '../../etc')).toMatchObject({ exitCode: 5 });
  });
});
