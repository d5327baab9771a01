import type { Layout } from '../layout/layout.ts';

/** A layout in a few words: `{saddr: ipv4, dport: u16 be}`, `u64`, `char[16]`. */
export function describeLayout(layout: Layout): string {
  switch (layout.kind) {
    case 'struct': return `{${layout.members.map(({ name, layout: inner }) => `${name}: ${describeLayout(inner)}`).join(', ')}}`;
    case 'array': return `${describeLayout(layout.element)}[${layout.count}]`;
    case 'prefix': return `${layout.address.kind} prefix`;
    case 'int': return `${layout.signed ? 's' : 'u'}${layout.size * 8}${layout.bigEndian ? ' be' : ''}`;
    case 'bits': return `${layout.signed ? 's' : 'u'}:${layout.bits}`;
    case 'enum': return 'enum';
    case 'text': return `char[${layout.size}]`;
    case 'hex': return `byte[${layout.size}]`;
    default: return layout.kind;
  }
}
