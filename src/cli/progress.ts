import type { Ora } from 'ora';

/** A spinner appears only when something takes this long. */
const DELAY_MS = 300;

/** Says what is being done: a spinner on a terminal, a line a step with `-v`, nothing otherwise. */
export class Progress {
  readonly #spinner: boolean;
  readonly #lines: boolean;
  #text = '';
  #timer: NodeJS.Timeout | undefined;
  #ora: Ora | undefined;
  #stopped = false;

  constructor({ spinner, lines }: { spinner: boolean; lines: boolean }) {
    this.#spinner = spinner && !lines;
    this.#lines = lines;
  }

  /** The next step. */
  step(text: string): void {
    this.#text = text;
    this.#stopped = false;
    if (this.#lines) process.stderr.write(`${text}\n`);
    if (this.#ora !== undefined) this.#ora.text = text;
    else if (this.#spinner) this.#timer ??= setTimeout(() => void this.#start(), DELAY_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#ora?.stop();
    this.#ora = undefined;
  }

  async #start(): Promise<void> {
    const { default: ora } = await import('ora');
    if (!this.#stopped) this.#ora = ora({ text: this.#text, stream: process.stderr, discardStdin: false }).start();
  }
}
