/** Which #include is missing when the compiler does not know a name. */

import type { Diagnostic } from './diagnostics.ts';

/** What is known about the source and the kernel. */
export interface Knowledge {
  /** Name and text of the source. */
  file: string;
  source: string;
  /** Whether the kernel's BTF has a type of the name. */
  isKernelType: (name: string) => boolean;
}

const HELPERS = '<bpf/bpf_helpers.h>';

/** Headers by the names that they define; the first that fits is taken. */
const HEADERS: readonly (readonly [names: RegExp, header: string])[] = [
  [/^bpf_(?:hton|ntoh)[sl]$|^bpf_(?:cpu_to_be|be)(?:16|32|64)/, '<bpf/bpf_endian.h>'],
  [/^(?:hton|ntoh)[sl]$/, '<arpa/inet.h>'],
  [/^BPF_CORE_READ|^BPF_PROBE_READ|^bpf_core_/, '<bpf/bpf_core_read.h>'],
  [/^BPF_USDT|^bpf_usdt_/, '<bpf/usdt.bpf.h>'],
  [/^BPF_(?:PROG2?|KPROBE|KRETPROBE|KSYSCALL|UPROBE|URETPROBE)$|^PT_REGS_/, '<bpf/bpf_tracing.h>'],
  [/^(?:SEC|__uint|__type|__array|__ulong|__always_inline|__noinline|__weak|__hidden|__ksym|__kconfig|__kptr(?:_untrusted)?|barrier_var)$|^bpf_\w+$/, HELPERS],
  [/^(?:XDP|BPF|SK)_[A-Z0-9_]+$|^(?:xdp_md|__sk_buff|sk_msg_md|bpf_\w+)$/, '<linux/bpf.h>'],
  [/^ETH_[A-Z0-9_]+$|^ethhdr$/, '<linux/if_ether.h>'],
  [/^IPPROTO_[A-Z0-9_]+$|^in_addr$/, '<linux/in.h>'],
  [/^TC_ACT_[A-Z0-9_]+$/, '<linux/pkt_cls.h>'],
  [/^NF_[A-Z0-9_]+$|^NFPROTO_[A-Z0-9_]+$/, '<linux/netfilter.h>'],
  [/^(?:iphdr|IP_\w+)$/, '<linux/ip.h>'],
  [/^ipv6hdr$/, '<linux/ipv6.h>'],
  [/^in6_addr$/, '<linux/in6.h>'],
  [/^tcphdr$/, '<linux/tcp.h>'],
  [/^udphdr$/, '<linux/udp.h>'],
  [/^icmphdr$/, '<linux/icmp.h>'],
  [/^arphdr$/, '<linux/if_arp.h>'],
  [/^vlan_hdr$/, '<linux/if_vlan.h>'],
  [/^__(?:u|s|be|le)(?:8|16|32|64)$/, '<linux/types.h>'],
  [/^u?int(?:8|16|32|64)_t$/, '<stdint.h>'],
  [/^(?:bool|true|false)$/, '<stdbool.h>'],
];

/** Macros, which the compiler does not name when they are missing: it stumbles over what stands behind. */
const MACROS = /\b(SEC|__uint|__type|__array|__ulong|BPF_PROG2?|BPF_KPROBE|BPF_KRETPROBE|BPF_KSYSCALL|BPF_USDT|__always_inline|__noinline)\b/g;

/** Packages that bring headers which were not found. */
const PACKAGES: readonly (readonly [header: RegExp, hint: string])[] = [
  [/^bpf\//, 'apt-get install libbpf-dev'],
  [/^vmlinux\.h$/, 'the kernel shows no types (CONFIG_DEBUG_INFO_BTF): include the <linux/…> headers that the program needs'],
  [/^(?:linux|asm|asm-generic)\//, 'apt-get install linux-libc-dev'],
  [/^(?:arpa|sys|netinet|bits|gnu)\/|^(?:std\w+|string|errno|limits|assert)\.h$/, 'apt-get install libc6-dev'],
];

/** One line for each header that is missing, with the names that it is needed for. */
export function missingIncludes(diagnostics: readonly Diagnostic[], knowledge: Knowledge): string[] {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const lines = knowledge.source.split('\n');
  const own = errors.filter(({ file }) => file === knowledge.file);
  const names = new Set(own.flatMap((error) => [...unknownNames(error.message), ...unknownMacros(lines[error.line - 1] ?? '')]));
  const needed = new Map<string, string[]>();
  for (const name of names) {
    const header = headerOf(name, names, knowledge);
    if (header !== undefined && !includes(knowledge.source, header)) needed.set(header, [...(needed.get(header) ?? []), name]);
  }
  const advice = [...needed].map(([header, users]) => adviceFor(header, users, knowledge));
  return [...advice, ...(errors.some(isOutOfOrder) ? [ORDER] : []), ...errors.flatMap(({ message }) => packageOf(message))];
}

const ORDER = `<linux/bpf.h> or "vmlinux.h" comes in front of ${HELPERS}, which uses their types`;

/** libbpf's headers include none themselves. */
const isOutOfOrder = ({ file, message }: Diagnostic): boolean => file.endsWith('/bpf/bpf_helper_defs.h') && /unknown type name '__u/.test(message);

/** Clang's sentences about names that it does not know; the wording differs by version. */
const UNKNOWN: readonly RegExp[] = [
  /(?:undeclared identifier|unknown type name|implicit declaration of function|implicitly declaring library function) '(\w+)'/,
  /call to undeclared (?:library )?function '(\w+)'/,
  /incomplete (?:element type|definition of type|type) '(?:const |volatile )*(?:struct|union|enum) (\w+)/,
];

function unknownNames(message: string): string[] {
  const match = UNKNOWN.map((pattern) => pattern.exec(message)).find((found) => found !== null);
  return match === undefined ? [] : [match[1]!];
}

const unknownMacros = (line: string): string[] => [...line.matchAll(MACROS)].map(([name]) => name);

function headerOf(name: string, missing: ReadonlySet<string>, { source, isKernelType }: Knowledge): string | undefined {
  const header = HEADERS.find(([names]) => names.test(name))?.[1];
  // That header has the protocols too, and does not go together with the kernel's.
  if (header === '<linux/in.h>' && [...missing].some((other) => /^(?:hton|ntoh)[sl]$/.test(other))) return '<arpa/inet.h>';
  if (header !== undefined) return header;
  return isKernelType(name) && !includes(source, '"vmlinux.h"') ? '"vmlinux.h"' : undefined;
}

const includes = (source: string, header: string): boolean =>
  new RegExp(`^\\s*#\\s*include\\s*[<"]${header.slice(1, -1).replaceAll('.', '\\.')}[>"]`, 'm').test(source);

function adviceFor(header: string, users: readonly string[], { source }: Knowledge): string {
  const names = users.join(', ');
  if (header.startsWith('<linux/') && includes(source, '"vmlinux.h"'))
    return `vmlinux.h has types but no macros, and ${header} does not go together with it: #define ${names} in the program`;
  const instead = header === '<arpa/inet.h>' && users.some((name) => /^[hn]/.test(name)) ? '; or use bpf_htons and its like from <bpf/bpf_endian.h>' : '';
  return `add  #include ${header}  for ${names}${header === HELPERS ? `, behind <linux/bpf.h> or "vmlinux.h"` : instead}`;
}

function packageOf(message: string): string[] {
  const header = /^'([^']+)' file not found$/.exec(message)?.[1];
  const hint = header === undefined ? undefined : PACKAGES.find(([headers]) => headers.test(header))?.[1];
  return hint === undefined ? [] : [hint];
}
