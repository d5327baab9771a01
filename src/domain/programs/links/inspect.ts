import { linkInfo, linkTypeName, openById, programInfo, readIterator, type LinkInfo } from '../../../kernel/bpf/index.ts';
import { netnsInode } from '../../../kernel/netns/index.ts';
import { NotFoundError, OperationError } from '../../../lib/errors.ts';
import { describeAttachment, findObject, listAttachments, ownershipOf, readAll, readHolders, type Attachment, type Holders, type Reference } from '../../bpf/index.ts';
import { linkPasses, type Link, type LinkFilter } from './link.ts';

/** Links and whether all of it could be read. */
export interface LinkListing {
  items: Link[];
  complete: boolean;
  warnings: readonly string[];
}

/** All links by id. @throws SyscallError EPERM without CAP_SYS_ADMIN. */
export function listLinks({ netns, ...filter }: { types?: readonly string[] | undefined; netns?: { path: string } | undefined } = {}): LinkListing {
  const links = [...readAll('link', linkInfo)];
  const holders = readHolders({ links });
  const attachments = new Map(listAttachments({ links, pins: holders.pins }).map((attachment) => [attachment.linkId, attachment]));
  const wanted: LinkFilter = { ...filter, ...(netns === undefined ? {} : { netns: netnsInode(netns.path) }) };
  const items = links.map((link) => describe(link, attachments.get(link.id), holders)).filter((link) => linkPasses(link, wanted));
  return { items, complete: holders.warnings.length === 0, warnings: holders.warnings };
}

function describe({ id, type, programId }: LinkInfo, found: Attachment | undefined, holders: Holders): Link {
  const attachment = found ?? { programId, linkId: id, hook: linkTypeName(type), gone: false };
  const { processes, pins, owner } = ownershipOf(holders, 'link', id);
  const program = programName(programId);
  return {
    id, type: linkTypeName(type), programId, attachment, place: describeAttachment(attachment), pins, processes,
    ...(program === undefined ? {} : { program }), ...(owner === undefined ? {} : { owner }),
  };
}

function programName(id: number): string | undefined {
  using fd = id === 0 ? undefined : openById('program', id);
  return fd === undefined ? undefined : programInfo(fd).name;
}

/** One link. @throws as `findObject` */
export function getLink(reference: Reference): Link {
  using fd = findObject('link', reference);
  const info = linkInfo(fd);
  const found = listLinks().items.find(({ id }) => id === info.id);
  if (found === undefined) throw new NotFoundError(`link ${info.id} has ended meanwhile`, { code: 'SL2550' });
  return found;
}

/** What one walk of an iterator link prints, piece by piece. @throws OperationError SL2507 for a link of another type; as `findObject` */
export function* readLink(reference: Reference): Generator<string> {
  using fd = findObject('link', reference);
  const { type, id } = linkInfo(fd);
  if (linkTypeName(type) !== 'iter')
    throw new OperationError(`link ${id} is no iterator`, { code: 'SL2507', reason: 'usage', causes: [`it is of type ${linkTypeName(type)}`], hints: ['sluice bpf link list --type iter'] });
  const decoder = new TextDecoder();
  for (const piece of readIterator(fd)) yield decoder.decode(piece, { stream: true });
}
