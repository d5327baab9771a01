/**
 * JSON Schemas of what commands print, by kind; `sluice schema KIND` shows them.
 *
 * Only additions are made within v1: required members stay, types do not change.
 */

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer' };
const number: Schema = { type: 'number' };
const flag: Schema = { type: 'boolean' };
const texts: Schema = { type: 'array', items: text };
const family: Schema = { enum: ['ipv4', 'ipv6'] };
const backend: Schema = { enum: ['legacy', 'nft'] };
const list = (items: Schema): Schema => ({ type: 'array', items });

/** An object with these members; a name that ends in `?` may be absent. */
function object(members: Readonly<Record<string, Schema>>): Schema {
  const entries = Object.entries(members);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, schema]) => [name.replace(/\?$/, ''), schema])),
    required: entries.filter(([name]) => !name.endsWith('?')).map(([name]) => name),
  };
}

const metadata = object({ node: text, time: { type: 'string', format: 'date-time' }, complete: flag, warnings: texts });

const ruleRow = {
  family, backend, table: text, chain: text, 'number?': count, 'packets?': count, 'bytes?': count, target: text, 'in?': text, 'out?': text,
  'protocol?': text, 'source?': text, 'destination?': text, match: text, owner: text, 'object?': text,
};
const ruleResult = object({ family, chain: text, number: count, line: count, text, result: { enum: ['exact', 'native', 'kept', 'unreachable', 'unsupported'] }, 'reason?': text, neverMatches: flag });
const holder = object({ pid: count, name: text, 'cgroup?': text, 'unit?': text, 'container?': object({ id: text, 'runtime?': text, 'pod?': text }) });
const runPacket = { length: count, hex: text, summary: text };
const fieldChanges = list(object({ field: text, 'before?': text, 'after?': text }));
const bpfAttachment = object({
  programId: count, hook: text, 'target?': text, 'linkId?': count, 'netns?': object({ inode: count, label: text }), 'ifindex?': count, 'order?': count, 'priority?': count,
  'handle?': text, gone: flag, text,
});
const bpfProgram = {
  id: count, type: text, name: text, fullName: text, tag: text, attachments: list(bpfAttachment), 'owner?': text, processes: list(holder), pins: texts, orphan: flag,
  loadedAt: { type: 'string', format: 'date-time' }, uid: count, gplCompatible: flag, memoryBytes: count, translatedBytes: count, jitedBytes: count,
  mapIds: list(count), btfId: count, offloadIfindex: count, runs: count, runTimeNs: count, 'runsPerSecond?': number, 'nsPerRun?': number,
  recursionMisses: count, verifiedInstructions: count,
};
const change = { id: text, subject: text, state: text, summary: text, directory: text, revertScript: text };

const headers = list(object({ name: text, bytes: count }));
const overhead = { encapsulation: text, overhead: count, innerMtu: count };

const bpfLink = {
  id: count, type: text, programId: count, 'program?': text, place: text, 'owner?': text, pins: texts, processes: list(object({ pid: count, name: text })),
  hook: text, 'target?': text, 'netns?': object({ inode: count, label: text }), 'ifindex?': count, 'order?': count, 'priority?': count, 'revision?': count, gone: flag,
};
const pinned = { path: text, kind: text, id: count, 'type?': text, 'name?': text, 'owner?': text, 'use?': text };
const madeLinks = list(object({ id: count, pin: text }));
const linkMembers = {
  index: count, name: text, type: text, state: text, flags: texts, mtu: count, 'mac?': text, addresses: texts, 'master?': text, 'lower?': text, 'alias?': text, altNames: texts,
  'qdisc?': text, group: count, 'xdp?': { type: 'object' }, kind: { type: 'object' }, 'port?': { type: 'object' }, 'statistics?': { type: 'object' },
};
const tunnelMembers = {
  name: text, index: count, vni: count, 'local?': text, 'group?': text, port: count, 'underlay?': text, mtu: count, 'mac?': text, addresses: texts, 'master?': text,
  state: { enum: ['up', 'down'] }, owner: text, remotes: texts, peers: count, entries: count, issues: texts, attributes: { type: 'object' },
};
const fdbMembers = {
  device: text, mac: text, 'vlan?': count, 'destination?': text, 'port?': count, 'vni?': count, 'sourceVni?': count, 'via?': text, 'nexthopId?': count, 'nexthops?': texts, 'master?': text,
  table: { enum: ['self', 'master'] }, lifetime: { enum: ['permanent', 'static', 'dynamic'] }, externallyLearned: flag, sticky: flag, offloaded: flag,
  'usedSeconds?': { type: 'number' }, 'updatedSeconds?': { type: 'number' },
};

const shownBytes = object({ hex: text, decoded: {}, display: text });
const mapName = object({ id: count, name: text, type: text });
const bpfMap = {
  id: count, name: text, type: text, keySize: count, valueSize: count, maxEntries: count, flags: texts, memoryBytes: count, frozen: flag, btfId: count, 'owner?': text, pins: texts,
  processes: list({ type: 'object' }), programIds: list(count),
};
const bpfMapEntry = { 'key?': shownBytes, 'value?': shownBytes, 'values?': list(object({ cpu: count, value: shownBytes })), 'entries?': list({ type: 'object' }) };
const vxlanDifference = {
  action: { enum: ['create', 'change', 'delete'] }, object: { enum: ['link', 'address', 'fdb', 'neighbour', 'route'] }, device: text, key: text, 'before?': text, 'after?': text,
};

const rate = object({ packets: number, bytes: number });
const finding = object({ end: text, severity: { enum: ['error', 'warning'] }, detail: text, evidence: texts, fix: texts });
const tunnelCheck = {
  tunnel: text, 'vni?': count, ends: texts, healthy: flag, isUncertain: flag, notes: texts,
  checks: list(object({ id: text, name: text, title: text, result: { enum: ['ok', 'warn', 'fail', 'skip'] }, findings: list(finding) })),
  probes: list(object({ to: text, 'from?': text, what: { enum: ['underlay', 'tunnel', 'full'] }, sent: count, answered: count, 'fastestMs?': { type: 'number' }, 'error?': text })),
  paths: list(object({ to: text, mtu: count })),
};

/** Members of each kind beside `apiVersion`, `kind` and `metadata`. */
const KINDS: Readonly<Record<string, Readonly<Record<string, Schema>>>> = {
  IptablesRuleList: { items: list(object(ruleRow)) },
  IptablesRuleDetail: {
    at: text, family, backend, owner: text, 'object?': text, alsoIn: texts, 'policy?': text, 'packets?': count, 'bytes?': count, tests: texts, target: text, calledBy: texts, 'native?': text,
    rules: list(object(ruleRow)),
  },
  IptablesRulesets: { rulesets: list(object({ family, backend, source: text, tables: list(object({ name: text, chains: list(object({ name: text, rules: list({ type: 'object' }) })) })) })) },
  KubeServicePortList: { items: list({ type: 'object' }) },
  PacketTest: { 'verdict': text },
  MigrationPlanReport: {
    source: text, 'out?': text, counters: { enum: ['exact', 'verdict'] }, results: { type: 'object', additionalProperties: count },
    hooks: list(object({ family, hook: text, mode: { enum: ['link', 'dispatch'] }, rules: count, edges: count, verdictEdges: count })), notes: list(ruleResult),
    collapses: texts, imageBytes: count, leaves: count, depth: count, warnings: texts,
  },
  MigrationVerification: {
    plan: text, equal: flag, seed: count, proofs: list(object({ family, hook: text, equal: flag, pairs: count })),
    runs: list(object({ family, how: text, packets: count, verdictsDiffer: count, countersDiffer: count, 'note?': text })),
    counterExamples: list(object({ family, hook: text, packet: text, expected: text, actual: text })),
  },
  MigrationChange: { change: text, snapshot: text, check: text, proof: text, summary: text, switchTime: text, 'revertsAt?': { type: 'string', format: 'date-time' } },
  MigrationStatus: {
    change: text, state: text,
    families: list(object({ family, generation: count, hooks: text, imageBytes: count, memoryBytes: count, 'nsPerPacket?': count })),
    rules: list(object({ family, chain: text, 'number?': count, packets: count, bytes: count, packetsSince: count, by: { enum: ['ebpf', 'iptables', '-'] }, text })),
    drift: texts,
  },
  BpfProgramList: { items: list(object(bpfProgram)) },
  BpfProgramDetail: { ...bpfProgram, maps: list(object({ id: count, name: text, type: text, maxEntries: count })), 'attachTo?': object({ function: text, btfId: count, 'module?': text }) },
  BpfProgramStatisticsList: {
    items: list(object({ id: count, type: text, name: text, runs: count, runsPerSecond: number, 'nsPerRun?': number, cpuPercent: number, recursionMisses: count })),
  },
  BpfProgramDump: {
    id: count, name: text, tag: text,
    functions: list(object({
      name: text, 'signature?': text, 'machineCode?': object({ address: text, bytes: text }),
      instructions: list(object({ index: count, bytes: text, text, 'source?': object({ file: text, line: count, column: count, text }) })),
    })),
  },
  BpfCompilation: { source: text, object: text, compiler: text, programs: list(object({ name: text, section: text })), maps: texts, warnings: texts },
  BpfFeatureList: { items: list(object({ kind: text, name: text, available: flag, 'reason?': text, 'since?': text })) },
  BpfMapList: { items: list(object(bpfMap)) },
  BpfMapDetail: { ...bpfMap, 'keyType?': text, 'valueType?': text, 'entries?': count, refuses: { type: 'object', additionalProperties: text } },
  BpfMapEntryList: { items: list(object(bpfMapEntry)) },
  BpfPipelineStepList: {
    items: list(object({
      device: text, direction: { enum: ['ingress', 'egress'] }, order: count, hook: text, 'place?': text, programId: count, name: text, 'linkId?': count, 'revision?': count,
      loadedAt: { type: 'string', format: 'date-time' }, 'owner?': text, orphan: flag, duplicate: flag, gone: flag, unknownNamespace: flag, findings: texts,
    })),
  },
  BpfIteratorText: { link: text, text },
  BpfPinList: { items: list(object(pinned)) },
  BpfGarbageList: { items: list(object({ ...pinned, why: text, deleted: flag })) },
  BpfMapLookup: { map: mapName, ...bpfMapEntry, 'contained?': flag },
  BpfMapEntryChange: { map: mapName, action: { enum: ['set', 'delete', 'push', 'pop'] }, dryRun: flag, ...bpfMapEntry, 'previous?': object(bpfMapEntry) },
  BpfMapChange: { action: { enum: ['create', 'pin', 'freeze'] }, id: count, name: text, type: text, keySize: count, valueSize: count, maxEntries: count, flags: texts, 'pin?': text, dryRun: flag },
  BpfMapLoad: { map: mapName, source: text, entries: count, checkedFirst: flag, dryRun: flag },
  BpfMapDifferenceList: { items: list(object({ change: { enum: ['new', 'changed', 'deleted'] }, key: shownBytes, value: shownBytes, 'previous?': shownBytes, rates: { type: 'object' } })) },
  BpfMapEvent: { time: { type: 'string', format: 'date-time' }, 'cpu?': count, 'event?': shownBytes, 'lost?': count },
  BpfLinkList: { items: list(object(bpfLink)) },
  BpfLink: bpfLink,
  BpfAttachment: { id: count, name: text, hooks: list(object({ hook: text, links: madeLinks })), 'netns?': text, 'change?': text, 'revertsAt?': text },
  BpfDetachment: {
    what: text, detached: list(object({ attachment: object({ programId: count, hook: text, 'target?': text, 'linkId?': count, gone: flag }), place: text, pins: texts, 'foreign?': text })),
    removedPins: texts, 'stillHeld?': texts, dryRun: flag,
  },
  BpfBtfList: { items: list(object({ id: count, name: text, isKernel: flag, size: count, programs: list(count), maps: list(count) })) },
  BpfBtfDump: { source: text, types: list(object({ id: count, kind: text, name: text })) },
  BpfProgramRun: {
    program: object({ id: count, type: text, name: text }), result: count, verdict: text, repeat: count, 'durationNs?': count, 'input?': object(runPacket),
    'output?': object({ ...runPacket, changedFields: fieldChanges, changedBytes: list(object({ at: count, before: text, after: text })) }), context: fieldChanges,
    'flowKeys?': { type: 'object', additionalProperties: text }, 'memory?': text, 'socketCookie?': count,
  },
  Change: change,
  ChangeList: { items: list(object(change)) },
  LabList: { items: list(object({ name: text, nodes: count, pods: count, services: count, firewall: text, ageSeconds: { type: 'number' }, state: text })) },
  Lab: { name: text, created: text, firewall: text, backend, nodes: list(object({ name: text, namespace: text, address: text })), pods: count, services: count, namespaces: texts, 'mesh?': text },
  LabTraffic: {
    sent: count, received: count, lost: count, lostSpans: list(object({ fromMs: count, toMs: count, requests: count })), refused: count, misjudged: count,
    connections: count, connectionsFailed: count, slowestConnectionMs: count, p50Us: count, p99Us: count,
  },
  MtuOverhead: { outerMtu: count, quick: list(object(overhead)), exact: list(object({ ...overhead, underlay: family, variant: text, largest: count, headers, padding: count })) },
  MtuCheck: {
    paths: list(object({ to: text, egress: text, egressMtu: count, links: texts, 'carries?': text, 'measured?': object({ mtu: count, 'vanished?': count, narrowings: list(object({ from: text, mtu: count })), cachedMtu: count }) })),
    links: list(object({ name: text, ifindex: count, kind: text, mtu: count, 'netns?': text, 'master?': text })),
    findings: list(object({ id: text, severity: { enum: ['fail', 'warn'] }, subject: text, detail: text, side: text, fix: text })),
  },
  MtuStack: {
    outerMtu: count, innerMtu: count, overhead: count, warnings: texts, 'needed?': object({ innerMtu: count, outerMtu: count, fits: flag }),
    layers: list(object({ encapsulation: text, underlay: family, outerMtu: count, innerMtu: count, overhead: count, headers })),
  },
  BpfObjectLoad: {
    object: text, license: text, outcome: { enum: ['loaded', 'verified', 'checked'] }, relocations: count, 'change?': text, 'directory?': text, 'revertsAt?': { type: 'string', format: 'date-time' },
    programs: list(object({ name: text, section: text, type: text, instructions: count, 'id?': count, 'tag?': text, 'verifiedInstructions?': count, 'pin?': text })),
    maps: list(object({ name: text, type: text, keySize: count, valueSize: count, maxEntries: count, 'id?': count, 'pin?': text, reused: flag })),
    needs: list(object({ kind: { enum: ['function', 'variable', 'address', 'option'] }, name: text, weak: flag })),
    'attached?': list(object({ program: text, hook: text, links: madeLinks })),
  },
  Link: linkMembers,
  LinkList: { items: list(object(linkMembers)) },
  VxlanTunnel: tunnelMembers,
  VxlanTunnelList: { items: list(object(tunnelMembers)) },
  VxlanCheck: { healthy: flag, isUncertain: flag, tunnels: list(object(tunnelCheck)) },
  VxlanCheckInfoList: { items: list(object({ id: text, name: text, title: text, 'needs?': { enum: ['peer', 'probe', 'firewall'] } })) },
  VxlanTraffic: {
    time: { type: 'string', format: 'date-time' }, tunnel: text, sent: rate, received: rate, drops: number, reasons: { type: 'object', additionalProperties: number }, moves: number,
    remotes: list(object({ address: text, sent: rate, received: rate })),
  },
  VxlanAudit: { audit: { type: 'object' } },
  VxlanPacket: { time: { type: 'string', format: 'date-time' }, direction: { enum: ['in', 'out'] }, device: text, length: count, text },
  VxlanChange: { name: text, summary: text, 'dryRun?': { enum: ['client', 'kernel'] }, 'change?': text, 'state?': text, commands: texts, notes: texts, 'tunnel?': object(tunnelMembers) },
  FdbEntryList: { items: list(object(fdbMembers)) },
  VxlanApplied: {
    documents: texts, devices: texts, rows: list(object(vxlanDifference)), warnings: texts, changed: flag, 'change?': text, 'state?': text, 'dryRun?': { enum: ['client', 'kernel'] }, 'cleanedUp?': text,
  },
  VxlanDifferenceList: { items: list(object(vxlanDifference)) },
  Version: { version: text, 'commit?': text, node: text, kernel: text },
  Error: { code: text, reason: text, message: text, causes: texts, suggestions: texts, details: { type: 'object' }, exitCode: count },
};

/** Names of all kinds. */
export const schemaKinds = (): string[] => Object.keys(KINDS).sort();

/** The schema of a kind, or undefined. */
export function schemaOf(kind: string): Schema | undefined {
  const members = KINDS[kind];
  if (members === undefined) return undefined;
  // An error is one line on standard error, without the facts about an answer.
  const envelope = kind === 'Error' ? {} : { metadata };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: kind,
    ...object({ apiVersion: { const: 'sluice.dev/v1' }, kind: { const: kind }, ...envelope, ...members }),
  };
}
