/**
 * A pcap expression to a predicate: the part of tcpdump's grammar that asks for protocols, addresses and ports.
 *
 *   filter     = term { (and | or) term }         from left to right, of equal rank, as in tcpdump
 *   term       = not term | ( filter ) | test
 *   test       = [proto] [src | dst | src or dst | src and dst] [host | net | port | portrange] value
 *              | proto | ip proto N | ether [src | dst | host] MAC | vxlan [VNI] | vni N
 *
 * The frame inside is what the tests are about. Where the word `vxlan` stands, tests before it are about the outer
 * packet and those behind it about the inner one, which is what the same expression means to tcpdump.
 */

import { parseAddress } from '../../../../lib/ip.ts';
import type { TunnelPacket } from '../headers.ts';
import { addressTest, macTest, portTest, PROTOCOLS, protocolTest, type Direction, type HeaderTest } from './tests.ts';
import { readTokens, refuse, type Token } from './tokens.ts';

/** Whether a packet is wanted. */
export type Filter = (packet: TunnelPacket) => boolean;

/** Compiles a filter; the empty one takes every packet. @throws ParseError SL6102 with the column of what is not understood. */
export function compileFilter(text: string): Filter {
  const tokens = readTokens(text);
  return tokens.length === 0 ? () => true : new Compiler(tokens, text.length + 1).compile();
}

/** What a value without words in front of it means: that of the test before it (`port 80 or 443`). */
interface Qualifiers {
  protocol: HeaderTest | undefined;
  direction: Direction;
  type: 'host' | 'net' | 'port' | 'portrange' | 'mac';
}

const TYPES = ['host', 'net', 'port', 'portrange'] as const;
const MAX_VNI = 0xff_ffff;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

class Compiler {
  readonly #tokens: readonly Token[];
  readonly #end: number;
  readonly #mentionsVxlan: boolean;
  #next = 0;
  #inside = false;
  #last: Qualifiers | undefined;

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens;
    this.#end = end;
    this.#mentionsVxlan = tokens.some(({ text }) => text === 'vxlan');
  }

  compile(): Filter {
    const filter = this.#filter();
    const rest = this.#tokens[this.#next];
    if (rest !== undefined) throw refuse(rest.column, rest.text === ')' ? "')' without '('" : `'and' or 'or' is missing before '${rest.text}'`);
    return filter;
  }

  #filter(): Filter {
    let left = this.#term();
    for (let joint = this.#take('and', 'or'); joint !== undefined; joint = this.#take('and', 'or')) {
      const [first, second] = [left, this.#term()];
      left = joint === 'and' ? (packet) => first(packet) && second(packet) : (packet) => first(packet) || second(packet);
    }
    return left;
  }

  #term(): Filter {
    if (this.#take('not') !== undefined) {
      const inner = this.#term();
      return (packet) => !inner(packet);
    }
    if (this.#take('(') === undefined) return this.#test();
    const inner = this.#filter();
    if (this.#take(')') === undefined) throw refuse(this.#column(), "')' is missing");
    return inner;
  }

  #test(): Filter {
    if (this.#take('vxlan') !== undefined) return this.#vxlan();
    if (this.#take('vni') !== undefined) return this.#vni();
    const test = this.#headerTest();
    const inside = this.#inside || !this.#mentionsVxlan;
    return inside ? ({ inner }) => test(inner) : ({ outer }) => test(outer);
  }

  #vxlan(): Filter {
    this.#inside = true;
    return /^\d+$/.test(this.#peek() ?? '') ? this.#vni() : () => true;
  }

  #vni(): Filter {
    const wanted = this.#number('a VNI', MAX_VNI);
    return ({ vni }) => vni === wanted;
  }

  #headerTest(): HeaderTest {
    const start = this.#next;
    const name = this.#take(...Object.keys(PROTOCOLS));
    const protocol = name === undefined ? undefined : PROTOCOLS[name]!;
    if (this.#take('proto') !== undefined) return this.#protocol(name);
    const direction = this.#direction();
    const type = this.#take(...TYPES);
    if (name !== undefined && direction === undefined && type === undefined && !this.#isValue()) return protocol!;
    if (this.#next === start && this.#last === undefined && !this.#isValue()) throw this.#unexpected('a test');
    const stated: Qualifiers = { protocol, direction: direction ?? 'either', type: name === 'ether' ? 'mac' : type ?? 'host' };
    const qualifiers = this.#next === start && this.#last !== undefined ? this.#last : stated;
    this.#last = qualifiers;
    return both(qualifiers.protocol, this.#valueTest(qualifiers));
  }

  #direction(): Direction | undefined {
    const first = this.#take('src', 'dst');
    if (first === undefined) return undefined;
    const other = first === 'src' ? 'dst' : 'src';
    const joint = this.#peek();
    if ((joint !== 'or' && joint !== 'and') || this.#peek(1) !== other) return first;
    this.#next += 2;
    return joint === 'or' ? 'either' : 'both';
  }

  #valueTest({ direction, type }: Qualifiers): HeaderTest {
    switch (type) {
      case 'mac': return macTest(direction, this.#mac());
      case 'port': return this.#port(direction);
      case 'portrange': return this.#portRange(direction);
      case 'net': return this.#net(direction);
      default: return this.#host(direction);
    }
  }

  #host(direction: Direction): HeaderTest {
    const address = this.#address();
    return addressTest(direction, address, address.map(() => 0xffff_ffff));
  }

  #net(direction: Direction): HeaderTest {
    const token = this.#expect('a network, as 10.0.0.0/8');
    const [text = '', length, ...more] = token.text.split('/');
    const network = parseAddress(text);
    if (network === undefined || more.length > 0) throw refuse(token.column, `'${token.text}' is no network; write it in full, as 10.0.0.0/8`);
    const mask = length === undefined ? this.#mask(network) : prefixMask(length, network.length);
    if (mask === undefined) throw refuse(token.column, `'/${length}' is no prefix length of such an address`);
    if (network.some((word, i) => (word & ~mask[i]!) !== 0)) throw refuse(token.column, `'${token.text}' has bits set behind its prefix`);
    return addressTest(direction, network, mask);
  }

  /** `mask A.B.C.D`, or the address alone. */
  #mask(network: readonly number[]): number[] | undefined {
    return this.#take('mask') === undefined ? network.map(() => 0xffff_ffff) : this.#address();
  }

  #port(direction: Direction): HeaderTest {
    const port = this.#number('a port', 0xffff);
    return portTest(direction, port, port);
  }

  #portRange(direction: Direction): HeaderTest {
    const token = this.#expect('ports, as 1000-2000');
    const [low, high] = (/^(\d{1,5})-(\d{1,5})$/.exec(token.text)?.slice(1) ?? []).map(Number);
    if (low === undefined || high === undefined || Math.max(low, high) > 0xffff) throw refuse(token.column, `'${token.text}' is no range of ports; write 1000-2000`);
    return portTest(direction, Math.min(low, high), Math.max(low, high));
  }

  #protocol(name: string | undefined): HeaderTest {
    const family = name === 'ip' || name === 'ip6' ? PROTOCOLS[name] : undefined;
    if (name !== undefined && family === undefined) throw refuse(this.#column(), `'${name} proto' is no test; ip proto and ip6 proto are`);
    return both(family, protocolTest(this.#number('a protocol number', 255)));
  }

  #mac(): string {
    this.#take('host');
    const token = this.#expect('a hardware address');
    if (!MAC.test(token.text)) throw refuse(token.column, `'${token.text}' is no hardware address, as 02:00:00:00:00:01`);
    return token.text;
  }

  #address(): number[] {
    const token = this.#expect('an address');
    const address = parseAddress(token.text);
    if (address === undefined) throw refuse(token.column, `'${token.text}' is no address`);
    return address;
  }

  #number(what: string, most: number): number {
    const token = this.#expect(what);
    if (!/^\d{1,9}$/.test(token.text) || Number(token.text) > most) throw refuse(token.column, `'${token.text}' is not ${what} (0 to ${most})`);
    return Number(token.text);
  }

  #expect(what: string): Token {
    const token = this.#tokens[this.#next];
    if (token === undefined || RESERVED.has(token.text)) throw this.#unexpected(what);
    this.#next++;
    return token;
  }

  #unexpected(what: string): Error {
    const token = this.#tokens[this.#next];
    return refuse(this.#column(), token === undefined ? `${what} is missing at the end` : `${what} is missing before '${token.text}'`);
  }

  #take<T extends string>(...words: readonly T[]): T | undefined {
    const text = this.#peek();
    const taken = words.find((word) => word === text);
    if (taken !== undefined) this.#next++;
    return taken;
  }

  #peek(ahead = 0): string | undefined {
    return this.#tokens[this.#next + ahead]?.text;
  }

  /** Whether an address, a number or a name follows, rather than a word of the grammar. */
  #isValue(): boolean {
    return /[\d:]/.test(this.#peek() ?? '') && !RESERVED.has(this.#peek()!);
  }

  #column(): number {
    return this.#tokens[this.#next]?.column ?? this.#end;
  }
}

const RESERVED = new Set(['and', 'or', 'not', '(', ')', 'src', 'dst', 'proto', 'mask', 'vxlan', 'vni', ...TYPES, ...Object.keys(PROTOCOLS)]);

const both = (first: HeaderTest | undefined, second: HeaderTest): HeaderTest =>
  first === undefined ? second : (headers) => first(headers) && second(headers);

function prefixMask(length: string, words: number): number[] | undefined {
  const bits = Number(length);
  if (!/^\d{1,3}$/.test(length) || bits > 32 * words) return undefined;
  return Array.from({ length: words }, (_, i) => {
    const own = Math.min(32, Math.max(0, bits - 32 * i));
    return own === 0 ? 0 : (0xffff_ffff << (32 - own)) >>> 0;
  });
}
