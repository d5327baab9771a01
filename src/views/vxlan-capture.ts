/** How captured packets look. */

import type { LiveView } from '../cli/view.ts';
import type { CapturedLine } from '../domain/vxlan/index.ts';

/** One line a packet; wide puts time, direction, device and length in front. */
export const vxlanCaptureView: LiveView<CapturedLine> = {
  kind: 'VxlanPacket',
  lines: ({ time, direction, device, length, text }, wide) => [wide ? `${time.slice(11, 26)} ${device} ${direction.padEnd(3)} ${String(length).padStart(5)}  ${text}` : text],
};
