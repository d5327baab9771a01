/** A table under construction: base chains first, then user chains by name, as `iptables-save` orders them. */
export interface TableWriter {
  declare(chain: string): void;
  /** Appends `-A chain text`; declares the chain when it is new. */
  append(chain: string, text: string): void;
  print(): string;
}

/** Starts a table whose base chains have policy ACCEPT. */
export function writeTable(name: string, baseChains: readonly string[]): TableWriter {
  const rules = new Map<string, string[]>();
  const declare = (chain: string): string[] => {
    const known = rules.get(chain);
    if (known !== undefined) return known;
    const fresh: string[] = [];
    rules.set(chain, fresh);
    return fresh;
  };
  return {
    declare,
    append: (chain, text) => void declare(chain).push(`-A ${chain} ${text}`),
    print: () => {
      const user = [...rules.keys()].filter((chain) => !baseChains.includes(chain)).sort();
      const chains = [...baseChains, ...user];
      const declarations = chains.map((chain) => `:${chain} ${baseChains.includes(chain) ? 'ACCEPT' : '-'} [0:0]`);
      return [`*${name}`, ...declarations, ...chains.flatMap((chain) => rules.get(chain) ?? []), 'COMMIT', ''].join('\n');
    },
  };
}
