/** A process that applies a mesh and is killed while it writes to the kernel: `node mesh-agent.ts SETTINGS`. */

import { applyMesh } from '../../src/domain/vxlan/index.ts';
import { NetlinkSocket, type Refusal, type Request } from '../../src/kernel/netlink/index.ts';

/** Which documents it applies, and where it dies. */
export interface MeshAgentSettings {
  file: string;
  netns: { path: string; label: string };
  /** Which batch of requests it dies at, counted from 1, and when: before it, half way through it, or after it. */
  batch: number;
  when: 'before' | 'within' | 'after';
}

const { file, netns, batch, when } = JSON.parse(process.argv[2]!) as MeshAgentSettings;
const send = NetlinkSocket.prototype.tryAll;
let batches = 0;

const die = (): void => void process.kill(process.pid, 'SIGKILL');

NetlinkSocket.prototype.tryAll = function (this: NetlinkSocket, requests: readonly Request[]): Refusal[] {
  if (++batches !== batch) return send.call(this, requests);
  if (when === 'before') die();
  const refused = send.call(this, when === 'within' ? requests.slice(0, Math.floor(requests.length / 2)) : requests);
  die();
  return refused;
};

await applyMesh({ file, podCidrs: [], prune: false }, { netns, argv: ['test'], session: { stdinIsTerminal: false } }, () => undefined);
