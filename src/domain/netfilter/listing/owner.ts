/** Who writes chains of which names. */
const OWNERS: readonly (readonly [RegExp, string])[] = [
  [/^KUBE-/, 'kube-proxy'], [/^cali-/, 'calico'], [/^DOCKER/, 'docker'], [/^CILIUM_|^OLD_CILIUM_/, 'cilium'], [/^FLANNEL-/, 'flannel'],
  [/^ISTIO_/, 'istio'], [/^ufw6?-/, 'ufw'], [/^f2b-/, 'fail2ban'], [/^LIBVIRT_/, 'libvirt'], [/^SLUICE-/, 'sluice'],
  [/_ZONES(_SOURCE)?$|^(IN|FWDI|FWDO|FWD|PRE|POST)_|_direct$/, 'firewalld'], [/^CNI-/, 'cni'], [/^NETAVARK/, 'podman'],
];

/** The program that a chain's name, or failing that a rule's target or comment, points to; `-` when none does. */
export function ownerOf(chain: string, target: string, comment: string): string {
  for (const name of [chain, target]) {
    const found = OWNERS.find(([pattern]) => pattern.test(name));
    if (found !== undefined) return found[1];
  }
  if (comment.startsWith('cali:')) return 'calico';
  if (comment.startsWith('kubernetes ')) return 'kube-proxy';
  if (comment.startsWith('cilium')) return 'cilium';
  return '-';
}
