import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadObject } from '../../../src/kernel/bpf/index.ts';
import { assemble } from '../../../src/kernel/bpf/object/assemble.ts';
import { lineOf } from '../../../src/kernel/bpf/object/line-of.ts';
import { ObjectFile } from '../../../src/kernel/bpf/object/object-file.ts';
import { OfflineResolver } from '../../../src/kernel/bpf/object/resolver.ts';
import { VerifierError } from '../../../src/lib/errors.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireRoot } from '../../support/require.ts';

let fixtures: Fixtures;
let object: Buffer;

beforeAll(async () => {
  requireRoot();
  fixtures = new Fixtures();
  object = await fixtures.read('verifier');
});

afterAll(() => fixtures.remove());

function refusalOf(program: string, bytes: Buffer = object): VerifierError {
  try {
    loadObject(bytes, 'verifier', { programs: [program] }).close();
  } catch (error) {
    if (error instanceof VerifierError) return error;
    throw error;
  }
  throw new Error(`${program} was loaded`);
}

test.each([
  ['packet', 'return ethernet->h_proto;', /offset is outside of the packet/, { R1: /^pkt\(/ }, 'compare with data_end first'],
  ['entry', 'return values ? values[ctx->rx_queue_index] : 0;', /unbounded memory access/, { R0: /^map_value\(map=numbers,.*umax=0x3fffffffc/ }, 'bound the index'],
  ['bound', 'return values[at];', /outside of the allowed memory range/, { R0: /^map_value\(map=numbers,.*umax32=32,var_off=\(0x0; 0x3c\)\)$/ }, 'bound the index'],
  ['null', 'return *value;', /invalid mem access 'map_value_or_null'/, { R0: /^map_value_or_null\(.*map=table/ }, 'may not be there'],
  ['arithmetic', 'asm volatile("%0 += 4" : "+r"(value));', /pointer arithmetic on map_value_or_null prohibited/, { R0: /^map_value_or_null/ }, 'may not be there'],
  ['uninitialised', 'asm volatile("%0 = r7" : "=r"(result));', /R7 !read_ok/, {}, 'nothing was written there'],
  ['stack', 'asm volatile("%0 = *(u64 *)(r10 - 600)" : "=r"(word));', /invalid read from stack/, {}, 'the stack holds 512 bytes'],
  ['endless', 'asm volatile("1: if %0 != 5 goto 1b" : "+r"(word));', /infinite loop detected/, { R1: /^scalar\(/ }, 'give the loop an end'],
  ['helper', 'return bpf_skb_change_tail((void *)ctx, 10, 0);', /bpf_skb_change_tail#38/, {}, 'do not have the helper'],
  ['reference', 'return event ? *event : 0;', /reference/i, {}, 'give back what was taken'],
  ['context', 'return *(int *)((void *)ctx + 100);', /invalid bpf_context access off=100 size=4/, { R1: /^ctx/ }, 'the context of this program type has no such field'],
  ['read_only', '*(volatile __u32 *)&constant = 7;', /write into map forbidden/, { R1: /^map_value\(.*rodata/, R2: /^7$/ }, 'drop const'],
  ['result', 'return skb->len;', /should have been in/, { R0: /^scalar/ }, 'return one of the values'],
  ['number', 'return *(int *)(long)ctx->rx_queue_index;', /invalid mem access 'scalar'/, { R1: /^scalar/ }, 'a number is not a pointer'],
  ['sleeping', 'return bpf_copy_from_user(&byte, 1, 0);', /sleep/, {}, 'only sleepable programs may wait'],
  ['no_field', 'return task->no_such_member;', /invalid func unknown#195896080/, {}, 'this kernel does not have the field'],
  ['argument', 'return bpf_map_update_elem(&numbers, (void *)7, ctx, 0);', /R2 type=scalar expected=/, { R2: /^7$/ }, 'another kind of argument'],
] as const)('%s: line, reason, registers and advice', (program, text, reason, registers, advice) => {
  const { refusal, log } = refusalOf(program);
  expect(refusal.source).toMatchObject({ text, place: expect.stringMatching(/^verifier\.bpf\.c:\d+$/) });
  expect(refusal.reasons.at(-1)).toMatch(reason);
  expect(Object.keys(refusal.registers)).toEqual(Object.keys(registers));
  for (const [register, state] of Object.entries(registers)) expect(refusal.registers[register]).toMatch(state);
  expect(refusal.advice[0]).toContain(advice);
  expect(log).toContain(`${refusal.instruction}: ${refusal.code}`);
});

test('the line is also known from the object, for kernels whose log has no place', () => {
  const file = new ObjectFile(object, 'verifier');
  const { refusal } = refusalOf('bound');
  const { lineInfo } = assemble(file, file.programs.find(({ name }) => name === 'bound')!, new OfflineResolver(file));
  expect(lineOf(file.btf, lineInfo, refusal.instruction!)).toEqual(refusal.source);
  expect(lineOf(file.btf, Buffer.alloc(0), 0)).toBeUndefined();
});

test('a call chain that needs too much stack is refused as a whole, at no line', () => {
  const { refusal, message } = refusalOf('too_deep');
  expect(message).toBe('load too_deep: EACCES: combined stack size of 2 calls is 800. Too large');
  expect(refusal.advice[0]).toContain('share 512 bytes of stack');
});

test('without the licence a helper is forbidden', () => {
  const bytes = Buffer.from(object);
  bytes.write('BSD\0', bytes.indexOf('GPL\0'), 'latin1');
  const { refusal } = refusalOf('licence', bytes);
  expect(refusal.reasons.at(-1)).toMatch(/cannot call GPL-restricted function/);
  expect(refusal.advice).toEqual(['declare the licence: char LICENSE[] SEC("license") = "GPL";']);
});

test('a program that takes too many steps says so, though the log of them does not fit', () => {
  const { refusal, message, log } = refusalOf('complex');
  expect(message).toMatch(/^load complex: E2BIG at verifier\.bpf\.c:\d+ \(for .*\): BPF program is too large\. Processed 1000001 insn$/);
  expect(refusal.advice[0]).toContain('the verifier follows 1,000,000 instructions');
  expect(log.length).toBeLessThan(17 << 20);
});
