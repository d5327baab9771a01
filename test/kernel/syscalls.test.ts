import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inNetns, inNewNetns, netnsInode, resolveNetns } from '../../src/kernel/netns/index.ts';
import { bindSocket, call, errnoName, Fd, mapShared, openFileSystem, openSocket, receive, sendTo, setSocketOption, tryLock } from '../../src/kernel/syscalls/index.ts';
import { socket as uapi } from '../../src/kernel/uapi/index.ts';
import { run } from '../../src/tools/index.ts';
import { requireRoot } from '../support/require.ts';

let folder: string;

beforeAll(() => {
  requireRoot();
  folder = mkdtempSync(join(tmpdir(), 'syscalls-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('a refused call says which one and why', () => {
  expect(() => call('setns', 'setns', -1, 0)).toThrow('setns: EBADF');
});

test('a descriptor is closed once, and its number is not handed out afterwards', () => {
  const fd = Fd.open('/dev/null');
  const { number } = fd;
  fd.close();
  fd.close();
  expect(existsSync(`/proc/self/fd/${number}`)).toBe(false);
  expect(() => fd.number).toThrow('after it was closed');
  expect(() => closeSync(number)).toThrow('EBADF');
});

test('a missing file is a system call that failed', () => {
  expect(() => Fd.open('/nowhere')).toThrow('open /nowhere: ENOENT');
});

test('a lock is held by one descriptor at a time and ends with it', () => {
  const path = join(folder, 'lock');
  writeFileSync(path, '');
  using second = Fd.open(path);
  {
    using first = Fd.open(path);
    expect(tryLock(first)).toBe(true);
    expect(tryLock(second)).toBe(false);
  }
  expect(tryLock(second)).toBe(true);
});

describe('mappings', () => {
  test('show the file, and are empty once they are unmapped', () => {
    const path = join(folder, 'mapped');
    writeFileSync(path, 'what the file holds');
    using fd = Fd.open(path);
    const mapping = mapShared(fd, 4096, { writable: false });
    expect(mapping.bytes.toString('latin1', 0, 19)).toBe('what the file holds');
    expect(readFileSync('/proc/self/maps', 'latin1')).toContain(path);
    mapping.unmap();
    mapping.unmap();
    expect(readFileSync('/proc/self/maps', 'latin1')).not.toContain(path);
    expect(mapping.bytes.length).toBe(0);
  });

  test('are refused for writing where the descriptor is only for reading', () => {
    using fd = Fd.open(join(folder, 'mapped'));
    expect(() => mapShared(fd, 4096, { writable: true })).toThrow('mmap: EACCES');
  });
});

describe('network namespaces', () => {
  const name = `sl-sys-${process.pid}`;

  beforeAll(() => run(['ip', 'netns', 'add', name]));
  afterAll(() => run(['ip', 'netns', 'delete', name]));

  test('are entered by name and left again, also after an error', () => {
    const home = netnsInode();
    const { path, label } = resolveNetns(name);
    expect([path, label]).toEqual([`/run/netns/${name}`, name]);
    expect(inNetns(path, () => netnsInode())).toBe(netnsInode(path));
    expect(() => inNetns(path, () => { throw new Error('inside'); })).toThrow('inside');
    expect(netnsInode()).toBe(home);
  });

  test('are found by path and by process id', () => {
    expect(resolveNetns(`/run/netns/${name}`).path).toBe(`/run/netns/${name}`);
    expect(netnsInode(resolveNetns(String(process.pid)).path)).toBe(netnsInode());
  });

  test('that do not exist are not found, and other files are refused', () => {
    expect(() => resolveNetns('sl-no-such')).toThrow('no network namespace sl-no-such');
    expect(() => inNetns('/etc/hostname', () => 0)).toThrow('setns /etc/hostname: EINVAL');
  });

  test('can be made for one piece of work', () => {
    const home = netnsInode();
    expect(inNewNetns(() => readFileSync('/proc/thread-self/net/dev', 'latin1').match(/^ *\w+:/gm))).toEqual(['    lo:']);
    expect(netnsInode()).toBe(home);
  });

  test('keep the sockets that were opened in them: a raw frame reaches the packet socket of its namespace', async () => {
    await run(['ip', 'link', 'set', 'lo', 'up'], { netns: `/run/netns/${name}` });
    const all = (uapi.ETH_P_ALL >> 8) | ((uapi.ETH_P_ALL & 255) << 8);
    const open = (): Fd => openSocket(uapi.AF_PACKET, uapi.SOCK_RAW, all);
    using there = inNetns(`/run/netns/${name}`, open);
    using here = open();
    const loopback = packetAddress(1, all);
    bindSocket(there, loopback);
    setSocketOption(there, uapi.SOL_SOCKET, uapi.SO_RCVBUF, 1 << 20);
    const frame = Buffer.from(`000000000000 000000000000 88b5 ${Buffer.from('a frame of our own').toString('hex')}`.replaceAll(' ', ''), 'hex');
    expect(sendTo(there, frame, loopback)).toBe(frame.length);
    expect(receive(there, 2048)).toEqual(frame);
    expect(drain(here)).not.toContainEqual(frame);
    drain(there);
    expect(receive(there, 2048)).toBeUndefined();
  });
});

/** `struct sockaddr_ll` */
function packetAddress(ifindex: number, protocol: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16LE(uapi.AF_PACKET, 0);
  bytes.writeUInt16LE(protocol, 2);
  bytes.writeUInt32LE(ifindex, 4);
  return bytes;
}

function drain(socket: Fd): Buffer[] {
  const frames: Buffer[] = [];
  for (let frame = receive(socket, 2048); frame !== undefined; frame = receive(socket, 2048)) frames.push(frame);
  return frames;
}

test('a file system is read without being mounted anywhere', () => {
  const mounts = readFileSync('/proc/self/mounts', 'latin1');
  using tracing = openFileSystem('tracefs');
  expect(readFileSync(`/proc/self/fd/${tracing.number}/events/syscalls/sys_enter_openat/id`, 'latin1')).toMatch(/^\d+\n$/);
  expect(readFileSync('/proc/self/mounts', 'latin1')).toBe(mounts);
  expect(() => openFileSystem('no-such-fs')).toThrow('fsopen no-such-fs: ENODEV');
});

test.each([[1, 'EPERM'], [95, 'EOPNOTSUPP'], [116, 'ESTALE'], [524, 'ENOTSUPP']])('error %i is %s', (errno, name) => expect(errnoName(errno)).toBe(name));
