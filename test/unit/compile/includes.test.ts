import { expect, test } from 'vitest';
import { formatDiagnostic, readDiagnostics } from '../../../src/domain/compile/diagnostics.ts';
import { missingIncludes } from '../../../src/domain/compile/includes.ts';

const advise = (message: string, source: string = 'line'): string[] => missingIncludes(
  [{ file: 'a.c', line: 1, column: 1, severity: 'error', message }], { file: 'a.c', source, isKernelType: (name) => name === 'task_struct' },
);

test('lines of the compiler are read, those that show the source are not', () => {
  const stderr = "In file included from a.c:1:\na.c:7:5: error: expected ')'\nSEC(\"xdp\")\n    ^\n/usr/x.h:1:2: warning: w [-Wx]\na.c:1:10: fatal error: 'x.h' file not found\n3 errors generated.\n";
  const diagnostics = readDiagnostics(stderr);
  expect(diagnostics.map(({ file, line, severity }) => [file, line, severity])).toEqual([['a.c', 7, 'error'], ['/usr/x.h', 1, 'warning'], ['a.c', 1, 'error']]);
  expect(formatDiagnostic(diagnostics[0]!)).toBe("a.c:7:5: error: expected ')'");
});

test.each([
  ["expected parameter declarator", 'SEC("xdp")', '<bpf/bpf_helpers.h>  for SEC'],
  ["expected ')'", '\t__uint(type, BPF_MAP_TYPE_HASH);', '<bpf/bpf_helpers.h>  for __uint'],
  ["implicit declaration of function 'htons' is invalid in C99", '', '<arpa/inet.h>  for htons; or use bpf_htons'],
  ["call to undeclared function 'bpf_htons'; ISO C99 and later do not support implicit function declarations", '', '<bpf/bpf_endian.h>  for bpf_htons'],
  ["use of undeclared identifier 'bpf_map_lookup_elem'", '', '<bpf/bpf_helpers.h>'],
  ["use of undeclared identifier 'BPF_CORE_READ'", '', '<bpf/bpf_core_read.h>'],
  ["use of undeclared identifier 'ETH_P_IP'", '', '<linux/if_ether.h>'],
  ["use of undeclared identifier 'IPPROTO_TCP'", '', '<linux/in.h>'],
  ["use of undeclared identifier 'TC_ACT_OK'", '', '<linux/pkt_cls.h>'],
  ["use of undeclared identifier 'XDP_PASS'", '', '<linux/bpf.h>'],
  ["unknown type name '__u32'", '', '<linux/types.h>'],
  ["incomplete definition of type 'struct iphdr'", '', '<linux/ip.h>'],
  ["arithmetic on a pointer to an incomplete type 'struct ethhdr'", '', '<linux/if_ether.h>'],
  ["variable has incomplete type 'struct task_struct'", '', '"vmlinux.h"'],
])('%s: %s', (message, source, advice) => {
  expect(advise(message, source)).toEqual([expect.stringContaining(`add  #include ${advice}`)]);
});

test('nothing is advised that is there, nor for names that nobody knows', () => {
  expect(advise("use of undeclared identifier 'foo'")).toEqual([]);
  expect(advise("expected ')'", 'SEC("xdp") #include\n#include <bpf/bpf_helpers.h>')).toEqual([]);
  expect(advise("unknown type name 'task_struct'", '#include "vmlinux.h"')).toEqual([]);
});

test('with vmlinux.h a macro is to be written, as the headers exclude each other', () => {
  expect(advise("use of undeclared identifier 'ETH_P_IP'", '#include "vmlinux.h"')).toEqual([expect.stringContaining('#define ETH_P_IP in the program')]);
});

test('headers that are not installed lead to a package', () => {
  expect(advise("'bpf/bpf_helpers.h' file not found")).toEqual(['apt-get install libbpf-dev']);
  expect(advise("'mine.h' file not found")).toEqual([]);
});
