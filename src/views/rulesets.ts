import type { CardView } from '../cli/view.ts';
import type { ExportedRules } from '../domain/netfilter/index.ts';

/** The parsed model, for machines; people get the text itself. */
export const rulesetsView: CardView<ExportedRules> = {
  kind: 'IptablesRulesets',
  name: () => 'rulesets',
  lines: ({ rulesets }) => rulesets.map(({ family, backend, tables }) => [family, `${backend}: ${tables.map(({ name }) => name).join(', ')}`]),
  json: ({ rulesets }) => ({
    rulesets: rulesets.map(({ family, backend, source, tables }) => ({
      family, backend, source, tables: tables.map(({ name, chains }) => ({ name, chains })),
    })),
  }),
};
