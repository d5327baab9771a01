/** The paragraphs that the verifier writes since Linux 7.3. */

import type { Refusal } from '../../../lib/errors.ts';

/** What a report says. */
export interface Report {
  reasons: string[];
  advice: string[];
  source?: NonNullable<Refusal['source']>;
}

/**
 * Reads the last report of a log; undefined where there is none.
 *
 *   Verification failed: Memory Safety: Invalid access      category and problem
 *   Reason: / At: / Suggestion:                             each with indented lines below
 *
 * @kernel bpf_diag_report_header, diag_report_section, bpf_diag_report_source
 */
export function readReport(lines: readonly string[]): Report | undefined {
  const start = lines.findLastIndex((line) => line.startsWith('Verification failed:'));
  if (start < 0) return undefined;
  const sections = readSections(lines.slice(start + 1));
  const problem = lines[start]!.replace(/^Verification failed:\s*/, '');
  const place = readPlace(sections.get('At') ?? []);
  return {
    reasons: [...paragraph(sections.get('Reason')), problem],
    advice: paragraph(sections.get('Suggestion')),
    ...(place === undefined ? {} : { source: place }),
  };
}

function readSections(lines: readonly string[]): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of lines) {
    const title = /^([A-Z][\w ]*):$/.exec(line)?.[1];
    if (title !== undefined) sections.set(title, (current = []));
    else if (/^\s+\S/.test(line)) current?.push(line.slice(2));
    else if (line !== '') current = undefined;
  }
  return sections;
}

/** The kernel wraps long texts. */
const paragraph = (lines: readonly string[] = []): string[] => (lines.length === 0 ? [] : [lines.map((line) => line.trim()).join(' ')]);

/** `function @ file.c:36:9`, then the line itself behind `>>> 36 |`. */
function readPlace(lines: readonly string[]): Report['source'] {
  const place = /(\S+:\d+):\d+$/.exec(lines[0] ?? '')?.[1];
  const text = lines.map((line) => /^\s*>>> *\d+ \| (.*)$/.exec(line)?.[1]).find((found) => found !== undefined);
  return text === undefined ? undefined : { text: text.trim(), ...(place === undefined ? {} : { place }) };
}
