import { readFileSync } from 'node:fs';

/** The kernel's symbols by address, read once; they are searched as text, as few of 100,000 are ever asked for. */
export class KernelSymbols {
  #text: Buffer | undefined;

  /** @param read gives the text, in the form of /proc/kallsyms; zero addresses, without CAP_SYSLOG, lead to nothing */
  constructor(read: () => Buffer = () => readFileSync('/proc/kallsyms')) {
    this.#read = read;
  }

  readonly #read: () => Buffer;

  /** The first symbol at exactly this address. */
  nameAt(address: bigint): string | undefined {
    const text = this.#all();
    const wanted = `${address.toString(16).padStart(16, '0')} `;
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1))
      if (at === 0 || text[at - 1] === NEWLINE) return /^\S+ \S (\S+)/.exec(text.toString('latin1', at, at + MAX_LINE))?.[1];
    return undefined;
  }

  /** Undefined also where the kernel hides its addresses. */
  addressOf(name: string): bigint | undefined {
    const text = this.#all();
    const end = text.indexOf(` ${name}\n`);
    if (end < 0) return undefined;
    const address = BigInt(`0x${text.toString('latin1', end - 18, end - 2)}`);
    return address === 0n ? undefined : address;
  }

  #all(): Buffer {
    this.#text ??= this.#read();
    return this.#text;
  }
}

const NEWLINE = 0x0a;
/** An address, a letter, a name of at most 511 characters. */
const MAX_LINE = 600;
