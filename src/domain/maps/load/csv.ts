/** Comma-separated values as they come. @rfc 4180 */

/** Fields of one record and the line on which it begins, from 1. */
export interface CsvRecord {
  fields: string[];
  line: number;
}

/** Records of a stream; fields may be in double quotes, with quotes doubled and line ends inside. */
export class CsvRecords {
  #rest = '';
  #line = 1;

  /** Records that end in this piece. */
  *push(text: string): Generator<CsvRecord> {
    this.#rest += text;
    let start = 0;
    for (let end = endOfRecord(this.#rest, start); end >= 0; end = endOfRecord(this.#rest, start)) {
      yield* this.#record(this.#rest.slice(start, end).replace(/\r$/, ''));
      start = end + 1;
    }
    this.#rest = this.#rest.slice(start);
  }

  /** The last record, where no line end follows it. */
  *end(): Generator<CsvRecord> {
    if (this.#rest !== '') yield* this.#record(this.#rest);
  }

  *#record(text: string): Generator<CsvRecord> {
    const line = this.#line;
    this.#line += text.split('\n').length;
    if (text.trim() !== '' && !text.startsWith('#')) yield { fields: splitFields(text), line };
  }
}

/** The line end that is in no quotes, or -1. */
function endOfRecord(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  if (end < 0 || !text.slice(start, end).includes('"')) return end;
  let inQuotes = false;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '"') inQuotes = !inQuotes;
    else if (text[i] === '\n' && !inQuotes) return i;
  }
  return -1;
}

function splitFields(text: string): string[] {
  if (!text.includes('"')) return text.split(',').map((field) => field.trim());
  const fields = text.matchAll(/(?:^|,)(?:\s*"((?:[^"]|"")*)"\s*|([^,]*))/g);
  return Array.from(fields, ([, quotedField, bare]) => (quotedField === undefined ? bare!.trim() : quotedField.replaceAll('""', '"')));
}
