/** `vxlan check` and `vxlan capture` as a user runs them. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireRoot } from '../support/require.ts';
import { schemaProblems } from '../support/schema.ts';
import { sluice, sluiceCommand, sluiceEnvironment } from '../support/sluice.ts';
import { VxlanLab } from '../support/vxlan-lab.ts';

let lab: VxlanLab;
let folder: string;

beforeAll(async () => {
  requireRoot();
  folder = mkdtempSync(join(tmpdir(), 'ssh-'));
  lab = await VxlanLab.create('e2e');
  await lab.base();
});

afterAll(async () => {
  await lab.remove();
  rmSync(folder, { recursive: true });
});

const here = (): string[] => ['--netns', lab.name('h1')];
const schemaOf = async (kind: string) => JSON.parse((await sluice(['schema', kind])).stdout) as Record<string, unknown>;

describe('vxlan check', () => {
  it('ends with 0 and a line for each check of a healthy tunnel', async () => {
    const { stdout, stderr, exitCode } = await sluice(['vxlan', 'check', ...here(), '--peer-netns', lab.name('h2')]);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^RESULT {2}healthy\n\nvxlan100 vni 100: here, \S+h2\nCHECK +RESULT +END +DETAIL\nVX001 port-clash +ok +- +Nobody else/);
    expect(stdout).toMatch(/\nvxlan100: 0 failed, 0 warnings\n$/);
    expect(exitCode).toBe(0);
  });

  it('ends with 1, names the finding and its fix, in text, JSON and junit', async () => {
    await lab.ip('h1', ['link set vxlan100 mtu 1400']);
    const argv = ['vxlan', 'check', 'vxlan100', ...here(), '--static', '--peer-netns', lab.name('h2')];
    const [text, json, junit] = await Promise.all([sluice(argv), sluice([...argv, '-o', 'json']), sluice([...argv, '-o', 'junit'])]);
    await lab.ip('h1', ['link set vxlan100 mtu 1450']);
    expect([text, json, junit].map(({ exitCode }) => exitCode)).toEqual([1, 1, 1]);
    expect(text.stdout).toMatch(/VX031 mtu-differs +WARN +\S+h2 +MTU 1450 of vxlan100 of \S+, 1400 of vxlan100/);
    expect(text.stdout).toMatch(/fix VX031 at \S+h2: {2}ip link set dev vxlan100 mtu 1400\n/);
    expect(schemaProblems(await schemaOf('VxlanCheck'), JSON.parse(json.stdout))).toEqual([]);
    expect(junit.stdout).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites tests="\d+" failures="1" skipped="\d+">/);
    expect(junit.stdout).toContain('<testcase classname="vxlan vxlan100" name="VX031 mtu-differs: Both ends have the same MTU">\n      <failure message="MTU 1450');
  });

  it('asks the other end by ssh, with plain words only', async () => {
    // In place of ssh: what stands behind the host's name runs in the other namespace, as a shell there would run it.
    const ssh = join(folder, 'ssh');
    writeFileSync(ssh, `#!/bin/sh\n[ "$1 $3 $5" = "-o -o --" ] || exit 255\n[ "$6" = "root@node2" ] || exit 255\nshift 7\nexec nsenter --net=${lab.path('h2')} -- ${sluiceCommand([])[0]} "$@"\n`);
    chmodSync(ssh, 0o755);
    const env = { PATH: `${folder}:${process.env['PATH']}` };
    const { stdout, exitCode } = await sluice(['vxlan', 'check', 'vxlan100', ...here(), '--peer-ssh', 'root@node2'], { env });
    expect(stdout).toContain('vxlan100 vni 100: here, root@node2\n');
    expect(exitCode).toBe(0);
    const unreachable = await sluice(['vxlan', 'check', 'vxlan100', ...here(), '--peer-ssh', 'root@other'], { env });
    expect(unreachable.exitCode).toBe(3);
    expect((await sluice(['vxlan', 'check', 'vxlan100', ...here(), '--peer-ssh', '-oProxyCommand=x'], { env })).exitCode).toBe(2);
    expect((await sluice(['vxlan', 'check', 'vxlan100', ...here(), '--peer-ssh', 'a;reboot'], { env })).exitCode).toBe(2);
  });

  it('prints an audit that has its schema', async () => {
    const { stdout, exitCode } = await sluice(['vxlan', 'check', 'vxlan100', ...here(), '--audit', '-o', 'json']);
    expect(exitCode).toBe(0);
    expect(schemaProblems(await schemaOf('VxlanAudit'), JSON.parse(stdout))).toEqual([]);
    expect(JSON.parse(stdout)).toMatchObject({ audit: { tunnel: { name: 'vxlan100', vni: 100, port: 4789, local: '172.30.0.1' }, remotes: [{ address: '172.30.0.2', configured: true }] } });
  });

  it.each([
    [['nosuch'], 5, 'there is no interface nosuch'],
    [['eth0'], 5, 'eth0 is no VXLAN device'],
    [['vxlan100', '--peer', '192.0.2.1'], 2, 'does not send to 192.0.2.1'],
    [['vxlan100', '--peer-netns', 'nosuch'], 5, 'no network namespace nosuch'],
    [['--audit'], 2, '--audit needs the name'],
    [['vxlan100', '--static', '--interval', '1s'], 2, 'interval'],
  ])('%j ends with %i', async (words, code, text) => {
    const { stderr, stdout, exitCode } = await sluice(['vxlan', 'check', ...words, ...here()]);
    expect(stderr).toContain(text);
    expect([stdout, exitCode]).toEqual(['', code]);
  });

  it('ends with 3 when nothing was found but the firewall could not be read, and with 4 when packets may not be sent', async () => {
    const nobody = (...words: string[]) => spawnSync('nsenter', [`--net=${lab.path('h1')}`, '--', 'setpriv', '--reuid=65534', '--clear-groups', ...sluiceCommand(['vxlan', 'check', ...words])], { env: sluiceEnvironment(), encoding: 'utf8' });
    const reading = nobody('--static');
    expect(reading.stdout).toMatch(/^RESULT {2}healthy\n/);
    expect(reading.stdout).not.toContain('VX014');
    expect(reading.stderr).toContain('cannot tell whether the tunnel is healthy');
    expect(reading.status).toBe(3);
    expect(nobody()).toMatchObject({ stdout: '', status: 4 });
  });

  it('says that there is nothing to check, and which other commands know no junit', async () => {
    expect(await sluice(['vxlan', 'check', '--netns', lab.name('sw')])).toMatchObject({ exitCode: 5, stdout: '' });
    expect(await sluice(['vxlan', 'list', '-o', 'junit'])).toMatchObject({ exitCode: 2, stdout: '' });
  });
});

describe('vxlan capture', () => {
  it('ends on Ctrl-C with 0 and a summary, one object a line with -o json', async () => {
    const [file = '', ...args] = sluiceCommand(['vxlan', 'capture', 'vxlan100', 'icmp', ...here(), '-o', 'json']);
    const child = spawn(file, args, { env: sluiceEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    while (stdout === '') {
      await sluice(['vxlan', 'check', 'vxlan100', ...here()]);
      await sleep(50);
    }
    child.kill('SIGINT');
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(0);
    expect(stderr).toMatch(/^\d+ packets?(, \d+ not matched)?, 0 lost\n$/);
    const [first = ''] = stdout.split('\n');
    expect(schemaProblems(await schemaOf('VxlanPacket'), JSON.parse(first))).toEqual([]);
    expect(JSON.parse(first)).toMatchObject({ device: 'eth0', text: expect.stringContaining('172.30.0.1 > 172.30.0.2 vni 100 | ') as string });
  });

  it('refuses a filter with its column, and formats that need an end', async () => {
    expect(await sluice(['vxlan', 'capture', 'vxlan100', 'port http', ...here()])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('filter:1:6') as string });
    expect(await sluice(['vxlan', 'capture', 'vxlan100', ...here(), '-o', 'yaml'])).toMatchObject({ exitCode: 2, stdout: '' });
    expect(await sluice(['vxlan', 'capture', 'nosuch', ...here()])).toMatchObject({ exitCode: 5, stdout: '' });
    expect(await sluice(['vxlan', 'capture', 'vxlan100', '-w', join(folder, 'no/such.pcap'), ...here()])).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('cannot write') as string });
  });
});

describe('vxlan watch', () => {
  it('prints a line a tunnel, and objects that have their schema', async () => {
    const argv = ['vxlan', 'watch', ...here(), '--interval', '100ms', '--count', '1'];
    const { stdout, exitCode } = await sluice(argv);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^TUNNEL +REMOTE +TX-PKT\/S +RX-PKT\/S +TX-BYTE\/S +RX-BYTE\/S +DROP\/S +MOVE\/S +REASONS\nvxlan100 +- +[\d.]+ +[\d.]+ /);
    const json = await sluice([...argv, '-o', 'json']);
    expect(schemaProblems(await schemaOf('VxlanTraffic'), JSON.parse(json.stdout))).toEqual([]);
    expect((await sluice(['vxlan', 'watch', 'nosuch', ...here()])).exitCode).toBe(5);
  });
});
