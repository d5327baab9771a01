/** How the traffic of tunnels looks while it is watched. */

import type { LiveView } from '../cli/view.ts';
import type { TrafficSample } from '../domain/vxlan/index.ts';

/** Widths of the columns; a longer value pushes the rest. */
const WIDTHS = [15, 24, 10, 10, 12, 12, 8, 7] as const;
const HEADERS = ['TUNNEL', 'REMOTE', 'TX-PKT/S', 'RX-PKT/S', 'TX-BYTE/S', 'RX-BYTE/S', 'DROP/S', 'MOVE/S', 'REASONS'];

/** Names to the left, numbers to the right. */
const lineOf = (cells: readonly (string | number)[]): string =>
  cells.map((cell, i) => (i < 2 ? String(cell).padEnd(WIDTHS[i]!) : String(cell).padStart(WIDTHS[i] ?? 0))).join('  ').trimEnd();

/** One line a tunnel, then one for each remote that sent or received something. */
export const vxlanTrafficView: LiveView<TrafficSample> = {
  kind: 'VxlanTraffic',
  header: () => lineOf(HEADERS),
  lines: ({ tunnel, sent, received, drops, moves, reasons, remotes }) => [
    lineOf([tunnel, '-', sent.packets, received.packets, sent.bytes, received.bytes, drops, moves, reasonText(reasons)]),
    ...remotes.filter((one) => one.sent.packets + one.received.packets > 0)
      .map((one) => lineOf([tunnel, one.address, one.sent.packets, one.received.packets, one.sent.bytes, one.received.bytes, '-', '-', '-'])),
  ],
};

const reasonText = (reasons: TrafficSample['reasons']): string => Object.entries(reasons).map(([name, count]) => `${name} ${count}`).join(', ') || '-';
