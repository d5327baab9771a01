import { attachTypeNumber, detachLink, detachProgram as detachFromHook, linkInfo, openById, programInfo, type BpfProgram } from '../../../kernel/bpf/index.ts';
import { deleteBpfFilter, detachXdp, openNetlink, type ClsactHook } from '../../../kernel/netlink/index.ts';
import { inNetns, listNetns, netnsInode } from '../../../kernel/netns/index.ts';
import { Fd } from '../../../kernel/syscalls/index.ts';
import { NotFoundError, OperationError, SyscallError } from '../../../lib/errors.ts';
import { findHook, findMap, findObject, findProgram, heldKey, listAttachments, readHolders, type Attachment, type Reference } from '../../bpf/index.ts';
import { isOurs } from '../attach/pins.ts';
import { removePin } from '../pins/apply.ts';
import { isMeant, planDetachment, type Detachment } from './plan.ts';

/** Asks whether to go on, when others are concerned: `what` says what would be taken from whom. */
export type AskFirst = (what: readonly string[]) => Promise<void>;

export interface DetachRequest {
  reference: Reference;
  /** `HOOK` or `HOOK:TARGET`; all of them when absent. */
  from?: string | undefined;
  netns?: { path: string } | undefined;
  /** Only say what would be done. */
  dryRun?: boolean;
  ask: AskFirst;
}

/** What was taken off. */
export interface Detached {
  /** What it was about: `fw_drop (id 412)`. */
  what: string;
  detached: Detachment[];
  /** Pins that were removed. */
  removedPins: string[];
  /** Why it is still in the kernel, after an unload. */
  stillHeld?: string[];
  dryRun: boolean;
}

/**
 * Takes a program off the hooks where it stands.
 *
 * @throws NotFoundError SL2508 when it stands nowhere that is meant; OperationError SL2509 for a link that only its holder can end;
 *   as `findObject`.
 */
export async function detachProgram({ reference, from, netns, dryRun = false, ask }: DetachRequest): Promise<Detached> {
  using program = findProgram(reference);
  const { id, name } = program.info();
  const inode = netns === undefined ? undefined : netnsInode(netns.path);
  const isHere = (attachment: Attachment): boolean => inode === undefined || attachment.netns === undefined || attachment.netns.inode === inode;
  const found = listAttachments().filter((attachment) => attachment.programId === id && isMeant(attachment, from) && isHere(attachment));
  const what = `${name} (id ${id})`;
  if (found.length === 0) throw new NotFoundError(`${what} is not attached${from === undefined ? '' : ` to ${from}`}`, { code: 'SL2508', hints: [`sluice bpf prog get ${id}`] });
  return await detachAll(what, found, dryRun, ask);
}

/** Takes one link off its hook. @throws OperationError SL2509; as `findObject` */
export async function detachOneLink({ reference, dryRun = false, ask }: Omit<DetachRequest, 'from' | 'netns'>): Promise<Detached> {
  using link = findObject('link', reference);
  const { id } = linkInfo(link);
  const found = listAttachments().filter(({ linkId }) => linkId === id);
  return await detachAll(`link ${id}`, found, dryRun, ask);
}

async function detachAll(what: string, found: readonly Attachment[], dryRun: boolean, ask: AskFirst): Promise<Detached> {
  const plans = planAll(found);
  if (!dryRun) await askAboutOthers(plans, [], ask);
  if (!dryRun) plans.forEach(takeOff);
  return { what, detached: plans, removedPins: plans.flatMap(({ pins }) => pins), dryRun };
}

function planAll(found: readonly Attachment[]): Detachment[] {
  const holders = readHolders();
  return found.map((attachment) => planDetachment(attachment, holders, holders.pins.get(heldKey('program', attachment.programId)) ?? []));
}

async function askAboutOthers(plans: readonly Detachment[], further: readonly string[], ask: AskFirst): Promise<void> {
  const foreign = [...plans.flatMap(({ place, foreign: owner }) => (owner === undefined ? [] : [`${place}, of ${owner}`])), ...further];
  if (foreign.length > 0) await ask(foreign);
}

function takeOff({ attachment, pins, place, holder }: Detachment): void {
  if (attachment.linkId === undefined) takeOffUnlinked(attachment);
  else takeOffLink(attachment.linkId, pins, place, holder);
}

/** At once where the kernel can, and for good with the pins; a link that cannot be detached ends with its last holder. */
function takeOffLink(id: number, pins: readonly string[], place: string, holder: string | undefined): void {
  using link = openById('link', id);
  if (link !== undefined && !tryDetach(link) && holder !== undefined) {
    throw new OperationError(`${place} cannot be taken from ${holder}`, {
      code: 'SL2509', causes: ['the kernel cannot detach links of this type: they end with the process that holds them'], hints: ['end that process'],
    });
  }
  pins.forEach(removePin);
}

function tryDetach(link: Fd): boolean {
  try {
    detachLink(link);
    return true;
  } catch (error) {
    if (error instanceof SyscallError && ['EOPNOTSUPP', 'ENOTSUP', 'EINVAL'].includes(error.errnoName)) return false;
    // The device is gone, and it with it.
    if (error instanceof SyscallError && ['ENOLINK', 'ENODEV', 'ENOENT'].includes(error.errnoName)) return true;
    throw error;
  }
}

/** What was attached without a link goes in the way in which it came. */
function takeOffUnlinked(attachment: Attachment): void {
  const { hook, ifindex } = attachment;
  const path = listNetns().find(({ inode }) => inode === attachment.netns?.inode)?.path;
  if (ifindex !== undefined && /^(xdp|tc)(-|$)/.test(hook)) takeOffDevice(attachment, ifindex, path);
  else takeOffHook(attachment, path);
}

function takeOffDevice({ hook, target, priority, handle }: Attachment, ifindex: number, path: string | undefined): void {
  using netlink = openNetlink(path === undefined ? {} : { netns: { path } });
  const device = target ?? String(ifindex);
  const request = hook.startsWith('tc-')
    ? deleteBpfFilter({ ifindex, hook: hook.slice('tc-'.length) as ClsactHook, priority: priority!, handle: Number(handle) }, device)
    : detachXdp(ifindex, device, hook === 'xdp-generic' ? 'generic' : hook === 'xdp-offload' ? 'offload' : 'native');
  netlink.request(request);
}

/** `BPF_PROG_DETACH`, by what the hook is a part of. */
function takeOffHook({ hook, programId, ifindex, mapId, target }: Attachment, path: string | undefined): void {
  using program = openById('program', programId);
  if (program === undefined) return;
  const attachable = { fd: program, name: programInfo(program).name };
  const { attachType, kind } = findHook(hook)!;
  const type = attachTypeNumber(attachType!);
  // A hook of a device or of a whole namespace is looked for in the namespace of whoever calls.
  if (kind === 'tcx' || kind === 'netkit' || kind === 'netns') return inNetns(path, () => detachFromHook(attachable, ifindex ?? 0, type));
  using place = kind === 'sockmap' ? findMap({ by: 'id', id: mapId! }).fd : Fd.open(target!);
  detachFromHook(attachable, place.number, type);
}

/**
 * Takes a program off every hook and removes its pins, so that it leaves the kernel unless somebody else holds it.
 *
 * @throws as `detachProgram`
 */
export async function unloadProgram({ reference, dryRun = false, ask }: Omit<DetachRequest, 'from' | 'netns'>): Promise<Detached> {
  const { what, id, pins } = identify(reference);
  const strangers = pins.filter((pin) => !isOurs(pin)).map((pin) => `the pin ${pin}`);
  const plans = planAll(listAttachments().filter(({ programId }) => programId === id));
  if (!dryRun) await askAboutOthers(plans, strangers, ask);
  if (!dryRun) plans.forEach(takeOff);
  if (!dryRun) pins.forEach(removePin);
  return { what, detached: plans, removedPins: [...plans.flatMap((plan) => plan.pins), ...pins], dryRun, ...(dryRun ? {} : { stillHeld: holdersOf(id) }) };
}

function identify(reference: Reference): { what: string; id: number; pins: readonly string[] } {
  using program: BpfProgram = findProgram(reference);
  const { id, name } = program.info();
  return { what: `${name} (id ${id})`, id, pins: readHolders().pins.get(heldKey('program', id)) ?? [] };
}

/** Who keeps a program in the kernel. */
function holdersOf(id: number): string[] {
  const { processes, links } = readHolders();
  return [
    ...(processes.get(heldKey('program', id)) ?? []).map(({ name, pid }) => `${name} (pid ${pid})`),
    ...(links.get(id) ?? []).map((link) => `link ${link}`),
  ];
}
