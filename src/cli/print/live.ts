/** What has no end: one item after the other, each written as soon as it is there. */

import { UsageError } from '../../lib/errors.ts';
import { sanitize } from '../../lib/text.ts';
import type { LiveView } from '../view.ts';
import type { PrintOptions } from './index.ts';
import { objectEnvelope, toJson } from './json.ts';

/**
 * Prints items until there are no more, and returns what the stream returned. JSON is one object a line.
 *
 * @throws UsageError for a format that needs an end.
 */
export async function printLive<T, R>(items: AsyncGenerator<T, R, void>, view: LiveView<T>, options: PrintOptions): Promise<R> {
  const print = printerOf(view, options);
  for (;;) {
    const next = await items.next();
    if (next.done === true) return next.value;
    print(next.value);
  }
}

function printerOf<T>(view: LiveView<T>, { format, headers }: PrintOptions): (item: T) => void {
  if (format === 'json' || format === 'jsonl') {
    const json = view.json ?? ((item: T): unknown => item);
    return (item) => writeLine(toJson(objectEnvelope(view.kind, json(item), { complete: true, warnings: [] })));
  }
  if (format !== 'table' && format !== 'wide') throw new UsageError(`this has no end, and -o ${format} needs one`, { hints: ['-o jsonl prints one object a line'] });
  const wide = format === 'wide';
  let header = headers ? view.header?.(wide) : undefined;
  return (item) => {
    // With the first item: a source that fails before it has printed nothing.
    if (header !== undefined) writeLine(header);
    header = undefined;
    view.lines(item, wide).forEach((line) => writeLine(sanitize(line)));
  };
}

const writeLine = (line: string): void => void process.stdout.write(`${line}\n`);
