/** What a file of `topics/` exports as `bench`. */

export type Say = (text: string) => void;

export interface BenchRequest {
  /** Prints text as it is measured; silent with `--json`. */
  say: Say;
  /** Words behind the topic. */
  args: readonly string[];
  /** Also the sizes that take minutes. */
  full: boolean;
}

/** Measures, says what it finds, and returns the figures for `--json`. Throws when a result is wrong: speed of wrong answers is none. */
export type Bench = (request: BenchRequest) => Promise<unknown>;
