import { Args, Flags } from '@oclif/core';

const GLOBAL = 'GLOBAL';

/** Flags of every command. */
export const globalFlags = {
  output: Flags.string({
    char: 'o', helpGroup: GLOBAL, env: 'SLUICE_OUTPUT', helpValue: 'FORMAT',
    summary: 'table, wide, json, yaml, jsonl, name, jsonpath=PATH or custom-columns=NAME:.path,…',
  }),
  json: Flags.boolean({ helpGroup: GLOBAL, summary: 'Same as -o json' }),
  quiet: Flags.boolean({ char: 'q', helpGroup: GLOBAL, summary: 'No hints and no progress' }),
  verbose: Flags.boolean({ char: 'v', helpGroup: GLOBAL, summary: 'Say each step on standard error' }),
  debug: Flags.boolean({ helpGroup: GLOBAL, summary: 'Show stack traces of errors' }),
  'no-headers': Flags.boolean({ helpGroup: GLOBAL, summary: 'Leave the header line out' }),
  'sort-by': Flags.string({ helpGroup: GLOBAL, helpValue: 'COLUMN', summary: 'Sort the table by a column' }),
  columns: Flags.string({ helpGroup: GLOBAL, helpValue: 'A,B', summary: 'Show these columns' }),
  limit: Flags.integer({ helpGroup: GLOBAL, min: 0, helpValue: 'N', summary: 'Show at most N rows; 0 shows all' }),
  color: Flags.string({ helpGroup: GLOBAL, options: ['auto', 'always', 'never'], summary: 'When to colour' }),
  'no-color': Flags.boolean({ helpGroup: GLOBAL, summary: 'Same as --color never' }),
  'no-input': Flags.boolean({ helpGroup: GLOBAL, summary: 'Never ask; fail instead' }),
  yes: Flags.boolean({ char: 'y', helpGroup: GLOBAL, summary: 'Answer questions with yes' }),
  timeout: Flags.string({ helpGroup: GLOBAL, helpValue: 'DURATION', summary: 'Give up after this long (30s, 2m)' }),
  netns: Flags.string({ helpGroup: GLOBAL, helpValue: 'NAME|PATH|PID', summary: 'Work in another network namespace' }),
  'show-native': Flags.boolean({ helpGroup: GLOBAL, summary: 'Show the native commands that are run, on standard error' }),
};

/** Flag of lists that can be read again and again. */
export const watchFlags = {
  watch: Flags.boolean({ char: 'w', summary: 'Go on, and print rows that are new or have changed, every second' }),
};

/** Flag of commands that show or take bytes of maps. */
export const decodeFlags = {
  as: Flags.string({ helpValue: 'FIELD=FORMAT,…', summary: 'Read fields in a format (key=ipv4,value.port=port); none: no guesses from names' }),
};

/** Flags of commands that change the node. */
export const changeFlags = {
  'dry-run': Flags.string({
    options: ['client', 'kernel', 'server', 'none'], default: 'none', helpValue: 'client|kernel',
    summary: 'Show what would be done; kernel also loads and verifies it, then lets go',
  }),
  'confirm-within': Flags.string({ helpValue: 'DURATION', summary: 'Revert by itself unless confirmed within this time' }),
  force: Flags.boolean({ summary: 'Go on where a safety check says no' }),
};

/** Where a program goes, and where in a row of programs. */
export const attachFlags = {
  attach: Flags.string({ char: 'a', multiple: true, helpValue: 'HOOK:TARGET', summary: 'Attach to this hook, such as xdp:eth0; may be repeated' }),
  before: Flags.string({ exclusive: ['after'], helpValue: 'ID|link:ID|all', summary: 'In a row of programs, stand before this program or link' }),
  after: Flags.string({ helpValue: 'ID|link:ID|all', summary: 'In a row of programs, stand after this program or link' }),
  revision: Flags.string({ helpValue: 'N', summary: 'Refuse when the row has another revision by now' }),
  prio: Flags.integer({ min: 1, max: 65535, helpValue: 'N', summary: 'Preference of a tc filter; the lowest runs first' }),
};

/** How a BPF object is named. */
export const BPF_REFERENCE = '412, id 412, NAME, name NAME, tag TAG, or the path of a pin';

/** A positional argument that never swallows standard input (an optional one otherwise reads a pipe). */
export const argument = (options: { description: string; required?: boolean }): ReturnType<typeof Args.string> =>
  Args.string({ ...options, ignoreStdin: true });

/**
 * Compilers call the file they write `-o FILE.o`, which here is the format: a value that ends in `.o`, as no format does, is
 * handed to `--out`.
 */
export function outputAsFile(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.flatMap((word, i) => {
    if (end >= 0 && i > end) return [word];
    if ((word === '-o' || word === '--output') && argv[i + 1]?.endsWith('.o') === true) return ['--out'];
    const joined = /^(?:-o=?|--output=)(.+\.o)$/.exec(word);
    return joined === null ? [word] : ['--out', joined[1]!];
  });
}

/** Flags of commands that read rules. */
export const rulesetFlags = {
  filename: Flags.string({ char: 'f', helpValue: 'FILE|-', summary: 'Read an iptables-save dump instead of the node; needs no root' }),
  ipv4: Flags.boolean({ char: '4' as never, exclusive: ['ipv6'], summary: 'IPv4 only' }),
  ipv6: Flags.boolean({ char: '6' as never, exclusive: ['ipv4'], summary: 'IPv6 only' }),
  backend: Flags.string({ options: ['auto', 'legacy', 'nft', 'all'], default: 'auto', summary: 'Which iptables; auto takes whichever holds rules' }),
};

/** What those flags ask for. */
export function rulesetRequest(flags: { filename: string | undefined; ipv4: boolean; ipv6: boolean; backend: string }): {
  file?: string; families: ('ipv4' | 'ipv6')[]; backend: 'auto' | 'legacy' | 'nft' | 'all';
} {
  return {
    families: flags.ipv4 ? ['ipv4'] : flags.ipv6 ? ['ipv6'] : ['ipv4', 'ipv6'],
    backend: flags.backend as 'auto',
    ...(flags.filename === undefined ? {} : { file: flags.filename }),
  };
}

/** Flags that tell one forwarding entry of a MAC address from another. */
export const fdbFlags = {
  dst: Flags.string({ helpValue: 'IP', summary: 'Remote end' }),
  port: Flags.integer({ helpValue: 'N', summary: 'UDP port of the remote end where it is not that of the device' }),
  vni: Flags.integer({ helpValue: 'N', summary: 'VNI to send with where it is not that of the device' }),
  'source-vni': Flags.integer({ helpValue: 'N', summary: 'On a device with external: VNI that frames come with' }),
  via: Flags.string({ helpValue: 'INTERFACE', summary: 'Interface that outer packets leave through' }),
  vlan: Flags.integer({ helpValue: 'N', summary: 'VLAN of the entry' }),
  master: Flags.boolean({ summary: 'The table of its bridge in place of that of the device' }),
};

/** Flags of commands that read VxlanMesh and VxlanTunnel documents. */
export const meshFlags = {
  filename: Flags.string({ char: 'f', required: true, helpValue: 'FILE|-', summary: 'Documents in YAML or JSON; - reads standard input' }),
  from: Flags.string({ helpValue: 'kubernetes|bgp|FILE', summary: 'Take nodes of meshes from the cluster, from learned routes, or from saved `kubectl get nodes -o json`' }),
  'node-name': Flags.string({ helpValue: 'NAME', summary: 'Which node of a mesh this one is; found by its underlay address otherwise' }),
  'pod-cidr': Flags.string({ multiple: true, helpValue: 'CIDR', summary: 'With --from bgp: pod network of this node' }),
};

/** What those flags ask for. */
export function meshRequest(flags: { filename: string; from: string | undefined; 'node-name': string | undefined; 'pod-cidr': string[] | undefined }): {
  file: string; from: string | undefined; nodeName: string | undefined; podCidrs: string[];
} {
  return { file: flags.filename, from: flags.from, nodeName: flags['node-name'], podCidrs: flags['pod-cidr'] ?? [] };
}
