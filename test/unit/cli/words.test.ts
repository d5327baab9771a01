import { describe, expect, it } from 'vitest';
import { resolveWords, type Commands } from '../../../src/cli/words.ts';
import { complete } from '../../../src/cli/complete.ts';

const shared = { netns: { name: 'netns', type: 'option' }, output: { name: 'output', char: 'o', type: 'option' }, json: { name: 'json', type: 'boolean' } };
const command = (summary: string, { flags = {}, ...extra }: { flags?: object; aliases?: string[]; args?: object } = {}): object =>
  ({ summary, aliases: [], hiddenAliases: [], args: {}, flags: { ...shared, ...flags }, ...extra });
const commands = {
  'iptables:list': command('List', { aliases: ['iptables:ls'], flags: { backend: { name: 'backend', type: 'option', options: ['legacy', 'nft'], summary: 'Which' } } }),
  'iptables:get': command('Get'),
  'bpf:prog:get': command('Get', { aliases: ['bpf:prog:show'], args: { program: { name: 'program', required: true } } }),
  'bpf:prog:list': command('List', { flags: { type: { name: 'type', type: 'option' } } }),
  version: command('Version'),
} as unknown as Commands;

describe('words', () => {
  it('name a command, also by an alias, and leave the rest', () => {
    expect(resolveWords(['iptables', 'list', 'filter', '-o', 'json'], commands)).toEqual({ id: 'iptables:list', rest: ['filter', '-o', 'json'] });
    expect(resolveWords(['ipt', 'ls'], commands)).toEqual({ id: 'iptables:list', rest: [] });
    expect(resolveWords(['iptables'], commands).id).toBeUndefined();
  });

  it('may stand behind flags of every command', () => {
    expect(resolveWords(['--netns', 'version', '--json', '-o', 'yaml', 'iptables', 'list', 'filter'], commands))
      .toEqual({ id: 'iptables:list', rest: ['--netns', 'version', '--json', '-o', 'yaml', 'filter'] });
    expect(resolveWords(['--netns=x', 'iptables', 'get'], commands)).toEqual({ id: 'iptables:get', rest: ['--netns=x'] });
    expect(resolveWords(['--help'], commands)).toEqual({ id: undefined, rest: ['--help'] });
  });

  it('show what is named, and without a name everything', () => {
    expect(resolveWords(['bpf', 'prog', 'show', '412'], commands)).toEqual({ id: 'bpf:prog:get', rest: ['412'] });
    expect(resolveWords(['bpf', 'prog', 'show', '-o', 'json', '--type', 'xdp'], commands)).toEqual({ id: 'bpf:prog:list', rest: ['-o', 'json', '--type', 'xdp'] });
    expect(resolveWords(['bpf', 'prog', 'show', '--help'], commands).id).toBe('bpf:prog:get');
    expect(resolveWords(['bpf', 'prog', 'get'], commands).id).toBe('bpf:prog:get');
  });

  it('suggest what may have been meant and never run it', () => {
    expect(() => resolveWords(['iptables', 'lst'], commands)).toThrow(expect.objectContaining({ code: 'SL1001', hints: expect.arrayContaining(['sluice iptables list']) }));
    expect(() => resolveWords(['versoin'], commands)).toThrow(expect.objectContaining({ hints: ['sluice version'] }));
  });
});

describe('completion', () => {
  const candidates = async (...words: string[]): Promise<string[]> => {
    const written: string[] = [];
    const write = process.stdout.write;
    process.stdout.write = ((text: string) => written.push(text) > 0) as never;
    try {
      await complete(words, commands, async (kind) => [{ value: `some_${kind}`, text: 'id 7' }, { value: 'other', text: '' }]);
    } finally {
      process.stdout.write = write;
    }
    return written.join('').split('\n').filter((line) => line !== '');
  };

  it('offers topics, commands, flags and values', async () => {
    expect(await candidates('ip')).toEqual(['iptables\t', ':4']);
    expect(await candidates('iptables', '')).toEqual(['list\tList', 'get\tGet', ':4']);
    expect(await candidates('iptables', 'list', '--b')).toEqual(['--backend\tWhich', ':4']);
    expect(await candidates('--netns', 'iptables', 'ip')).toEqual(['iptables\t', ':4']);
    expect(await candidates('iptables', 'list', '--backend', '')).toEqual(['legacy\t', 'nft\t', ':4']);
  });

  it('asks for names of objects only where one is named, and leaves pins to the shell', async () => {
    expect(await candidates('bpf', 'prog', 'get', '')).toEqual(['some_program\tid 7', 'other\t', ':4']);
    expect(await candidates('bpf', 'prog', 'get', 'some')).toEqual(['some_program\tid 7', ':4']);
    expect(await candidates('bpf', 'prog', 'get', '/sys/fs/bpf/')).toEqual([':0']);
    expect(await candidates('bpf', 'prog', 'list', '')).toEqual([':4']);
  });
});
