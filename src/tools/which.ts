import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { UnsupportedError } from '../lib/errors.ts';

/** Debian package of a program, where it is not called like the program. */
const PACKAGES: Readonly<Record<string, string>> = {
  nft: 'nftables', ip: 'iproute2', bridge: 'iproute2', tc: 'iproute2', ss: 'iproute2', nsenter: 'util-linux', nc: 'netcat-openbsd',
  'systemd-run': 'systemd', systemctl: 'systemd', ssh: 'openssh-client', kubectl: 'kubernetes-client',
};
const ADMIN_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Absolute path of a program, also where only administrators look; undefined when it is not installed. */
export function which(name: string): string | undefined {
  if (name.startsWith('/')) return isExecutable(name) ? name : undefined;
  return searchPath().map((directory) => join(directory, name)).find(isExecutable);
}

/** Absolute path of a program. @throws UnsupportedError SL2201 when it is not installed, naming the Debian package. */
export function need(name: string): string {
  const path = which(name);
  if (path !== undefined) return path;
  throw new UnsupportedError(`the program ${name} is not installed; this command`, { needs: 'it', code: 'SL2201', hints: [`apt-get install ${packageOf(name)}`] });
}

const packageOf = (name: string): string => PACKAGES[name] ?? (/^ip6?tables/.test(name) ? 'iptables' : name);

/** Directories to look in: the caller's, except relative ones, then those of administrators. */
export function searchPath(): string[] {
  const inherited = (process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter).filter((directory) => directory.startsWith('/'));
  return [...inherited, ...ADMIN_DIRECTORIES.filter((directory) => !inherited.includes(directory))];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
