import { readFileSync } from 'node:fs';

/**
 * Address of a symbol of the kernel; undefined when it has none of that name, 0 for a process that may not see addresses.
 *
 * @kernel /proc/kallsyms: address, type, name, and the module in brackets
 */
export function symbolAddress(name: string): bigint | undefined {
  const text = readFileSync('/proc/kallsyms', 'latin1');
  for (let at = text.indexOf(` ${name}`); at >= 0; at = text.indexOf(` ${name}`, at + 1)) {
    const end = text[at + 1 + name.length];
    if (end !== '\n' && end !== '\t') continue;
    return BigInt(`0x${text.slice(text.lastIndexOf('\n', at) + 1, at).split(' ')[0]}`);
  }
  return undefined;
}
