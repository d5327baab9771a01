import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { TCP_PORT, UDP_PORT } from './plan.ts';

/** A pod's servers, until the process is ended: TCP says hello, UDP sends back what it got. */
export function serve(name: string): Promise<never> {
  createServer((connection) => {
    connection.on('error', () => connection.destroy());
    connection.end(`hello from ${name}\n`);
  }).listen(TCP_PORT, '::');
  const udp = createSocket('udp6');
  udp.on('message', (message, peer) => udp.send(message, peer.port, peer.address));
  udp.bind(UDP_PORT);
  return new Promise<never>(() => undefined);
}
