/** Settings of the device that tunnels and meshes have in common. */

import type { Field } from '../../../lib/manifest.ts';
import { given } from '../../../lib/members.ts';
import type { TunnelOptions } from './model.ts';

/** Members of `spec` that `readOptions` reads. */
export const OPTIONS = ['learning', 'proxy', 'l2miss', 'l3miss', 'ttl', 'tos', 'df', 'gbp', 'sourcePorts', 'ageingSeconds', 'udpChecksum'] as const;

/** Reads them; absent ones stay absent. */
export function readOptions(spec: Field): TunnelOptions {
  const flags = (['learning', 'proxy', 'l2miss', 'l3miss', 'gbp', 'udpChecksum'] as const).map((name) => [name, spec.get(name).optional((field) => field.flag())] as const);
  return given({
    ...Object.fromEntries(flags),
    ...readTtl(spec.get('ttl')),
    tos: spec.get('tos').optional(readTos),
    df: spec.get('df').optional((field) => field.oneOf(['unset', 'set', 'inherit'])),
    sourcePorts: spec.get('sourcePorts').optional(readPortRange),
    ageingSeconds: spec.get('ageingSeconds').optional((field) => field.integer(0, 0xffff_ffff)),
  });
}

function readTtl(field: Field): Pick<TunnelOptions, 'ttl' | 'ttlInherit'> {
  if (!field.isSet) return {};
  return field.value === 'inherit' ? { ttlInherit: true } : { ttl: field.integer(0, 255) };
}

/** 1 is how the kernel writes that it is copied from the packet inside. */
const readTos = (field: Field): number => (field.value === 'inherit' ? 1 : field.integer(0, 255));

function readPortRange(field: Field): { low: number; high: number } {
  field.only(['low', 'high']);
  const low = field.get('low').integer(1, 65_535);
  return { low, high: field.get('high').integer(low, 65_535) };
}
