import { NotFoundError } from '../../../../lib/errors.ts';

/** A tunnel of the peer, as far as it is needed to choose one. */
export interface Candidate {
  name: string;
  vni: number | undefined;
}

/**
 * The tunnel at the other end that belongs to ours: of the same name, else of the same VNI, else the only one.
 *
 * @throws NotFoundError SL6105
 */
export function chooseTunnel(candidates: readonly Candidate[], own: Candidate, label: string): string {
  const only = candidates.length === 1 ? candidates[0] : undefined;
  const found = candidates.find(({ name }) => name === own.name) ?? candidates.find(({ vni }) => vni !== undefined && vni === own.vni) ?? only;
  if (found !== undefined) return found.name;
  throw new NotFoundError(`${label} has no tunnel that could be the other end of ${own.name}`, {
    code: 'SL6105', causes: [candidates.length === 0 ? 'there is no VXLAN device' : `it has ${candidates.map(({ name }) => name).join(', ')}`],
  });
}
