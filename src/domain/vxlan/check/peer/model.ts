import type { Audit } from '../model.ts';

/** Another end of the tunnel, that can be read again and again. */
export interface Peer {
  label: string;
  /** Path of its namespace, where it is on this machine: there drops can be watched too. */
  netns?: string;
  read(lookups: readonly string[]): Promise<Audit>;
}
