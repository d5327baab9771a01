import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireRoot, requireTool } from '../support/require.ts';
import { schemaProblems } from '../support/schema.ts';
import { sluice, tempState, withNetns, type Netns, type SluiceResult, type TempState } from '../support/sluice.ts';

const FIXTURES = join(dirname(import.meta.dirname), 'fixtures/bpf');
const folder = mkdtempSync(join(tmpdir(), 'compile-'));
const cache = join(folder, 'cache');

beforeAll(() => {
  requireRoot();
  requireTool('clang');
});
afterAll(() => rmSync(folder, { recursive: true }));

const compile = (...words: string[]): Promise<SluiceResult> => sluice(['bpf', 'compile', ...words], { cwd: folder, env: { SLUICE_CACHE_DIR: cache } });

/** Compiles a fixture and gives its object. */
async function compiled(name: string): Promise<Buffer> {
  const { exitCode, stderr } = await compile(join(FIXTURES, `${name}.bpf.c`), '-o', `${name}.bpf.o`);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return readFileSync(join(folder, `${name}.bpf.o`));
}

/** Two namespaces with a cable: 10.99.0.1 and .3 on one end, 10.99.0.2 on the other. */
const withCable = (use: (left: Netns, right: Netns) => Promise<void>): Promise<void> =>
  withNetns('cl', (left) => withNetns('cr', async (right) => {
    left.run(['ip', 'link', 'add', 'cable0', 'type', 'veth', 'peer', 'name', 'cable1', 'netns', right.name]);
    for (const [netns, end, addresses] of [[left, 'cable0', ['10.99.0.1/24', '10.99.0.3/24']], [right, 'cable1', ['10.99.0.2/24']]] as const) {
      for (const address of addresses) netns.run(['ip', 'address', 'add', address, 'dev', end]);
      netns.run(['ip', 'link', 'set', end, 'up']);
    }
    await use(left, right);
  }));

/** Sends `count` datagrams to a port of the other end that nobody listens on. */
const sendUdp = (netns: Netns, source: string, count: number): string => netns.run([process.execPath, '-e', `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('error', () => undefined);
  socket.bind(0, '${source}', async () => {
    for (let i = 0; i < ${count}; i++) await new Promise((sent) => socket.send('x', 9999, '10.99.0.2', sent));
    socket.close();
  });`]);

/** The other end answers a connection to a closed port with a reset. */
const connectTcp = (netns: Netns): string => netns.run([process.execPath, '-e', `
  require('node:net').connect(9999, '10.99.0.2').on('error', ({ code }) => process.stdout.write(code)).setTimeout(5000, () => process.exit(1));`]);

/** Datagrams that came to ports where nobody listens. */
function arrived(netns: Netns): number {
  const [names, values] = netns.run(['cat', '/proc/net/snmp']).split('\n').filter((line) => line.startsWith('Udp:')).map((line) => line.split(' '));
  return Number(values![names!.indexOf('NoPorts')]);
}

describe('the programs that everybody begins with, from C to packets', () => {
  let state: TempState;
  beforeAll(() => {
    state = tempState();
  });
  afterAll(() => state.close());

  /** Loads an object, attached to the right end of the cable; gives the id of the change. */
  async function load(object: string, netns: Netns): Promise<string> {
    const { stdout, stderr, exitCode } = await sluice(
      ['bpf', 'prog', 'load', join(folder, object), '--attach', 'xdp:cable1', '--netns', netns.name, '--yes', '-o', 'json'], { env: state.env },
    );
    expect(exitCode, stderr).toBe(0);
    return (JSON.parse(stdout) as { change: string }).change;
  }

  test('drop all UDP and nothing else, until the change is rolled back', async () => {
    await compiled('drop-udp');
    await withCable(async (left, right) => {
      sendUdp(left, '10.99.0.1', 3);
      expect(arrived(right)).toBe(3);
      const change = await load('drop-udp.bpf.o', right);
      sendUdp(left, '10.99.0.1', 5);
      expect(arrived(right)).toBe(3);
      expect(connectTcp(left)).toBe('ECONNREFUSED');
      expect((await sluice(['change', 'rollback', change, '--yes'], { env: state.env })).exitCode).toBe(0);
      sendUdp(left, '10.99.0.1', 2);
      expect(arrived(right)).toBe(5);
    });
  });

  test('count packets by source address', async () => {
    await compiled('count-packets');
    await withCable(async (left, right) => {
      const change = await load('count-packets.bpf.o', right);
      sendUdp(left, '10.99.0.1', 4);
      sendUdp(left, '10.99.0.3', 7);
      const map = join(state.env.SLUICE_BPFFS, 'sluice/programs/count-packets/maps/packet_count');
      const { stdout } = await sluice(['bpf', 'map', 'dump', map, '--as', 'key=ipv4', '-o', 'json'], { env: state.env });
      const { items } = JSON.parse(stdout) as { items: { key: { display: string }; value: { decoded: number } }[] };
      expect(Object.fromEntries(items.map(({ key, value }) => [key.display, value.decoded]))).toEqual({ '10.99.0.1': 4, '10.99.0.3': 7 });
      expect(arrived(right)).toBe(11);
      await sluice(['change', 'rollback', change, '--yes'], { env: state.env });
    });
  });
});

describe('bpf compile', () => {
  test('compiles the program of the README without a complaint', async () => {
    const [, program = ''] = /```c\n([\s\S]*?)```/.exec(readFileSync(join(dirname(dirname(import.meta.dirname)), 'README.md'), 'utf8'))!;
    writeFileSync(join(folder, 'readme.bpf.c'), program);
    const { exitCode, stdout, stderr } = await compile('readme.bpf.c');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^xdp_drop_udp +xdp$/m);
  });

  test('says what it made, in the current folder', async () => {
    const { stdout } = await compile(join(FIXTURES, 'count-packets.bpf.c'), '-o', 'json');
    const schema = JSON.parse((await sluice(['schema', 'BpfCompilation'])).stdout) as Record<string, unknown>;
    expect(schemaProblems(schema, JSON.parse(stdout))).toEqual([]);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'BpfCompilation', object: 'count-packets.bpf.o', programs: [{ name: 'count_packets', section: 'xdp' }], maps: ['packet_count'], warnings: [],
    });
    expect(statSync(join(folder, 'count-packets.bpf.o')).size).toBeGreaterThan(1000);
  });

  test.each([[['-o', 'one.o']], [['-oone.o']], [['--output', 'one.o']], [['--output=one.o']], [['--out', 'one.o']], [['-o', 'one.o', '-o', 'json']]])('takes %j for the object', async (words) => {
    rmSync(join(folder, 'one.o'), { force: true });
    const { exitCode, stdout } = await compile(join(FIXTURES, 'drop-udp.bpf.c'), ...words);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('one.o')]);
    expect(statSync(join(folder, 'one.o')).isFile()).toBe(true);
  });

  test('keeps vmlinux.h where nobody else can write, and trusts none that others could', async () => {
    await compiled('count-packets');
    const [digest = ''] = readdirSync(join(cache, 'headers'));
    const header = join(cache, 'headers', digest, 'vmlinux.h');
    const made = statSync(header);
    await compiled('count-packets');
    expect(statSync(header).mtimeMs).toBe(made.mtimeMs);
    writeFileSync(header, '#error not this one', { mode: 0o666 });
    chmodSync(header, 0o666);
    await compiled('count-packets');
    expect(statSync(header)).toMatchObject({ size: made.size, mode: 0o100644 });
  });

  test('does without a cache where others could write into it, or where there can be none', async () => {
    const open = join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    for (const place of [open, '/proc/none']) {
      const { exitCode, stderr } = await sluice(['bpf', 'compile', join(FIXTURES, 'count-packets.bpf.c')], { cwd: folder, env: { SLUICE_CACHE_DIR: place } });
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    }
    expect(readdirSync(open)).toEqual([]);
  });

  test('passes on errors with file and line, and names the #include that is missing', async () => {
    const text = readFileSync(join(FIXTURES, 'drop-udp.bpf.c'), 'utf8').replace(/#include <(bpf|arpa).*\n/g, '');
    writeFileSync(join(folder, 'bare.bpf.c'), text);
    const { exitCode, stdout, stderr } = await compile('bare.bpf.c');
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: bare\.bpf\.c:\d+:\d+: /);
    expect(stderr).toContain("bare.bpf.c:28:25: error: use of undeclared identifier 'IPPROTO_UDP'");
    expect(stderr).toContain('add  #include <bpf/bpf_helpers.h>  for SEC, behind <linux/bpf.h> or "vmlinux.h"');
    expect(stderr).toContain('add  #include <arpa/inet.h>  for htons, IPPROTO_UDP; or use bpf_htons');
    expect(stderr).toContain('SL2451');
  });

  test('passes on warnings of a program that compiles', async () => {
    writeFileSync(join(folder, 'unused.bpf.c'), 'int f(void) { int unused; return 0; }\n');
    const { exitCode, stderr } = await compile('unused.bpf.c');
    expect([exitCode, stderr]).toEqual([0, "warning: unused.bpf.c:1:19: warning: unused variable 'unused' [-Wunused-variable]\n"]);
  });

  test('takes macros and folders of headers', async () => {
    writeFileSync(join(folder, 'limit.h'), 'int limit = LIMIT;\n');
    writeFileSync(join(folder, 'limit.bpf.c'), '#include <limit.h>\n');
    expect((await compile('limit.bpf.c', '-I', folder, '--define', 'LIMIT=5')).exitCode).toBe(0);
    expect((await compile('limit.bpf.c', '-D', 'LIMIT=5')).stderr).toContain("'limit.h' file not found");
  });

  test('does not write over its source, and needs one', async () => {
    writeFileSync(join(folder, 'odd.o'), 'int a;');
    expect((await compile('odd.o', '-o', 'odd.o')).exitCode).toBe(2);
    expect((await compile('absent.bpf.c')).stderr).toContain('SL1102');
  });
});
