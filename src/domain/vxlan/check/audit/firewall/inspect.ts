import { SluiceError } from '../../../../../lib/errors.ts';
import { readRulesets } from '../../../../netfilter/index.ts';
import type { Audit, FirewallFacts } from '../../model.ts';
import { walkFirewall } from './walk.ts';

/** Reads the rules and walks the tunnel's packets through them; a note in place of an error, as most nodes have other firewalls too. */
export async function readFirewall(audit: Audit, netns: string | undefined): Promise<{ firewall?: FirewallFacts[]; notes: string[] }> {
  try {
    const { rulesets } = await readRulesets({ backend: 'auto', families: [audit.tunnel.ipv6 ? 'ipv6' : 'ipv4'], ...(netns === undefined ? {} : { netns }) });
    return { firewall: await walkFirewall(audit, rulesets), notes: audit.notes };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { notes: [...audit.notes, `the firewall was not looked at: ${error.message}`] };
  }
}
