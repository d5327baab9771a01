import { createSocket, type Socket } from 'node:dgram';
import { connect } from 'node:net';

export interface TrafficOptions {
  host: string;
  /** Where a UDP server sends back what it gets, and a TCP server says hello. */
  udpPort: number;
  tcpPort: number;
  /** A UDP port that the firewall denies: any answer from it is a misjudged packet. */
  deniedPort: number;
  seconds: number;
  /** UDP requests a second. */
  rate: number;
}

export interface TrafficResult {
  sent: number;
  received: number;
  lost: number;
  /** Packets that were let through although the rules deny them. */
  misjudged: number;
  connections: number;
  connectionsFailed: number;
  /** Round trip of the UDP requests in microseconds. */
  p50Us: number;
  p99Us: number;
}

/** Sends numbered requests and connects again and again, and says what came of it. */
export async function generateTraffic(options: TrafficOptions): Promise<TrafficResult> {
  const udp = createSocket('udp4');
  const denied = createSocket('udp4');
  const sentAt: number[] = [];
  const roundTrips: number[] = [];
  let misjudged = 0;
  const answered = new Set<number>();
  udp.on('message', (message) => {
    const number = message.readUInt32LE(0);
    if (answered.has(number)) return;
    answered.add(number);
    roundTrips.push((performance.now() - sentAt[number]!) * 1000);
  });
  denied.on('message', () => misjudged++);
  // A refusal by ICMP arrives as an error: the answer that the rules want here, a lost request there.
  for (const socket of [udp, denied]) socket.on('error', () => undefined);
  await Promise.all([connectUdp(udp, options.udpPort, options.host), connectUdp(denied, options.deniedPort, options.host)]);
  const tcp = connectRepeatedly(options);
  await sendRequests(udp, denied, sentAt, options);
  const { connections, connectionsFailed } = await tcp;
  await pause(300);
  udp.close();
  denied.close();
  roundTrips.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(roundTrips[Math.floor(roundTrips.length * share)] ?? 0);
  return { sent: sentAt.length, received: answered.size, lost: sentAt.length - answered.size, misjudged, connections, connectionsFailed, p50Us: at(0.5), p99Us: at(0.99) };
}

/** How much faster than asked for whoever was held up goes on, until all is sent that was due. */
const CATCH_UP = 4;

async function sendRequests(udp: Socket, denied: Socket, sentAt: number[], { rate, seconds }: TrafficOptions): Promise<void> {
  const start = performance.now();
  const total = rate * seconds;
  while (sentAt.length < total) {
    const late = Math.ceil(((performance.now() - start) / 1000) * rate);
    // Not in one burst: that would only fill the receiver's buffer, which holds about 250.
    const due = Math.min(total, late, sentAt.length + Math.max(1, Math.ceil((rate * CATCH_UP) / 1000)));
    for (let number = sentAt.length; number < due; number++) {
      const message = Buffer.alloc(32);
      message.writeUInt32LE(number);
      sentAt.push(performance.now());
      udp.send(message);
      if (number % 10 === 0) denied.send(message);
    }
    await pause(1);
  }
}

async function connectRepeatedly({ host, tcpPort, seconds }: TrafficOptions): Promise<{ connections: number; connectionsFailed: number }> {
  const end = performance.now() + seconds * 1000;
  let connections = 0;
  let connectionsFailed = 0;
  while (performance.now() < end) {
    if (await connectOnce(host, tcpPort)) connections++;
    else connectionsFailed++;
    await pause(5);
  }
  return { connections, connectionsFailed };
}

/** True when the server said hello within two seconds. */
function connectOnce(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let greeted = false;
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('data', () => (greeted = true));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(greeted));
  });
}

const connectUdp = (socket: Socket, port: number, host: string): Promise<void> => new Promise((resolve) => socket.connect(port, host, () => resolve()));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
