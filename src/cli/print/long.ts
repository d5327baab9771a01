/** Lists that come in pieces: each is written out as JSON before the next is asked for. */

import type { Listing, LongListing, TableView } from '../view.ts';
import { streamEnvelope, toJson } from './json.ts';
import { Output } from './output.ts';

const PIECE_ROWS = 500;

/** Writes a list as JSON, an item a line; `lines` leaves the envelope out. Nothing is written when the first piece cannot be had. */
export async function writeLongJson<T>(listing: LongListing<T>, view: TableView<T>, { lines, limit }: { lines: boolean; limit: number | undefined }): Promise<void> {
  const output = new Output();
  const { head, tail } = lines ? { head: '', tail: () => '' } : streamEnvelope(view.kind);
  let before = lines ? '' : `${head}\n`;
  for await (const piece of limited(listing.pieces(), limit)) {
    await output.write(before + piece.map((row) => toJson(view.json?.(row) ?? row)).join(lines ? '\n' : ',\n'));
    before = lines ? '\n' : ',\n';
  }
  const empty = before.startsWith('{') || before === '';
  await output.write(`${empty ? head : ''}${lines ? (empty ? '' : '\n') : tail(listing.outcome())}`);
}

/** All of it, for what has to see all. */
export async function gather<T>(listing: LongListing<T>): Promise<Listing<T>> {
  const items = (await Array.fromAsync(listing.pieces())).flat();
  return { items, ...listing.outcome() };
}

/** A list that is there already, in pieces. */
export const inPieces = <T>({ items, ...outcome }: Listing<T>): LongListing<T> => ({
  async *pieces() {
    for (let from = 0; from < items.length; from += PIECE_ROWS) yield items.slice(from, from + PIECE_ROWS);
  },
  outcome: () => outcome,
});

/** The first `limit` rows; 0 and undefined are all. */
async function* limited<T>(pieces: AsyncIterable<readonly T[]>, limit: number | undefined): AsyncGenerator<readonly T[]> {
  let left = limit === undefined || limit === 0 ? Infinity : limit;
  for await (const piece of pieces) {
    yield piece.slice(0, left);
    left -= piece.length;
    if (left <= 0) return;
  }
}
