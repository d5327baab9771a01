import type { Backend } from '../model.ts';

/**
 * What a test says about a packet.
 *
 * `unknown`: it depends on something that is not known. `hotdrop`: the kernel drops the packet at this test, because
 * the header that the test needs is not there (migration reference 4.4).
 */
export type Answer = boolean | 'unknown' | 'hotdrop';

/** What a kernel routing lookup says an address is; `UNSPEC` is the zero address. */
export type AddressType = 'UNSPEC' | 'UNICAST' | 'LOCAL' | 'BROADCAST' | 'MULTICAST' | 'BLACKHOLE' | 'UNREACHABLE' | 'PROHIBIT';

/** What the evaluation of a rule needs beside the packet. */
export interface Surroundings {
  /** x_tables and nf_tables judge fragments and short headers differently. */
  backend: Backend;
  /** The type of an address on this node; undefined when that is not known. */
  addressType(address: readonly number[]): AddressType | undefined;
}

/** Inverts a test's own answer for `!`; what is unknown or dropped stays so. */
export function negateIf(negated: boolean, answer: Answer): Answer {
  return typeof answer === 'boolean' ? answer !== negated : answer;
}

/**
 * Runs tests in order and stops at the first that fails, as the kernel does.
 *
 * A drop behind a test that could not be answered may or may not be reached, so it is unknown as well.
 */
export function all(tests: Iterable<() => Answer>): Answer {
  let unknown = false;
  for (const test of tests) {
    const answer = test();
    if (answer === false) return false;
    if (answer === 'hotdrop') return unknown ? 'unknown' : 'hotdrop';
    unknown ||= answer === 'unknown';
  }
  return unknown ? 'unknown' : true;
}
