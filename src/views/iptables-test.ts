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
  lines: ({ packet }) => [['PACKET', packetLine(packet)]],
  sections: ({ steps }) => [{ columns, rows: steps }],
  footer: (test) => [
    `VERDICT  ${verdictLine(test)}`,
    ...atMost(MOST_REASONS, test.reasons).map((reason) => `WHY      ${reason}`),
    ...test.notes.map((note) => `NOTE     ${note}`),
  ],
};

const MOST_REASONS = 6;

function atMost(count: number, lines: readonly string[]): string[] {
  return lines.length <= count ? [...lines] : [...lines.slice(0, count), `and ${lines.length - count} more`];
}

/** `udp 10.20.1.7 -> 10.96.0.10:53 NEW in eth0`. */
function packetLine({ protocol, from, to, state, inInterface }: PacketTest['packet']): string {
  return `${protocol} ${from} -> ${to} ${state}${inInterface === undefined ? '' : ` in ${inInterface}`}`;
}

/** `DROP at step 4 (1 of 2 backends; the other also drops)`. */
function verdictLine(test: PacketTest): string {
  if (test.verdict === 'undetermined') return 'could not tell';
  const where = test.decidedAt === undefined ? ': no filter rule judges it' : ` at step ${test.decidedAt}`;
  return `${test.verdict.toUpperCase()}${where}${backendsClause(test)}`;
}

function backendsClause({ backends, verdict }: PacketTest): string {
  if (backends === undefined) return '';
  const others = backends.total - 1;
  const plural = verdict === 'accept' ? 'accept' : 'drop';
  return ` (1 of ${backends.total} backends; the other${others === 1 ? '' : 's'} also ${others === 1 ? `${plural}s` : plural})`;
}
