import type { CardView, Column } from '../cli/view.ts';
import type { PacketTest, PacketTestStep } from '../domain/netfilter/index.ts';

const columns: readonly Column<PacketTestStep>[] = [
  { header: 'STEP', value: ({ step }) => step, align: 'left' },
  { header: 'AT', value: ({ at }) => at, shrinkTo: 20 },
  { header: 'ACTION', value: ({ action, assumed }) => (assumed ? `${action} (if it matches)` : action), tone: actionTone, shrinkTo: 16 },
  { header: 'OBJECT', value: ({ object }) => object, shrinkTo: 12, dropOrder: 1 },
  { header: 'BACKEND', value: ({ backend }) => backend, wide: true },
];

function actionTone({ action }: PacketTestStep): 'good' | 'bad' | 'dim' | undefined {
  if (/^(policy )?DROP|^REJECT|^no route/.test(action)) return 'bad';
  if (/^(policy )?ACCEPT/.test(action)) return 'good';
  return undefined;
}

/** What `iptables test` prints: the steps and the verdict. */
export const packetTestView: CardView<PacketTest> = {
  kind: 'PacketTest',
  name: ({ packet }) => `packet/${packet.from}/${packet.to}`,
  lines: () => [],
  sections: ({ steps }) => [{ columns, rows: steps }],
  footer: (test) => ['', `VERDICT  ${verdictLine(test)}`, ...test.notes.map((note) => `NOTE     ${note}`)],
};

/** `DROP at step 4 (1 of 2 backends; the other also drops)`. */
function verdictLine(test: PacketTest): string {
  if (test.verdict === 'undetermined') return `could not tell: ${test.reasons.join('; ')}`;
  const where = test.decidedAt === undefined ? '' : ` at step ${test.decidedAt}`;
  return `${test.verdict.toUpperCase()}${where}${backendsClause(test)}`;
}

function backendsClause({ backends, verdict }: PacketTest): string {
  if (backends === undefined) return '';
  const others = backends.total - 1;
  const plural = verdict === 'accept' ? 'accept' : 'drop';
  return ` (1 of ${backends.total} backends; the other${others === 1 ? '' : 's'} also ${others === 1 ? `${plural}s` : plural})`;
}
