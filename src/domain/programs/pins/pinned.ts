/** A pin with what is pinned there, as `bpf pin list` shows it. */
export interface PinnedObject {
  path: string;
  kind: 'program' | 'map' | 'link' | 'btf';
  id: number;
  /** Type as bpftool writes it. */
  type?: string;
  /** Of a link: that of its program. */
  name?: string;
  owner?: string;
  /** Where a program or link stands, or which programs use a map. */
  use?: string;
}
