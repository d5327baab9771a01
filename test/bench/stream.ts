/**
 * `node stream.ts serve` and `node stream.ts measure ADDRESS`: what TCP gets through between two namespaces.
 *
 * The client prints megabits a second and the median round trip of one byte, as JSON; the server ends with it.
 */

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const PORT = 7777;
const CHUNK = Buffer.alloc(256 << 10);
const STREAM_MS = 1500;
const PINGS = 2000;

const [role, address] = process.argv.slice(2);
if (role === 'serve') serve();
else process.stdout.write(`${JSON.stringify(await measure(address!))}\n`);

/** The first byte of a connection says what it is for: `p` echoes, anything else only counts. */
function serve(): void {
  const server = createServer((socket) => {
    socket.setNoDelay();
    let echo: boolean | undefined;
    socket.on('data', (data) => {
      echo ??= data[0] === 0x70;
      if (echo) socket.write(data);
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => void (echo === true && server.close()));
  }).listen(PORT, () => process.stdout.write('ready\n'));
}

async function measure(to: string): Promise<{ mbitPerSecond: number; roundTripUs: number }> {
  return { mbitPerSecond: await stream(await open(to)), roundTripUs: await ping(await open(to)) };
}

async function open(to: string): Promise<Socket> {
  const socket = connect(PORT, to).setNoDelay();
  await once(socket, 'connect');
  return socket;
}

async function stream(socket: Socket): Promise<number> {
  const start = performance.now();
  while (performance.now() - start < STREAM_MS) if (!socket.write(CHUNK)) await once(socket, 'drain');
  socket.end();
  await once(socket.resume(), 'close');
  return (socket.bytesWritten * 8) / 1000 / (performance.now() - start);
}

async function ping(socket: Socket): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < PINGS; i++) {
    const start = performance.now();
    socket.write('p');
    await once(socket, 'data');
    times.push(performance.now() - start);
  }
  socket.end();
  await once(socket.resume(), 'close');
  return times.sort((a, b) => a - b)[PINGS / 2]! * 1000;
}
