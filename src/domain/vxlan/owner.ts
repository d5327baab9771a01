/** Who made a VXLAN device, by the names that network plugins give. */

import { OWN_ALIAS } from './model.ts';

/** Names of devices by the plugin that makes them. */
const OWNERS: readonly (readonly [name: RegExp, owner: string])[] = [
  [/^flannel(-v6)?\.\d+$/, 'flannel'],
  [/^vxlan(-v6)?\.calico$/, 'calico'],
  [/^cilium_(vxlan|geneve)$/, 'cilium'],
  [/^antrea-/, 'antrea'],
  [/^(vxlan_sys_\d+|genev_sys_\d+)$/, 'openvswitch'],
  [/^(weave|vxlan-6784)/, 'weave'],
  [/^vx-[0-9a-f]+-[0-9a-z]+$/, 'docker'],
  [/^kube-?router/, 'kube-router'],
  [/^(k3s|kubevxlan|vxlan\.kube)/, 'kubernetes'],
];

/** The owner of a device; `unknown` when neither name nor alias tells. */
export function ownerOf(name: string, alias: string | undefined): string {
  if (alias === OWN_ALIAS || alias?.startsWith(`${OWN_ALIAS} `) === true) return 'sluice';
  return OWNERS.find(([pattern]) => pattern.test(name))?.[1] ?? 'unknown';
}

/** Whether a device is somebody's who would miss it or make it again. */
export const isForeign = (owner: string): boolean => owner !== 'sluice' && owner !== 'unknown';
