/** What a capture is asked for, and what it gives. */

export interface CaptureRequest {
  /** Name of the tunnel. */
  name: string;
  netns?: { path: string; label: string };
  /** A pcap expression; empty for every packet. */
  filter: string;
  /** Ends after so many packets. */
  count?: number | undefined;
  /** Writes them here as well, whole; `-` is standard output. */
  file?: string | undefined;
  /** Ends it from outside. */
  signal: AbortSignal;
}

/** One packet that passed the device below and the filter. */
export interface CapturedLine {
  /** UTC with nanoseconds. */
  time: string;
  direction: 'in' | 'out';
  /** The device that it passed. */
  device: string;
  /** Bytes on the wire, outer headers included. */
  length: number;
  /** Outer and inner headers. */
  text: string;
}

/** What there is to say at the end. */
export interface CaptureSummary {
  /** Packets that were shown or written. */
  captured: number;
  /** Packets of the tunnel that were seen, with those that the filter held back. */
  seen: number;
  /** Packets that came faster than they were read. */
  lost: number;
  file?: string;
}
