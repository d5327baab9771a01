import type { Container, HolderProcess } from './holder.ts';

/** Where a process runs, from the text of `/proc/PID/cgroup`. */
export function readCgroup(text: string): Pick<HolderProcess, 'cgroup' | 'unit' | 'container'> {
  const path = choosePath(text);
  if (path === undefined) return {};
  const unit = path.split('/').findLast((part) => /\.(service|scope|slice)$/.test(part));
  const container = containerOf(path);
  return { cgroup: path, ...(unit === undefined ? {} : { unit }), ...(container === undefined ? {} : { container }) };
}

/** The unified hierarchy; where that is not in use, the one of systemd, else the deepest of the others. */
function choosePath(text: string): string | undefined {
  const lines = text.split('\n').flatMap((line) => {
    const [, id, controllers, path] = /^(\d+):([^:]*):(\/.+)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ id, controllers, path }];
  });
  const best = lines.find(({ id }) => id === '0') ?? lines.find(({ controllers }) => controllers === 'name=systemd');
  return (best ?? lines.sort((a, b) => b.path.length - a.path.length)[0])?.path;
}

const RUNTIMES: Readonly<Record<string, string>> = {
  'cri-containerd': 'containerd', containerd: 'containerd', docker: 'docker', crio: 'cri-o', libpod: 'podman',
};

/** `…/cri-containerd-ID.scope`, `/docker/ID`, `/kubepods/…/podUID/ID`: an id has 64 hexadecimal digits. */
function containerOf(path: string): Container | undefined {
  const [, prefix, id] = /(?:^|[/:])(?:([a-z-]+?)[-/])?([0-9a-f]{64})(?:\.scope)?(?:\/|$)/.exec(path) ?? [];
  if (id === undefined) return undefined;
  const runtime = RUNTIMES[prefix ?? ''];
  const pod = /pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})/.exec(path)?.[1]?.replaceAll('_', '-');
  return { id: id.slice(0, 12), ...(runtime === undefined ? {} : { runtime }), ...(pod === undefined ? {} : { pod }) };
}
