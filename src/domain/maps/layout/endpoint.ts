import type { StructLayout } from './layout.ts';

const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 };

/**
 * Reads `10.0.0.1:443/tcp`, `443/tcp`, `10.0.0.1:443` for a struct that has just these: one address, one port, one protocol.
 * Undefined for any other struct or text.
 */
export function parseEndpoint({ members }: StructLayout, text: string): { [name: string]: string | number } | undefined {
  const [, address, port, protocol] = /^(?:\[?([\da-f.:]+?)\]?:)?(\d{1,5})(?:\/([a-z]\w*|\d+))?$/i.exec(text) ?? [];
  if (port === undefined) return undefined;
  const parts = [
    { value: address, is: members.filter(({ layout }) => layout.kind === 'ipv4' || layout.kind === 'ipv6') },
    { value: port, is: members.filter(({ name, layout }) => layout.kind === 'int' && layout.size === 2 && /port/i.test(name)) },
    { value: protocol === undefined ? undefined : (PROTOCOLS[protocol.toLowerCase()] ?? protocol), is: members.filter(({ name, layout }) => layout.kind === 'int' && layout.size <= 2 && /proto/i.test(name)) },
  ];
  const named = parts.map(({ value, is }) => (is.length === (value === undefined ? 0 : 1) ? [is[0]?.name, value] as const : undefined));
  if (named.some((part) => part === undefined)) return undefined;
  return Object.fromEntries(named.flatMap((part) => (part?.[0] === undefined ? [] : [[part[0], part[1]!]])));
}
