/** What helps against the well-known reasons for which the verifier refuses programs. */

/** The first that fits a reason counts: special ones stand before general ones. */
const ADVICE: readonly (readonly [reason: RegExp, advice: string])[] = [
  [/unknown#195896080/, 'this kernel does not have the field, type or enumerator: ask bpf_core_field_exists(), bpf_core_type_exists() or bpf_core_enum_value_exists() first'],
  [/too large\. Processed|too complex|complexity|too many (states|jumps)/i,
    'the verifier follows 1,000,000 instructions: use bpf_loop() or bpf_for(), make parts global functions, which are verified alone, or split with tail calls'],
  [/_or_null|null-check|Possibly NULL|NULL pointer/i, 'what is looked up may not be there: if (!pointer) return …; before it is used'],
  [/packet/, 'compare with data_end first, for each pointer: if (data + LENGTH > data_end) return …;'],
  [/min value is negative|unbounded min value|negative/, 'make the index or length unsigned, or check that it is not negative'],
  [/map value|allowed memory range|unbounded memory access|invalid access to memory|outside of .*(range|region)|variable offset/,
    'bound the index right before it is used: if (i >= SIZE) return …; or mask it with a power of two: i &= SIZE - 1'],
  [/!read_ok/, 'nothing was written there: set the variable on every path, and return a value from every function'],
  [/read from stack|stack R\d|uninit/i, 'the stack holds 512 bytes; set all of a variable before it is read or handed over, padding too: struct key key = {}'],
  [/stack size|stack depth/i, 'the functions of a call chain share 512 bytes of stack: keep large data in a per-CPU array map'],
  [/infinite loop|back-edge/, 'give the loop an end that can be seen: for (i = 0; i < CONSTANT; i++), bpf_loop() or bpf_for()'],
  [/GPL/, 'declare the licence: char LICENSE[] SEC("license") = "GPL";'],
  [/sleep/, 'only sleepable programs may wait: SEC("NAME.s"), where the hook has it'],
  [/cannot use helper|unknown func|invalid func/, 'programs of this type do not have the helper: see which ones do with sluice bpf features, or take another section'],
  [/kernel function .* (is )?not allowed|calling kernel function/, 'the kernel function is not for programs of this type'],
  [/[Rr]eference|would lead to .* leak/, 'give back what was taken on every path: bpf_ringbuf_submit() or _discard(), bpf_sk_release(), bpf_…_release()'],
  [/context access/, 'the context of this program type has no such field, or it may only be read, or only in its own width'],
  [/write into map forbidden|read.only/, 'const variables and read-only maps cannot be written: drop const'],
  [/should have been in|return value|At program exit/, 'return one of the values that this hook takes'],
  [/invalid mem access '(scalar|inv)'/, 'a number is not a pointer: read kernel memory with BPF_CORE_READ() or bpf_probe_read_kernel(), that of processes with bpf_probe_read_user()'],
  [/type=\S+ expected=/, 'the call wants another kind of argument: the address of a variable or map value, not a number or another pointer'],
  [/pointer arithmetic|math between|pointer operation/, 'only add bounded, unsigned numbers to a pointer, and only once it was checked'],
  [/unreachable insn/, 'code that cannot be reached must go; it is often left behind by an endless loop'],
  [/misaligned/, 'the access must lie at a multiple of its size'],
  [/lock/i, 'hold one lock at a time, call nothing while it is held, and give it back on every path'],
];

/** Advice for a reason in the verifier's words; empty for one that is not well known. */
export const adviceFor = (reason: string): string[] => ADVICE.filter(([pattern]) => pattern.test(reason)).map(([, advice]) => advice).slice(0, 1);
