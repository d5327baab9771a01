import { describe, expect, it } from 'vitest';
import { LEAST, searchMtu, type Outcome, type Prober } from '../../../src/domain/mtu/path/search.ts';

/** A path by rule: what becomes of a packet of a size. Counts what is sent. */
class Path implements Prober {
  readonly width: number;
  readonly #fate: (size: number, attempt: number) => Outcome;
  readonly #attempts = new Map<number, number>();
  sent = 0;

  constructor(fate: (size: number, attempt: number) => Outcome, width = 16) {
    this.width = width;
    this.#fate = fate;
  }

  async probe(sizes: readonly number[]): Promise<Map<number, Outcome>> {
    this.sent += sizes.length;
    return await Promise.resolve(new Map(sizes.map((size) => {
      const attempt = (this.#attempts.get(size) ?? 0) + 1;
      this.#attempts.set(size, attempt);
      return [size, this.#fate(size, attempt)];
    })));
  }
}

const ANSWERED: Outcome = { kind: 'answered' };
const LOST: Outcome = { kind: 'lost' };
const hole = (mtu: number) => (size: number): Outcome => (size <= mtu ? ANSWERED : LOST);
const search = async (path: Path, top = 1500) => await searchMtu(path, LEAST.ipv4, top);

describe('a path', () => {
  it('that carries what its link does takes one probe', async () => {
    const path = new Path(hole(9000));
    expect(await search(path)).toEqual({ mtu: 1500, narrowings: [] });
    expect(path.sent).toBe(1);
  });

  it('with routers that say what they carry takes one probe for each', async () => {
    const routers = [{ from: 'a', mtu: 1450 }, { from: 'b', mtu: 1300 }, { from: 'c', mtu: 1280 }];
    const path = new Path((size) => {
      const first = routers.find(({ mtu }) => size > mtu);
      return first === undefined ? ANSWERED : { kind: 'too-big', ...first };
    });
    expect(await search(path)).toEqual({ mtu: 1280, narrowings: routers });
    expect(path.sent).toBe(4);
  });

  it.each([16, 3, 1])('with a black hole is found to the byte, %i at once', async (width) => {
    for (const edge of [68, 69, 575, 576, 1279, 1280, 1373, 1498, 1499]) {
      expect(await search(new Path(hole(edge), width))).toEqual({ mtu: edge, vanished: edge + 1, narrowings: [] });
    }
  });

  it('of 65,535 bytes needs no more than some dozens of probes', async () => {
    const path = new Path(hole(9173));
    expect(await search(path, 65_535)).toMatchObject({ mtu: 9173, vanished: 9174 });
    expect(path.sent).toBeLessThan(250);
  });

  it('that loses a packet now and then is measured all the same', async () => {
    const path = new Path((size, attempt) => (size > 1400 ? LOST : attempt < 3 && size % 3 === 0 ? LOST : ANSWERED));
    expect(await search(path)).toMatchObject({ mtu: 1400, vanished: 1401 });
  });

  it('behind a router that tells a wrong MTU is searched on', async () => {
    const lie = (size: number): Outcome => (size > 1450 ? { kind: 'too-big', mtu: 1450, from: 'liar' } : hole(1390)(size));
    expect(await search(new Path(lie))).toEqual({ mtu: 1390, vanished: 1391, narrowings: [{ from: 'liar', mtu: 1450 }] });
  });

  it('behind a router too old to tell its MTU is searched, and is no black hole', async () => {
    const old = (size: number): Outcome => (size > 1400 ? { kind: 'too-big', mtu: 0, from: 'old' } : ANSWERED);
    expect(await search(new Path(old))).toEqual({ mtu: 1400, narrowings: [] });
  });

  it('whose first link carries less than it says is no black hole either', async () => {
    const refused = (size: number): Outcome => (size > 1400 ? { kind: 'refused-here' } : ANSWERED);
    expect(await search(new Path(refused))).toEqual({ mtu: 1400, narrowings: [] });
  });

  it('with a hole at one size only does not mislead the search', async () => {
    const odd = (size: number): Outcome => (size === 1500 || size === 800 ? LOST : ANSWERED);
    expect(await search(new Path(odd))).toEqual({ mtu: 1499, vanished: 1500, narrowings: [] });
  });
});
