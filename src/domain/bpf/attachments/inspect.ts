import {
  attachTypeName, attachTypeNumber, linkInfo, linkTypeName, mapInfo, mapTypeName, objectIds, openById, programInfo, programTypeName, queryPrograms,
  type LinkInfo, type LinkPlace, type ProgramInfo,
} from '../../../kernel/bpf/index.ts';
import { Fd } from '../../../kernel/syscalls/index.ts';
import { SluiceError } from '../../../lib/errors.ts';
import { listNetns, type FoundNetns } from '../../../kernel/netns/index.ts';
import { heldKey } from '../holders/holder.ts';
import { readAll } from '../holders/inspect.ts';
import { HOOKS, hookOfAttachType, type HookKind } from '../hooks.ts';
import { compareAttachments, type Attachment } from './attachment.ts';
import { readCgroups } from './cgroups/inspect.ts';
import { counterName } from './counter-name.ts';
import { readDevices } from './devices/inspect.ts';
import { namespaceOfPin } from './link-pin.ts';
import { FunctionNames } from './functions/inspect.ts';

/** What a caller has read already. */
export interface KnownForAttachments {
  programs?: readonly ProgramInfo[] | undefined;
  links?: readonly LinkInfo[] | undefined;
  /** Pins by object, as in `Holders`: those of sluice tell the namespace of a netfilter link, which the kernel does not. */
  pins?: ReadonlyMap<string, readonly string[]> | undefined;
}

/**
 * Everything that stands at a hook of this machine: links, and what was attached without one to devices, cgroups, network
 * namespaces and maps of sockets.
 *
 * Programs that a perf event runs without a link, and routes that encapsulate, name no program and are not told.
 *
 * @throws SyscallError EPERM without CAP_SYS_ADMIN.
 */
export function listAttachments(known: KnownForAttachments = {}): Attachment[] {
  const programs = known.programs ?? [...readAll('program', programInfo)];
  const reader = new AttachmentReader(known.links ?? [...readAll('link', linkInfo)], new Map(programs.map(({ id, type }) => [id, programTypeName(type)])), known.pins ?? new Map());
  return reader.read().sort(compareAttachments);
}

class AttachmentReader {
  readonly #links: readonly LinkInfo[];
  readonly #typeOf: ReadonlyMap<number, string>;
  /** Types of all loaded programs: hooks that take none of them need not be asked. */
  readonly #types: ReadonlySet<string>;
  readonly #pins: ReadonlyMap<string, readonly string[]>;
  readonly #functions = new FunctionNames();
  readonly #namespaces: readonly FoundNetns[] = listNetns();
  readonly #cgroups: ReadonlyMap<bigint, string>;

  constructor(links: readonly LinkInfo[], typeOf: ReadonlyMap<number, string>, pins: ReadonlyMap<string, readonly string[]>) {
    this.#links = links;
    this.#pins = pins;
    this.#typeOf = typeOf;
    this.#types = new Set(typeOf.values());
    this.#cgroups = this.#hooks('cgroup').length > 0 ? readCgroups() : new Map();
  }

  read(): Attachment[] {
    // A node may have thousands of devices: they are not asked when nothing is loaded that could stand there.
    const used = ['xdp', 'sched_cls'].some((type) => this.#types.has(type));
    const devices = used ? this.#namespaces.flatMap((netns) => attempt(() => readDevices(netns, this.#types.has('sched_cls')))) : [];
    const [onDevices, others] = [this.#links.filter(({ place }) => isOnDevice(place)), this.#links.filter(({ place }) => !isOnDevice(place))];
    const linked = others.map((link) => this.#describe(link));
    return [
      ...joinDevices(devices, onDevices),
      ...linked,
      ...this.#unlinked(linked, [...this.#inCgroups(), ...this.#inNamespaces(), ...this.#inMaps()]),
    ];
  }

  #describe({ id, programId, type, place }: LinkInfo): Attachment {
    const netns = place.kind === 'netfilter' ? this.#namespaceOfPin(id) : {};
    return { programId, linkId: id, hook: linkTypeName(type), gone: false, ...this.#place(place, programId), ...netns };
  }

  #namespaceOfPin(linkId: number): Partial<Attachment> {
    const inode = this.#pins.get(heldKey('link', linkId))?.map(namespaceOfPin).find((found) => found !== undefined);
    return inode === undefined ? {} : this.#namespace(inode);
  }

  #place(place: LinkPlace, programId: number): Partial<Attachment> {
    switch (place.kind) {
      // A tracing program with types stands at the same kind of link.
      case 'raw_tracepoint': return { hook: this.#typeOf.get(programId) === 'tracing' ? 'tp_btf' : 'raw_tp', target: place.name };
      case 'cgroup': {
        const target = this.#cgroups.get(place.cgroupId);
        return { hook: hookName(place.attachType, 'cgroup'), target: target ?? `cgroup ${place.cgroupId}`, gone: place.cgroupId === 0n || target === undefined };
      }
      case 'netns': return { hook: hookName(place.attachType, 'netns'), gone: place.inode === 0, ...this.#namespace(place.inode) };
      case 'sockmap': return { hook: hookName(place.attachType, 'sockmap'), target: mapName(place.mapId), mapId: place.mapId, gone: place.mapId === 0 };
      case 'tracing': return this.#tracing(place);
      case 'struct_ops': return { target: mapName(place.mapId) };
      default: return plainPlace(place);
    }
  }

  #tracing({ attachType, objectId, typeId }: LinkPlace & { kind: 'tracing' }): Partial<Attachment> {
    const type = attachTypeName(attachType);
    const hook = hookOfAttachType(type, type === 'lsm_cgroup' ? 'cgroup' : 'tracing')?.name ?? 'freplace';
    const target = this.#functions.name(objectId, typeId, type);
    return { hook, ...(target === undefined ? {} : { target }) };
  }

  #namespace(inode: number): Partial<Attachment> {
    const found = this.#namespaces.find((netns) => netns.inode === inode);
    return { netns: { inode, label: found?.label ?? `netns ${inode}` } };
  }

  /** Hooks of a kind that some loaded program can be attached to. */
  #hooks(kind: HookKind): { name: string; attachType: number }[] {
    return HOOKS.flatMap(({ name, kind: other, attachType, programTypes }) =>
      (other === kind && attachType !== undefined && programTypes.some((type) => this.#types.has(type)) ? [{ name, attachType: attachTypeNumber(attachType) }] : []));
  }

  *#inCgroups(): Generator<Attachment> {
    const hooks = this.#hooks('cgroup').filter(({ name }) => name !== 'lsm_cgroup');
    for (const path of hooks.length === 0 ? [] : this.#cgroups.values())
      for (const found of attempt(() => query(path, hooks))) yield { ...found, target: path };
  }

  *#inNamespaces(): Generator<Attachment> {
    const hooks = this.#hooks('netns');
    for (const { path, inode } of hooks.length === 0 ? [] : this.#namespaces)
      for (const found of attempt(() => query(path, hooks))) yield { ...found, ...this.#namespace(inode) };
  }

  *#inMaps(): Generator<Attachment> {
    const hooks = this.#hooks('sockmap');
    for (const id of hooks.length === 0 ? [] : objectIds('map')) {
      using fd = openById('map', id);
      if (fd === undefined || !/^sock(map|hash)$/.test(mapTypeName(mapInfo(fd).type))) continue;
      for (const found of attempt(() => queryHooks(fd, hooks))) yield { ...found, target: mapName(id), mapId: id };
    }
  }

  /** What no link accounts for. */
  #unlinked(linked: readonly Attachment[], found: readonly Attachment[]): Attachment[] {
    const keys = new Set(linked.map(keyOf));
    return found.filter((attachment) => !keys.has(keyOf(attachment)));
  }
}

const keyOf = ({ programId, hook, target, netns }: Attachment): string => [programId, hook, target ?? '', netns?.inode ?? ''].join(' ');

const isOnDevice = ({ kind }: LinkPlace): boolean => kind === 'xdp' || kind === 'tcx' || kind === 'netkit';

/** Gives XDP programs their links, which alone do not tell the namespace, and adds links whose device is gone or not to be seen. */
function joinDevices(devices: readonly Attachment[], links: readonly LinkInfo[]): Attachment[] {
  const xdp = new Map(links.flatMap(({ id, programId, place }) => (place.kind === 'xdp' ? [[`${programId} ${place.ifindex}`, id]] : [])));
  const joined = devices.map((attachment) => {
    const linkId = attachment.linkId ?? (attachment.hook.startsWith('xdp') ? xdp.get(`${attachment.programId} ${attachment.ifindex}`) : undefined);
    return linkId === undefined ? attachment : { ...attachment, linkId };
  });
  const seen = new Set(joined.map(({ linkId }) => linkId));
  return [...joined, ...links.filter(({ id }) => !seen.has(id)).map(unseenDevice)];
}

function unseenDevice({ id, programId, place }: LinkInfo): Attachment {
  const { ifindex, kind, attachType } = place as LinkPlace & { kind: 'tcx' };
  const hook = place.kind === 'xdp' ? 'xdp' : hookName(attachType, kind);
  return { programId, linkId: id, hook, gone: ifindex === 0, ...(ifindex === 0 ? {} : { target: `ifindex ${ifindex}`, ifindex }) };
}

const hookName = (attachType: number, kind: HookKind): string => hookOfAttachType(attachTypeName(attachType), kind)?.name ?? attachTypeName(attachType);

const NETFILTER_HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

function plainPlace(place: LinkPlace): Partial<Attachment> {
  switch (place.kind) {
    case 'tracepoint': return { hook: 'tracepoint', target: place.name };
    case 'iter': return { hook: 'iter', target: place.name };
    case 'netfilter': return { hook: 'netfilter', target: netfilterTarget(place), priority: place.priority };
    case 'kprobe': return { hook: place.onReturn ? 'kretprobe' : 'kprobe', target: withOffset(place.name, place.offset) };
    case 'uprobe': return { hook: place.onReturn ? 'uretprobe' : 'uprobe', target: `${place.path}:0x${place.offset.toString(16)}` };
    case 'kprobe_multi': return { hook: place.onReturn ? 'kretprobe.multi' : 'kprobe.multi', target: `${place.count} functions` };
    case 'uprobe_multi': return { hook: place.onReturn ? 'uretprobe.multi' : 'uprobe.multi', target: `${place.path}:${place.offsets.map((offset) => `0x${offset.toString(16)}`).join(',')}` };
    case 'perf_event': return { hook: 'perf_event', target: counterName(place.type, place.config) };
    default: return {};
  }
}

const netfilterTarget = ({ family, hook, priority }: LinkPlace & { kind: 'netfilter' }): string =>
  `${family === 2 ? 'ipv4' : 'ipv6'}/${NETFILTER_HOOKS[hook] ?? hook}/${priority}`;

const withOffset = (name: string, offset: number): string => (offset === 0 ? name : `${name}+0x${offset.toString(16)}`);

function query(path: string, hooks: readonly { name: string; attachType: number }[]): Attachment[] {
  using fd = Fd.open(path);
  return queryHooks(fd, hooks);
}

const queryHooks = (fd: Fd, hooks: readonly { name: string; attachType: number }[]): Attachment[] =>
  hooks.flatMap(({ name, attachType }) => (queryPrograms(fd.number, attachType)?.programs ?? []).map(({ id }) => ({ programId: id, hook: name, gone: false })));

/** `name` of a map, and its id where it has none. */
function mapName(id: number): string {
  using fd = id === 0 ? undefined : openById('map', id);
  if (fd === undefined) return `map ${id}`;
  const { name } = mapInfo(fd);
  return name === '' ? `map ${id}` : name;
}

/** Namespaces, cgroups and maps end while they are read. */
function attempt(work: () => Attachment[]): Attachment[] {
  try {
    return work();
  } catch (error) {
    if (error instanceof SluiceError) return [];
    throw error;
  }
}
