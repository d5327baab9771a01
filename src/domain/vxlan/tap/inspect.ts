import { decodeKind, listLinks, openNetlink, type Link, type VxlanAttributes } from '../../../kernel/netlink/index.ts';
import { NotFoundError } from '../../../lib/errors.ts';
import { placeOf, type TapPlace } from './place.ts';

/** The tunnels of a namespace that can be tapped, and the names of all its devices. */
export interface TapPlaces {
  places: TapPlace[];
  names: ReadonlyMap<number, string>;
}

/** Finds one tunnel, or all without a name. @throws NotFoundError SL6101 */
export function findPlaces(name: string | undefined, netns: string | undefined): TapPlaces {
  using netlink = openNetlink(netns === undefined ? {} : { netns: { path: netns } });
  const links = listLinks(netlink).items;
  const tunnels = links.filter((link) => link.kind === 'vxlan' && link.kindData !== undefined && (name === undefined || hasName(link, name)));
  if (tunnels.length === 0) throw new NotFoundError(name === undefined ? 'there is no VXLAN device' : `there is no VXLAN device ${name}`, { code: 'SL6101', hints: ['sluice vxlan list'] });
  return { places: tunnels.map((link) => placeOf(link, decodeKind('vxlan', link.kindData!) as VxlanAttributes, links)), names: new Map(links.map((link) => [link.index, link.name])) };
}

const hasName = (link: Link, name: string): boolean => link.name === name || link.altNames.includes(name);
