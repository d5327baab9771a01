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
  /** When those were sent that nobody answered, in milliseconds since the first; neighbours lost in one go are one span. */
  lostSpans: { fromMs: number; toMs: number; requests: number }[];
  /** ICMP errors that came back for them. */
  refused: number;
  /** Packets that were let through although the rules deny them. */
  misjudged: number;
  connections: number;
  connectionsFailed: number;
  /** From the call to the greeting; a second more than the others' when the first packet was lost and sent again. */
  slowestConnectionMs: number;
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
  let refused = 0;
  const answered = new Set<number>();
  udp.on('message', (message) => {
    const number = message.readUInt32LE(0);
    if (answered.has(number)) return;
    answered.add(number);
    roundTrips.push((performance.now() - sentAt[number]!) * 1000);
  });
  denied.on('message', () => misjudged++);
  // A refusal by ICMP arrives as an error: the answer that the rules want here, a lost request there.
  denied.on('error', () => undefined);
  udp.on('error', () => refused++);
  await Promise.all([connectUdp(udp, options.udpPort, options.host), connectUdp(denied, options.deniedPort, options.host)]);
  const tcp = connectRepeatedly(options);
  await sendRequests(udp, denied, sentAt, options);
  const connected = await tcp;
  await pause(300);
  udp.close();
  denied.close();
  roundTrips.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(roundTrips[Math.floor(roundTrips.length * share)] ?? 0);
  return {
    sent: sentAt.length, received: answered.size, lost: sentAt.length - answered.size, lostSpans: findSpans(sentAt, answered), refused, misjudged, ...connected, p50Us: at(0.5), p99Us: at(0.99),
  };
}

function findSpans(sentAt: readonly number[], answered: ReadonlySet<number>): TrafficResult['lostSpans'] {
  const spans: TrafficResult['lostSpans'] = [];
  for (let number = 0; number < sentAt.length; number++) {
    if (answered.has(number)) continue;
    const ms = Math.round(sentAt[number]! - sentAt[0]!);
    if (number === 0 || answered.has(number - 1)) spans.push({ fromMs: ms, toMs: ms, requests: 0 });
    const span = spans.at(-1)!;
    span.toMs = ms;
    span.requests++;
  }
  return spans;
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

async function connectRepeatedly({ host, tcpPort, seconds }: TrafficOptions): Promise<Pick<TrafficResult, 'connections' | 'connectionsFailed' | 'slowestConnectionMs'>> {
  const end = performance.now() + seconds * 1000;
  const result = { connections: 0, connectionsFailed: 0, slowestConnectionMs: 0 };
  while (performance.now() < end) {
    const start = performance.now();
    if (await connectOnce(host, tcpPort)) result.connections++;
    else result.connectionsFailed++;
    result.slowestConnectionMs = Math.max(result.slowestConnectionMs, Math.ceil(performance.now() - start));
    await pause(5);
  }
  return result;
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
