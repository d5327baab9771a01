import { parseSave, type Backend, type Family } from '../../src/domain/netfilter/index.ts';

/** Packets that each rule (`table/CHAIN#N`) and policy (`table/CHAIN`) counted, those that counted any. */
export function packetCounts(save: string, family: Family, backend: Backend): Map<string, number> {
  const counts = new Map<string, number>();
  const note = (key: string, packets: bigint | undefined): void => {
    if (packets !== undefined && packets > 0n) counts.set(key, Number(packets));
  };
  for (const table of parseSave(save, { family, backend, source: 'save' }).tables) {
    for (const chain of table.chains) {
      note(`${table.name}/${chain.name}`, chain.counters?.packets);
      for (const rule of chain.rules) note(`${table.name}/${chain.name}#${rule.number}`, rule.counters?.packets);
    }
  }
  return counts;
}
