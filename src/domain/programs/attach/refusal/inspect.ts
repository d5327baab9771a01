import { release } from 'node:os';
import { NetlinkError, OperationError, SyscallError, UnsupportedError, type SluiceError } from '../../../../lib/errors.ts';
import { kernelConfig, programInfo, openById } from '../../../../kernel/bpf/index.ts';
import { heldKey, listAttachments, ownershipOf, readHolders, type Attachment, type Hook } from '../../../bpf/index.ts';
import type { AttachSpec } from '../spec.ts';

/** What a kernel lacks for a hook. */
export interface MissingFeature {
  /** `Linux 6.6` or `CONFIG_NETKIT`. */
  needs: string;
  /** What was found instead. */
  found: string;
}

/** What a kernel, this one by default, lacks for a hook, by its version and its configuration; undefined when nothing is known to be missing. */
export function missingFeature({ since, config }: Hook, version: string = release(), options: ReadonlyMap<string, string> = kernelConfig()): MissingFeature | undefined {
  if (isOlder(version, since)) return { needs: `Linux ${since}`, found: `this is ${version}` };
  const absent = options.size === 0 ? undefined : config.find((option) => options.get(option) !== 'y' && options.get(option) !== 'm');
  return absent === undefined ? undefined : { needs: `a kernel built with ${absent}`, found: `this ${version} is not` };
}

function isOlder(version: string, since: string): boolean {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  const [leastMajor = 0, leastMinor = 0] = since.split('.').map(Number);
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}

const ABSENT = ['EINVAL', 'EOPNOTSUPP', 'ENOTSUP', 'ENOTSUPP', 'ENOENT'];

/**
 * Turns the kernel's no into what it means for the user: the hook is missing, the device is taken and by whom, the program is for
 * another hook.
 */
export function explainRefusal(error: unknown, program: string, spec: AttachSpec): unknown {
  if (!(error instanceof SyscallError) && !(error instanceof NetlinkError)) return error;
  const { errnoName } = error;
  const missing = ABSENT.includes(errnoName) ? missingFeature(spec.hook) : undefined;
  if (missing !== undefined) {
    // clsact has been there for long, and takes the same programs.
    const hints = spec.hook.kind === 'tcx' ? [`--attach ${spec.text.replace('tcx-', 'tc-')}`] : [];
    return new UnsupportedError(`--attach ${spec.text}`, { needs: `${missing.needs}; ${missing.found}`, code: 'SL2503', causes: [error.message], hints, cause: error });
  }
  const known = meaningOf(error, spec);
  return new OperationError(`cannot attach ${program} to ${spec.text}${known.why === undefined ? '' : `: ${known.why}`} (${errnoName})`, {
    code: known.code ?? 'SL2506', reason: known.reason ?? error.reason, causes: known.causes ?? [error.message], hints: known.hints ?? [], cause: error,
  });
}

interface Meaning {
  why?: string;
  code?: string;
  reason?: SluiceError['reason'];
  causes?: string[];
  hints?: string[];
}

function meaningOf({ errnoName }: SyscallError | NetlinkError, { hook, target }: AttachSpec): Meaning {
  if (hook.kind === 'xdp' && target.kind === 'device') return xdpMeaning(errnoName, target.name, hook.name === 'xdp-offload');
  switch (errnoName) {
    case 'EPERM':
    case 'EACCES': return { why: 'no permission', reason: 'permission', hints: ['run it as root'] };
    case 'EEXIST': return { why: 'it stands there already', reason: 'failed', hints: ['sluice bpf link list'] };
    case 'ESTALE': return { why: 'the row has changed since its revision was read', reason: 'failed', hints: ['sluice bpf net'] };
    case 'EBUSY': return { why: hook.kind === 'netfilter' ? 'another program has this priority' : 'the place is taken', reason: 'failed', hints: ['sluice bpf link list'] };
    case 'ERANGE': return { why: 'no such priority; with defrag it must be above -400', reason: 'usage' };
    case 'EBADF': return { why: 'it is of another kind than the hook takes', reason: 'usage' };
    case 'EINVAL': return { why: 'the program was loaded for another hook, or not for this one', reason: 'failed', hints: ['name the hook in SEC(), and load it again'] };
    case 'ENOENT': return { why: 'what was named does not exist', reason: 'not-found' };
    default: return {};
  }
}

const NO_OFFLOAD: Meaning = { why: 'the device does not run programs in hardware, or the program was not loaded for it', code: 'SL2503', reason: 'unsupported' };

function xdpMeaning(errnoName: string, device: string, offload: boolean): Meaning {
  const hints = [`sluice bpf net ${device}`, `sluice bpf prog attach PROGRAM --attach tcx-ingress:${device}`];
  switch (errnoName) {
    case 'EBUSY':
    case 'EEXIST': return { why: 'device already has an XDP program', code: 'SL2502', reason: 'failed', causes: xdpOwners(device), hints };
    case 'EINVAL': return offload ? { ...NO_OFFLOAD, hints: [`--attach xdp:${device}`] } : { hints };
    case 'EOPNOTSUPP':
    case 'ENOTSUP': return { why: 'the driver cannot run it in this mode', code: 'SL2503', reason: 'unsupported', hints: [`--attach xdp-generic:${device}`] };
    case 'EPERM':
    case 'EACCES': return { why: 'no permission', reason: 'permission', hints: ['run it as root'] };
    default: return { hints };
  }
}

/** Who has an XDP program on a device of this name: `id 877 "xdp_dispatcher" attached by bpfman (pid 911)`. */
function xdpOwners(device: string): string[] {
  return listAttachments().filter(({ hook, target }) => hook.startsWith('xdp') && target === device).map(describeOwner);
}

/** One line on who holds what stands at a hook. */
export function describeOwner({ programId, linkId, netns }: Attachment): string {
  using fd = openById('program', programId);
  const name = fd === undefined ? '?' : programInfo(fd).name;
  const holders = readHolders();
  const { processes, pins } = ownershipOf(holders, 'program', programId, name);
  const linkPins = linkId === undefined ? [] : (holders.pins.get(heldKey('link', linkId)) ?? []);
  const who = processes[0] === undefined ? (linkPins[0] ?? pins[0]) : `${processes[0].name} (pid ${processes[0].pid})`;
  const where = netns === undefined || netns.label === '' ? '' : ` in ${netns.label}`;
  return `id ${programId} "${name}"${who === undefined ? ', which no process or pin holds' : ` held by ${who}`}${where}`;
}
