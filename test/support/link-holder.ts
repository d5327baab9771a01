/** A process that holds a link by its descriptor alone, until its standard input ends: what agents do that pin nothing. */

import { attachRawTracepoint, attachXdp, linkInfo, loadSmallest } from '../../src/kernel/bpf/index.ts';
import { bpf } from '../../src/kernel/uapi/index.ts';

const LOOPBACK = 1;

const xdp = process.argv[2] === 'xdp';
const program = loadSmallest(xdp ? bpf.BPF_PROG_TYPE_XDP : bpf.BPF_PROG_TYPE_RAW_TRACEPOINT);
const link = xdp ? attachXdp(program, LOOPBACK) : attachRawTracepoint(program, 'sched_switch');
process.stdout.write(`${JSON.stringify({ programId: program.info().id, linkId: linkInfo(link).id })}\n`);
process.stdin.resume().once('end', () => {
  link.close();
  program.close();
});
