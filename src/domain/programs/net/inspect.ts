import { uptime } from 'node:os';
import { linkInfo, programInfo, type ProgramInfo } from '../../../kernel/bpf/index.ts';
import { netnsInode } from '../../../kernel/netns/index.ts';
import { listAttachments, ownershipOf, readAll, readHolders, type Attachment, type Holders } from '../../bpf/index.ts';
import { findDevice } from '../attach/device/apply.ts';
import { arrangeSteps, type Step, type StepFacts } from './pipeline.ts';

/** Steps and whether all of it could be read. */
export interface PipelineListing {
  items: Step[];
  complete: boolean;
  warnings: readonly string[];
}

/**
 * The programs in the way of packets in a network namespace, the caller's own unless another is named, in their order.
 *
 * @throws NotFoundError SL2504 when there is no such interface; SyscallError EPERM without CAP_SYS_ADMIN.
 */
export function readPipeline({ device, netns }: { device?: string | undefined; netns?: { path: string; label: string } | undefined }): PipelineListing {
  if (device !== undefined) findDevice(device, { netns });
  const inode = netnsInode(netns?.path);
  const programs = [...readAll('program', programInfo)];
  const links = [...readAll('link', linkInfo)];
  const holders = readHolders({ programs, links });
  const byId = new Map(programs.map((info) => [info.id, info]));
  const here = listAttachments({ programs, links, pins: holders.pins }).filter((attachment) => belongs(attachment, inode));
  const facts = here.flatMap((attachment): StepFacts[] => {
    const info = byId.get(attachment.programId);
    return info === undefined ? [] : [describe(attachment, info, holders)];
  });
  return { items: arrangeSteps(facts, device), complete: holders.warnings.length === 0, warnings: holders.warnings };
}

/** Of a netfilter link the kernel does not tell the namespace: it may stand here. Devices that are gone were somewhere. */
const belongs = ({ hook, netns, gone }: Attachment, inode: number): boolean => (netns === undefined ? hook === 'netfilter' || gone : netns.inode === inode);

function describe(attachment: Attachment, info: ProgramInfo, holders: Holders): StepFacts {
  const { owner, orphan } = ownershipOf(holders, 'program', info.id, info.name);
  return { attachment, name: info.name, tag: info.tag, loadedAt: new Date(Date.now() - uptime() * 1000 + Number(info.loadedAtNs / 1_000_000n)), owner, orphan };
}
