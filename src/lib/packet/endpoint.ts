import { parseAddress } from '../ip.ts';

/** An address as words in host order, and a port where one is said. */
export interface Endpoint {
  address: number[];
  port: number | undefined;
}

/** Reads `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`; undefined for anything else. The port may be larger than ports are. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, bracketed, dotted, port] = /^(?:\[([^\]]+)\]|([0-9.]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = parseAddress(bracketed ?? dotted ?? text);
  return address === undefined ? undefined : { address, port: port === undefined ? undefined : Number(port) };
}
