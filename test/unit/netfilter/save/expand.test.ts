import { expect, test } from 'vitest';
import { expandRule, parseSave, printRule } from '../../../../src/domain/netfilter/index.ts';

const expand = (rule: string): string[] =>
  parseSave(`*filter\n:INPUT ACCEPT [0:0]\n${rule}\nCOMMIT\n`, { family: 'ipv4', backend: 'legacy', source: 'rules' })
    .tables[0]!.chains[0]!.rules.flatMap(expandRule).map((one) => printRule(one));

test('lists of addresses become one rule for each pair', () => {
  expect(expand('-A INPUT -s 10.0.0.1,10.1.0.9/16 -d 10.2.0.1,10.0.0.9/255.0.0.255 -j DROP')).toEqual([
    '-A INPUT -s 10.0.0.1/32 -d 10.2.0.1/32 -j DROP',
    '-A INPUT -s 10.0.0.1/32 -d 10.0.0.9/255.0.0.255 -j DROP',
    '-A INPUT -s 10.1.0.0/16 -d 10.2.0.1/32 -j DROP',
    '-A INPUT -s 10.1.0.0/16 -d 10.0.0.9/255.0.0.255 -j DROP',
  ]);
});

test('any other rule stays as it is', () => {
  expect(expand('-A INPUT ! -s 10.0.0.1 -j DROP')).toEqual(['-A INPUT ! -s 10.0.0.1 -j DROP']);
});
