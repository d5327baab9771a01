/** The two ways to hear what the kernel throws away, beside each other. */

import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DropWatch, TracedDrops } from '../../../src/domain/vxlan/check/drops/watch.ts';
import { run } from '../../../src/tools/index.ts';
import { requireRoot } from '../../support/require.ts';
import { withNetns } from '../../support/sluice.ts';

let mount: string;

beforeAll(async () => {
  requireRoot();
  mount = mkdtempSync(join(tmpdir(), 'tracefs-'));
  await run(['mount', '-t', 'tracefs', 'tracefs', mount]);
});

afterAll(async () => {
  await run(['umount', mount]);
  rmdirSync(mount);
});

/** Sends datagrams to the port of a tunnel with VNI 77 where nobody listens. */
const SEND = 'import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\nfor i in range(5): s.sendto(bytes.fromhex("0800000000004d00")+b"x"*30,("127.0.0.1",4789))';

it('a program says what was dropped, where and why; the tracepoint\'s text says why', async () => {
  await withNetns('drops', async (netns) => {
    await withNetns('other', (other) => {
      using watch = new DropWatch([netns.path], 4789);
      using traced = new TracedDrops();
      netns.run(['python3', '-c', SEND]);
      other.run(['python3', '-c', SEND]);
      expect(watch.read(netns.path).filter(({ port }) => port === 4789)).toEqual([{ reason: 'NO_SOCKET', packets: 5, device: 'lo', transport: 17, port: 4789, vni: 77 }]);
      expect(watch.read(other.path)).toEqual([]);
      expect(watch.lost).toBe(0);
      expect(traced.read().find(({ reason }) => reason === 'NO_SOCKET')!.packets).toBeGreaterThanOrEqual(10);
    });
  });
});
