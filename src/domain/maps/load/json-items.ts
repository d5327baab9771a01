/**
 * Cuts a stream of JSON into its items as it comes: those of a list that a command printed (`{"items":[…]}`), of an array, or objects
 * one after the other. Only braces, brackets and strings are looked at; each item is then parsed by itself.
 */

/** Text of one item and the line on which it begins, from 1. */
export interface Item {
  text: string;
  line: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
const BLANKS: readonly number[] = [0x20, 0x09, 0x0d, NEWLINE];
const SEPARATORS: readonly number[] = [...BLANKS, 0x2c];
const ITEMS = /"items"\s*:\s*$/;

/** A place in the text that no item can have. `line` counts from 1. */
export class ItemsError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

export class JsonItems {
  #line = 1;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Depth at which items begin: 0, or one more inside of an array and two more inside of a printed list. */
  #base = 0;
  /** Behind the last item of an array or list only closing brackets and other members come. */
  #done = false;
  #started = false;
  #itemLine = 1;
  /** Text of the item so far, from earlier pieces. */
  #begun: Buffer[] = [];

  /** Items that end in this piece. @throws ItemsError */
  *push(piece: Buffer): Generator<Item> {
    let from = this.#depth > this.#base ? 0 : -1;
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i]!;
      if (byte === NEWLINE) this.#line++;
      if (this.#inString) this.#string(byte);
      else if (byte === QUOTE) {
        if (this.#depth === this.#base && !this.#done) throw new ItemsError(this.#line, 'a string stands where an object should');
        this.#inString = true;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (this.#depth === this.#base) from = this.#begin(byte, i);
        else if (byte === OPEN_BRACKET && this.#depth === 1 && this.#base === 0 && ITEMS.test(this.#textSoFar(piece, from, i))) from = this.#enterList();
        this.#depth++;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        this.#depth--;
        if (this.#depth === this.#base && from >= 0) {
          yield { text: this.#textSoFar(piece, from, i + 1), line: this.#itemLine };
          this.#begun = [];
          from = -1;
        } else if (this.#depth < this.#base) this.#leave();
      } else if (this.#depth === this.#base && !this.#done && !SEPARATORS.includes(byte)) throw new ItemsError(this.#line, `'${String.fromCharCode(byte)}' stands where an object should`);
    }
    if (from >= 0) this.#begun.push(Buffer.from(piece.subarray(from)));
  }

  /** To be called after the last piece. @throws ItemsError where something is not closed */
  end(): void {
    if (this.#depth > 0 || this.#inString) throw new ItemsError(this.#line, 'it ends within an object');
  }

  #string(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }

  /** Returns where the item starts, -1 where the bracket is that of the array around all items. */
  #begin(byte: number, at: number): number {
    if (this.#done) return -1;
    if (byte === OPEN_BRACKET) {
      if (this.#started || this.#base > 0) throw new ItemsError(this.#line, 'an array stands where an object should');
      this.#base = 1;
      this.#started = true;
      return -1;
    }
    this.#started = true;
    this.#itemLine = this.#line;
    return at;
  }

  #enterList(): number {
    this.#begun = [];
    this.#base = 2;
    return -1;
  }

  #leave(): void {
    this.#done = true;
    this.#base = -1;
  }

  #textSoFar(piece: Buffer, from: number, to: number): string {
    const rest = piece.subarray(Math.max(0, from), to);
    return this.#begun.length === 0 ? rest.toString() : Buffer.concat([...this.#begun, rest]).toString();
  }
}
