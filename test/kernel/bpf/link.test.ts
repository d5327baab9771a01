import { existsSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SyscallError } from '../../../src/lib/errors.ts';
import {
  attachNetfilter, detachLink, ensureBpffs, isBpffs, linkInfo, loadObject, objectIds, openById, openPin, pin, probeBtf, probeNetfilterLink, type LoadedObject,
} from '../../../src/kernel/bpf/index.ts';
import { inNetns } from '../../../src/kernel/netns/index.ts';
import { bindSocket, openSocket, receive, sendTo, type Fd } from '../../../src/kernel/syscalls/index.ts';
import { socket as uapi } from '../../../src/kernel/uapi/index.ts';
import { run } from '../../../src/tools/index.ts';
import { mountBpffs } from '../../support/bpffs.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireKernel, requireRoot } from '../../support/require.ts';

const NFPROTO_IPV4 = 2;
const LOCAL_IN = 1;
const LOCAL_OUT = 3;
const name = `sl-link-${process.pid}`;
const netns = `/run/netns/${name}`;
let fixtures: Fixtures;
let bpffs: ReturnType<typeof mountBpffs>;
let object: LoadedObject;

beforeAll(async () => {
  requireRoot();
  requireKernel('6.4', 'netfilter links');
  fixtures = new Fixtures();
  bpffs = mountBpffs();
  await run(['ip', 'netns', 'add', name]);
  await run(['ip', 'link', 'set', 'lo', 'up'], { netns });
  object = loadObject(await fixtures.read('netfilter'), 'netfilter', { constants: { dropped_port: 4321 } });
});

afterAll(async () => {
  object.close();
  await run(['ip', 'netns', 'delete', name]);
  await bpffs.unmount();
  fixtures.remove();
});

describe('a netfilter link', () => {
  test('stands in its namespace, and says where', () => {
    using link = attachNetfilter(object.program('judge'), { family: NFPROTO_IPV4, hook: LOCAL_IN, priority: -7 }, netns);
    const info = linkInfo(link);
    expect(info).toMatchObject({ type: 10, programId: object.program('judge').info().id, place: { kind: 'netfilter', family: NFPROTO_IPV4, hook: LOCAL_IN, priority: -7, defrag: false } });
    expect([...objectIds('link')]).toContain(info.id);
    using again = openById('link', info.id)!;
    expect(linkInfo(again)).toEqual(info);
    // Only its own namespace has it: the same place here is free.
    expect(() => attachNetfilter(object.program('judge'), { family: NFPROTO_IPV4, hook: LOCAL_IN, priority: -7 }, netns)).toThrow('BPF_LINK_CREATE judge): EBUSY');
  });

  test('judges real packets until it is detached', () => {
    using link = attachNetfilter(object.program('judge'), { family: NFPROTO_IPV4, hook: LOCAL_OUT, priority: 0 }, netns);
    expect(arrives(4321)).toBe(false);
    expect(arrives(4322)).toBe(true);
    expect(variables()).toMatchObject({ hook: LOCAL_OUT, dropped: 1 });
    detachLink(link);
    expect(arrives(4321)).toBe(true);
  });

  test('pinned, outlives its descriptor; without the pin it is gone', async () => {
    const path = `${bpffs.path}/folder/link`;
    attachTo(path);
    expect(arrives(4321)).toBe(false);
    using link = openPin(path)!;
    expect(linkInfo(link).place).toMatchObject({ kind: 'netfilter', hook: LOCAL_OUT });
    link.close();
    rmSync(path);
    // The kernel lets go of an unpinned link a moment later.
    await expect.poll(() => arrives(4321)).toBe(true);
    expect(openPin(path)).toBeUndefined();
  });
});

describe('pins', () => {
  test('are refused where the name is taken, and outside a bpf file system', () => {
    const { fd } = object.program('judge');
    pin(fd, `${bpffs.path}/taken`);
    expect(() => pin(fd, `${bpffs.path}/taken`)).toThrow(`BPF_OBJ_PIN ${bpffs.path}/taken): EEXIST`);
    expect(() => pin(fd, `${bpffs.path}/taken/below`)).toThrow(/mkdir .*: (ENOTDIR|EEXIST)/);
    expect(() => pin(fd, '/dev/shm/sl-no-bpffs')).toThrow('EPERM');
    expect(existsSync('/dev/shm/sl-no-bpffs')).toBe(false);
  });

  test('need a bpf file system, which is mounted where it is missing', () => {
    expect(isBpffs(bpffs.path)).toBe(true);
    expect(ensureBpffs(bpffs.path)).toBe(bpffs.path);
    expect(readFileSync('/proc/self/mounts', 'latin1').match(new RegExp(` ${bpffs.path} bpf `, 'g'))).toHaveLength(1);
    expect(() => ensureBpffs('/nowhere/bpf')).toThrow(expect.objectContaining({ code: 'SL2301', causes: ['mount bpf on /nowhere/bpf: ENOENT'] }));
  });
});

test('the kernel is asked what it can do', () => {
  expect(probeNetfilterLink()).toEqual({ available: true });
  expect(probeBtf()).toEqual({ available: true });
});

function attachTo(path: string): void {
  using link = attachNetfilter(object.program('judge'), { family: NFPROTO_IPV4, hook: LOCAL_OUT, priority: 0 }, netns);
  pin(link, path);
}

/** Whether a UDP packet from the namespace to itself gets to a socket. Over loopback it is there when the call returns. */
function arrives(port: number): boolean {
  const open = (): Fd => openSocket(uapi.AF_INET, uapi.SOCK_DGRAM, 0);
  using receiver = inNetns(netns, open);
  using sender = inNetns(netns, open);
  const target = Buffer.from([uapi.AF_INET, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  bindSocket(receiver, target);
  try {
    sendTo(sender, Buffer.from('hello'), target);
  } catch (error) {
    // What a hook of the sender drops, the sender hears of.
    if (error instanceof SyscallError && error.errnoName === 'EPERM') return false;
    throw error;
  }
  return receive(receiver, 100)?.toString() === 'hello';
}

function variables(): { hook: number; accepted: number; dropped: number } {
  const bss = object.map('.bss').lookup(Buffer.alloc(4))!;
  return { hook: object.map('.data').lookup(Buffer.alloc(4))!.readUInt32LE(), accepted: bss.readUInt32LE(0), dropped: bss.readUInt32LE(4) };
}
