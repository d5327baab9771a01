import { createHash } from 'node:crypto';
import type { KubeEndpoint, KubeService } from './kube-rules.ts';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** `namespace/name:port`, or `namespace/name` for a nameless port: how kube-proxy writes a service in comments. */
export function servicePortName(service: KubeService): string {
  const port = service.portName === undefined ? '' : `:${service.portName}`;
  return `${service.namespace}/${service.name}${port}`;
}

/** `KUBE-SVC-…`: prefix and a hash of service and protocol, the same name that kube-proxy computes. */
export function serviceChain(prefix: 'KUBE-SVC' | 'KUBE-SVL' | 'KUBE-EXT' | 'KUBE-FW', service: KubeService): string {
  return `${prefix}-${hash(servicePortName(service) + service.protocol)}`;
}

/** `KUBE-SEP-…`: the chain of one endpoint. */
export function endpointChain(service: KubeService, endpoint: KubeEndpoint): string {
  return `KUBE-SEP-${hash(servicePortName(service) + service.protocol + socketAddress(endpoint.address, endpoint.port))}`;
}

/** `10.0.0.1:80` or `[fd00::1]:80`. */
export function socketAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The first 16 characters of the base-32 form (RFC 4648 §6) of a SHA-256 digest: its first ten bytes. */
function hash(text: string): string {
  const digest = createHash('sha256').update(text).digest();
  let bits = 0n;
  for (const byte of digest.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  return Array.from({ length: 16 }, (_, index) => BASE32[Number((bits >> BigInt(75 - 5 * index)) & 31n)]).join('');
}
