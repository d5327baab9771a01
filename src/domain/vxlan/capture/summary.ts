import type { CaptureSummary } from './model.ts';

/** The last line of a capture. */
export function captureSummary({ captured, seen, lost, file }: CaptureSummary): string {
  const where = file === undefined || file === '-' ? '' : ` written to ${file}`;
  const held = seen > captured ? `, ${seen - captured} not matched` : '';
  return `${captured} ${captured === 1 ? 'packet' : 'packets'}${where}${held}, ${lost} lost`;
}
