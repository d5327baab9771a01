/** All checks, in the order of their ids, which never change. */

import type { Check } from '../finding.ts';
import { firewallIn, firewallOut, innerChecksum, offloadRisk, outerChecksum } from './filtering.ts';
import { bridgeFloodOff, fdbGap, floodMissing, floodOnly, neighbourMissing, noReturnRoute, reversePath, staleFdb, wrongNeighbour } from './forwarding.ts';
import { ageing, deviceDown, duplicateMac, headerFlags, movingMac, portClash, portMismatch, vniMismatch } from './identity.ts';
import { mtuDiffers, mtuTooLarge, pathMtu, tooBigBlocked } from './mtu.ts';
import { localElsewhere, localMissing, remoteDead, remoteIsSelf, remoteUnroutable, silence, underlayDown, underlayUdp } from './underlay.ts';

export const CHECKS: readonly Check[] = [
  portClash, mtuTooLarge, innerChecksum, underlayUdp, remoteDead, vniMismatch, portMismatch, remoteUnroutable, remoteIsSelf, fdbGap, neighbourMissing,
  localMissing, localElsewhere, firewallIn, firewallOut, duplicateMac, movingMac, floodOnly, deviceDown, underlayDown, staleFdb, wrongNeighbour, noReturnRoute,
  reversePath, headerFlags, floodMissing, bridgeFloodOff, outerChecksum, offloadRisk, pathMtu, mtuDiffers, tooBigBlocked, silence, ageing,
];
