/** A tunnel of ours beside one of `ip link` with the same attributes: they are the same device. */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Netns, sluice, tempState } from '../../support/sluice.ts';
import { withUnderlay } from '../../support/underlay.ts';
import { figure, formatTable } from '../table.ts';
import type { Bench } from '../topic.ts';

const TURNS = 5;
const STREAM = join(import.meta.dirname, '../stream.ts');

interface Rate {
  mbitPerSecond: number;
  roundTripUs: number;
}

export const bench: Bench = ({ say }) => withUnderlay('bt', async (left, right) => {
  for (const [number, netns] of [left, right].entries()) await makeBoth(netns, number + 1);
  if (shown(left, 'ours') !== shown(left, 'theirs')) throw new Error(`not the same device:\n${shown(left, 'ours')}\n${shown(left, 'theirs')}`);
  say('`ip -d -j link` shows the same for both, but for name, number, VNI and address.\n');
  const rates: Record<'underlay' | 'ours' | 'theirs', Rate[]> = { underlay: [], ours: [], theirs: [] };
  for (let turn = 0; turn < TURNS; turn++) {
    rates.underlay.push(await measure(left, right, '10.0.0.2'));
    rates.ours.push(await measure(left, right, '10.201.0.2'));
    rates.theirs.push(await measure(left, right, '10.202.0.2'));
  }
  const medians = Object.entries(rates).map(([name, all]) => ({ name, mbitPerSecond: median(all.map(({ mbitPerSecond }) => mbitPerSecond)), roundTripUs: median(all.map(({ roundTripUs }) => roundTripUs)) }));
  say(formatTable(['PATH', 'Mbit/s', 'round trip us'], medians.map(({ name, mbitPerSecond, roundTripUs }) => [name, figure(mbitPerSecond), figure(roundTripUs)])));
  return medians;
});

async function makeBoth(netns: Netns, number: number): Promise<void> {
  const [local, remote] = [`10.0.0.${number}`, `10.0.0.${3 - number}`];
  const state = tempState();
  const { stderr, exitCode } = await sluice(['vxlan', 'create', 'ours', '--vni', '1', '--local', local, '--dev', 'eth0', '--remote', remote, '--address', `10.201.0.${number}/24`], { netns: netns.name, env: state.env });
  state.close();
  if (exitCode !== 0) throw new Error(stderr);
  netns.run(['ip', 'link', 'add', 'theirs', 'type', 'vxlan', 'id', '2', 'local', local, 'dev', 'eth0', 'remote', remote, 'dstport', '4789']);
  netns.run(['ip', 'address', 'add', `10.202.0.${number}/24`, 'dev', 'theirs']);
  netns.run(['ip', 'link', 'set', 'theirs', 'alias', 'sluice', 'up']);
}

/** A device without what no two share. */
function shown(netns: Netns, name: string): string {
  const [link] = JSON.parse(netns.run(['ip', '-d', '-j', 'link', 'show', 'dev', name])) as { ifname: unknown; ifindex: unknown; address: unknown; linkinfo: { info_data: { id: unknown } } }[];
  const { ifname: _name, ifindex: _index, address: _address, ...rest } = link!;
  return JSON.stringify({ ...rest, linkinfo: { ...rest.linkinfo, info_data: { ...rest.linkinfo.info_data, id: undefined } } });
}

async function measure(from: Netns, to: Netns, address: string): Promise<Rate> {
  const server = spawn('nsenter', [`--net=${to.path}`, '--', process.execPath, STREAM, 'serve'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(server.stdout, 'data');
  const rate = JSON.parse(execFileSync('nsenter', [`--net=${from.path}`, '--', process.execPath, STREAM, 'measure', address], { encoding: 'utf8' })) as Rate;
  await once(server, 'exit');
  return rate;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
