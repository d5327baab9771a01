import { describe, expect, test } from 'vitest';
import { readLog } from '../../../src/kernel/bpf/verifier/log.ts';

const NULL_POINTER = `func#0 @0
0: R1=ctx(off=0,imm=0) R10=fp0
; return *value;
3: (85) call bpf_map_lookup_elem#1    ; R0_w=map_value_or_null(id=1,off=0,ks=4,vs=8,imm=0)
4: (79) r0 = *(u64 *)(r0 +0)
R0 invalid mem access 'map_value_or_null'
processed 5 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`;

test('of older kernels: the line without its place, registers with marks', () => {
  expect(readLog(NULL_POINTER)).toEqual({
    reasons: ["R0 invalid mem access 'map_value_or_null'"], instruction: 4, code: '(79) r0 = *(u64 *)(r0 +0)', source: { text: 'return *value;' },
    registers: { R0: 'map_value_or_null(id=1,off=0,ks=4,vs=8,imm=0)' }, advice: [expect.stringContaining('may not be there')],
  });
});

test('takes registers from the path that was followed last', () => {
  const log = '0: R1=ctx() R10=fp0\n2: (b7) r3 = 1                        ; R3=1\nfrom 1 to 5: R1=ctx() R10=fp0\n5: (bf) r2 = r3\nR3 !read_ok\n';
  expect(readLog(log)).toMatchObject({ reasons: ['R3 !read_ok'], registers: {} });
});

test.each([
  ["R1 invalid mem access 'inv'", 'a number is not a pointer'],
  ['invalid indirect read from stack R2 off -16+4 size 16', 'padding too'],
  ['unknown func bpf_probe_read_user#112', 'do not have the helper'],
  ['back-edge from insn 8 to 3', 'give the loop an end'],
  ['The sequence of 8193 jumps is too complex.', '1,000,000 instructions'],
  ['R2 min value is negative, either use unsigned index or do a if (index >=0) check.', 'unsigned'],
  ['math between pkt pointer and register with unbounded min value is not allowed', 'not negative'],
  ['calling kernel function bpf_xdp_ct_lookup is not allowed', 'not for programs of this type'],
  ['Possibly NULL pointer passed to trusted arg0', 'may not be there'],
  ['misaligned stack access off (0x0; 0x0)+-12+0 size 8', 'multiple of its size'],
])('has advice for: %s', (reason, advice) => {
  expect(readLog(`0: (95) exit\n${reason}\nprocessed 1 insns\n`)).toMatchObject({ reasons: [reason], advice: [expect.stringContaining(advice)] });
});

test('has none for what it does not know, and nothing but the reason where that is all there is', () => {
  expect(readLog('the moon is not in order\n')).toEqual({ reasons: ['the moon is not in order'], advice: [], registers: {} });
  expect(readLog('')).toEqual({ reasons: [], advice: [], registers: {} });
});

describe('with a report in paragraphs', () => {
  const report = `${NULL_POINTER}
Verification failed: Memory Safety: Invalid dereference

Reason:
  R0 may be NULL on this path, so that reading through it
  could fault.

At:
  look @ drop.bpf.c:67:9
  Source context:
      66 | 	value = bpf_map_lookup_elem(&table, &zero);
  >>> 67 | 	return *value;
         |  ^-- error: invalid dereference
  Instruction context:
  >>> 4 | (79) r0 = *(u64 *)(r0 +0)

Causal path:
  look @ drop.bpf.c:66:9

Suggestion:
  Check the pointer against NULL
  before the access.

processed 5 insns (limit 1000000)
`;

  test('takes its reason, its place and its suggestion', () => {
    expect(readLog(report)).toMatchObject({
      reasons: ['R0 may be NULL on this path, so that reading through it could fault.', 'Memory Safety: Invalid dereference'],
      source: { place: 'drop.bpf.c:67', text: 'return *value;' }, instruction: 4, registers: { R0: expect.stringContaining('map_value_or_null') },
    });
    expect(readLog(report).advice[0]).toBe('Check the pointer against NULL before the access.');
  });

  test('does without paragraphs that are not there', () => {
    expect(readLog('Verification failed: Verifier Limit\n\nAt:\n  insn 7\n')).toMatchObject({ reasons: ['Verifier Limit'] });
  });
});
