/** Plain text tables of figures. */

/** Columns under their headers, the first to the left and the figures to the right. */
export function formatTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headers, ...rows];
  const widths = headers.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const cell = (text: string, column: number): string => (column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!));
  return lines.map((line) => line.map(cell).join('  ').trimEnd()).join('\n');
}

/** A number with as many digits as it deserves. */
export function figure(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(0) : value.toFixed(2);
}
