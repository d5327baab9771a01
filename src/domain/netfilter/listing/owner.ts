/** Zones that firewalld brings; chains of a zone that somebody else named look like anybody's. */
const ZONES = 'public|work|home|internal|external|dmz|drop|block|trusted|nm-shared|libvirt|docker';

/** Who writes chains of which names. */
const OWNERS: readonly (readonly [RegExp, string])[] = [
  [/^KUBE-/, 'kube-proxy'], [/^cali-/, 'calico'], [/^DOCKER/, 'docker'], [/^CILIUM_|^OLD_CILIUM_/, 'cilium'], [/^FLANNEL-/, 'flannel'],
  [/^ISTIO_/, 'istio'], [/^ufw6?-/, 'ufw'], [/^f2b-/, 'fail2ban'], [/^LIBVIRT_/, 'libvirt'], [/^SLUICE-/, 'sluice'],
  [new RegExp(`_ZONES(_SOURCE)?$|^(INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING)_direct$|^(IN|FWDI|FWDO|FWD|PRE|POST)_(${ZONES})(_|$)`), 'firewalld'],
  [/^CNI-/, 'cni'], [/^NETAVARK/, 'podman'],
];

/** The program that a chain's name, or failing that a rule's target or comment, points to; `unknown` when none does. */
export function ownerOf(chain: string, target: string, comment: string): string {
  for (const name of [chain, target]) {
    const found = OWNERS.find(([pattern]) => pattern.test(name));
    if (found !== undefined) return found[1];
  }
  if (comment.startsWith('cali:')) return 'calico';
  if (comment.startsWith('kubernetes ')) return 'kube-proxy';
  if (comment.startsWith('cilium')) return 'cilium';
  return 'unknown';
}
