/** How the running kernel was configured. */

import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';

let config: ReadonlyMap<string, string> | undefined;

/** Options that are set, as they are written: `y`, `m`, a number, a string in quotes. Empty where the kernel does not tell. */
export function kernelConfig(): ReadonlyMap<string, string> {
  config ??= new Map([...readConfig().matchAll(/^(CONFIG_\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]));
  return config;
}

function readConfig(): string {
  const places = ['/proc/config.gz', `/boot/config-${release()}`, `/lib/modules/${release()}/build/.config`];
  const path = places.find((candidate) => existsSync(candidate));
  if (path === undefined) return '';
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
}

/** KERNEL_VERSION(a, b, c), where a patch level above 255 counts as 255. @kernel linux/version.h */
export function kernelVersion(text: string = release()): number {
  const [major = 0, minor = 0, patch = 0] = text.split(/[.-]/, 3).map((part) => Number.parseInt(part, 10) || 0);
  return (major << 16) + (minor << 8) + Math.min(patch, 255);
}
