import { afterAll, beforeAll, expect, it } from 'vitest';
import { readDriver, readFeatures } from '../../src/kernel/ethtool/index.ts';
import { run } from '../../src/tools/index.ts';
import { requireRoot, requireTool } from '../support/require.ts';

const name = `sl-eth-${process.pid}`;
const netns = `/run/netns/${name}`;

beforeAll(async () => {
  requireRoot();
  requireTool('ethtool');
  await run(['ip', 'netns', 'add', name]);
  await run(['ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1'], { netns });
  await run(['ip', 'link', 'add', 'vx', 'type', 'vxlan', 'id', '5', 'dstport', '4789', 'dev', 'v0'], { netns });
});

afterAll(() => run(['ip', 'netns', 'delete', name]));

it.each(['v0', 'vx'])('features of %s are those of ethtool -k', async (device) => {
  await run(['ethtool', '-K', device, 'tx-checksum-ip-generic', 'off'], { netns });
  const features = readFeatures(device, netns);
  const { stdout } = await run(['ethtool', '-k', device], { netns });
  // ethtool sums some features up under names of its own, which the kernel does not know.
  const printed = [...stdout.matchAll(/^\t?([\w-]+): (on|off)/gm)].map(([, feature, state]) => [feature!, state === 'on'] as const).filter(([feature]) => features.has(feature));
  expect(printed.length).toBeGreaterThan(30);
  expect(printed.filter(([feature, isOn]) => features.get(feature) !== isOn)).toEqual([]);
  expect(features.get('tx-checksum-ip-generic')).toBe(false);
});

it('names the driver', async () => {
  const { stdout } = await run(['ethtool', '-i', 'v0'], { netns });
  expect(stdout).toContain(`driver: ${readDriver('v0', netns)}\n`);
  expect(readDriver('vx', netns)).toBe('vxlan');
});

it('says that a device is not there', () => {
  expect(() => readDriver('nosuch', netns)).toThrow('ioctl(SIOCETHTOOL nosuch): ENODEV');
});
