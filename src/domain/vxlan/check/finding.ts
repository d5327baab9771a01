import type { Situation } from './model.ts';

/** `error`: packets are lost or will be. `warning`: it works, at a price. */
export type Severity = 'error' | 'warning';

/** One thing that is wrong, at one end. */
export interface Finding {
  /** Label of the end where it is, and where the fix belongs. */
  end: string;
  severity: Severity;
  /** What is wrong, in one line. */
  detail: string;
  /** What says so. */
  evidence: string[];
  /** Commands to run at that end. */
  fix: string[];
}

/** One question that is asked of every tunnel. */
export interface Check {
  /** `VX002`; stays the same for ever. */
  id: string;
  name: string;
  /** What it makes sure of. */
  title: string;
  /** What it needs: without a peer, without probes, or without knowing the firewall of each end it is not asked. */
  needs?: 'peer' | 'probe' | 'firewall';
  /** Findings that explain these ones: where one of those checks found something at any end, this one keeps quiet. */
  explainedBy?: readonly string[];
  find(situation: Situation): Finding[];
}

/** A check as it is listed. */
export type CheckInfo = Pick<Check, 'id' | 'name' | 'title' | 'needs'>;

export type CheckResult = 'ok' | 'fail' | 'warn' | 'skip';

/** How a check ended. */
export interface CheckOutcome {
  id: string;
  name: string;
  title: string;
  result: CheckResult;
  findings: Finding[];
}
