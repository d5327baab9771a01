import { formatAddress } from '../../../lib/ip.ts';
import { protocolName } from '../../../lib/packet/names.ts';

const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
/** sizeof(struct bpf_flow_keys) */
export const FLOW_KEYS_BYTES = 56;

/** What a flow dissector found out, by name. @kernel linux/bpf.h struct bpf_flow_keys */
export function readFlowKeys(keys: Buffer): Record<string, string> {
  if (keys.length < FLOW_KEYS_BYTES) return {};
  const network = keys.readUInt16BE(10);
  const addresses = { [ETH_P_IP]: [readAddress(keys, 16, 1), readAddress(keys, 20, 1)], [ETH_P_IPV6]: [readAddress(keys, 16, 4), readAddress(keys, 32, 4)] }[keys.readUInt16LE(4)];
  return {
    'network header': `${keys.readUInt16LE(0)}`, 'transport header': `${keys.readUInt16LE(2)}`, 'ethernet type': `0x${network.toString(16).padStart(4, '0')}`,
    protocol: protocolName(keys[9]!), 'source port': `${keys.readUInt16BE(12)}`, 'destination port': `${keys.readUInt16BE(14)}`,
    ...(addresses === undefined ? {} : { source: addresses[0]!, destination: addresses[1]! }),
    fragment: keys[6] === 0 ? 'no' : keys[7] === 0 ? 'yes' : 'the first', encapsulated: keys[8] === 0 ? 'no' : 'yes',
    flags: `0x${keys.readUInt32LE(48).toString(16)}`, 'flow label': `0x${keys.readUInt32BE(52).toString(16)}`,
  };
}

const readAddress = (keys: Buffer, at: number, words: number): string => formatAddress(Array.from({ length: words }, (_, i) => keys.readUInt32BE(at + i * 4)));
