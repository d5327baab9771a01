import type { OpaqueMatch } from '../../model.ts';
import { textOptions, optionValue } from './options.ts';

/**
 * The share of packets for which a `statistic` match holds, 0 to 1; undefined when the text is not understood.
 *
 * @kernel net/netfilter/xt_statistic.c
 */
export function statisticChance(match: OpaqueMatch): number | undefined {
  const options = textOptions(match.text);
  const chance = optionValue(options, '--mode') === 'random'
    ? Number(optionValue(options, '--probability'))
    : 1 / Number(optionValue(options, '--every'));
  if (!(chance >= 0 && chance <= 1)) return undefined;
  return options.some(({ negated }) => negated) ? 1 - chance : chance;
}
