/** What the figures were measured on. */

import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

/** One line a fact. */
export function describeMachine(): string[] {
  const firstLine = (...argv: string[]): string => execFileSync(argv[0]!, argv.slice(1), { encoding: 'utf8' }).split('\n')[0]!;
  return [
    `${cpus()[0]!.model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
    `node ${process.version}, ${firstLine('iptables-legacy', '--version')}, ${firstLine('nft', '--version')}`,
  ];
}
