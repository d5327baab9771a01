/** Other ends: in a network namespace of this machine, or on a node that ssh reaches. */

import { resolveNetns } from '../../../../kernel/netns/index.ts';
import { OperationError, UsageError } from '../../../../lib/errors.ts';
import { runOverSsh } from '../../../../tools/index.ts';
import { readAudit, tunnelNames } from '../audit/inspect.ts';
import type { Audit } from '../model.ts';
import { isAudit } from './audit-shape.ts';
import { chooseTunnel, type Candidate } from './choose.ts';
import type { Peer } from './model.ts';

const TIMEOUT_MS = 60_000;
/** What may go through the shell of another host; device names may have more, but hardly ever do. */
const PLAIN = /^[\w.@:-]+$/;

/** The other end in a namespace of this machine. @throws NotFoundError SL6105 */
export function netnsPeer(reference: string, own: Candidate): Peer {
  const { path } = resolveNetns(reference);
  const name = chooseTunnel(tunnelNames(path), own, reference);
  return { label: reference, netns: path, read: (lookups) => readAudit({ name, netns: path, lookups }) };
}

/** The other end on another node, where sluice is installed. @throws UsageError for a name that a shell could misread. */
export function sshPeer(host: string, own: Candidate): Peer {
  if (!PLAIN.test(host) || host.startsWith('-')) throw new UsageError(`--peer-ssh ${host}: write USER@HOST`);
  if (!PLAIN.test(own.name)) throw new UsageError(`the name ${own.name} cannot be passed through a shell`);
  return {
    label: host,
    read: async (lookups) => {
      const words = ['sluice', 'vxlan', 'check', own.name, '--audit', ...(own.vni === undefined ? [] : [`--vni=${own.vni}`]), ...lookups.map((address) => `--lookup=${address}`), '-o', 'json'];
      return parseAudit(await runOverSsh(host, words, TIMEOUT_MS), host);
    },
  };
}

/** @throws OperationError SL6106 when it is not what `check --audit` of this version prints. */
function parseAudit(text: string, host: string): Audit {
  const refuse = (cause?: unknown): OperationError => new OperationError(`${host} did not answer with an audit`, { code: 'SL6106', causes: [text.slice(0, 200)], cause });
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (error) {
    throw refuse(error);
  }
  if (!isAudit(answer)) throw refuse();
  return answer.audit;
}
