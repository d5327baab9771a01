/** An entry as somebody typed it, checked as far as that goes without looking at the node. Pure. */

import { UsageError } from '../../../lib/errors.ts';
import { parseAddress } from '../../../lib/ip.ts';
import { given } from '../../../lib/members.ts';
import { MAX_VNI } from '../model.ts';
import type { FdbEntry } from './model.ts';

/** An entry in words, as flags and files give them. */
export interface EntryWords {
  device: string;
  mac: string;
  destination?: string | undefined;
  port?: number | undefined;
  vni?: number | undefined;
  sourceVni?: number | undefined;
  via?: string | undefined;
  nexthopId?: number | undefined;
  vlan?: number | undefined;
  table: FdbEntry['table'];
  /** @default permanent */
  lifetime?: string | undefined;
  sticky?: boolean | undefined;
}

/** Reads the words. @throws UsageError SL6020 that says which one is wrong */
export function readEntry({ device, mac, table, lifetime = 'permanent', sticky = false, ...rest }: EntryWords): FdbEntry {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) throw wrong(`${mac} is no MAC address`, '02:00:00:00:00:02', '00:00:00:00:00:00 for all without an entry of their own');
  if (lifetime !== 'permanent' && lifetime !== 'static' && lifetime !== 'dynamic') throw wrong(`lifetime ${lifetime}: it may be permanent, static or dynamic`);
  if (rest.destination !== undefined && parseAddress(rest.destination) === undefined) throw wrong(`${rest.destination} is no IP address`);
  if (rest.destination !== undefined && rest.nexthopId !== undefined) throw wrong('an entry has a destination or a nexthop group, not both');
  checkNumber('port', rest.port, 1, 65_535);
  checkNumber('VNI', rest.vni, 0, MAX_VNI);
  checkNumber('source VNI', rest.sourceVni, 0, MAX_VNI);
  checkNumber('nexthop', rest.nexthopId, 1, 0xffff_ffff);
  checkNumber('VLAN', rest.vlan, 1, 4094);
  return { device, mac: mac.toLowerCase(), table, lifetime, sticky, externallyLearned: false, offloaded: false, ...given(rest) };
}

const wrong = (message: string, ...hints: string[]): UsageError => new UsageError(message, { code: 'SL6020', hints });

function checkNumber(what: string, value: number | undefined, least: number, most: number): void {
  if (value !== undefined && (!Number.isInteger(value) || value < least || value > most)) throw wrong(`${what} ${value} is out of range: ${least} to ${most}`);
}
