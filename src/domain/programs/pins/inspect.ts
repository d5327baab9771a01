import { linkInfo, linkTypeName, mapInfo, mapTypeName, openPin, programInfo, programTypeName, type ProgramInfo } from '../../../kernel/bpf/index.ts';
import {
  describeAttachment, heldKey, listAttachments, listPins, ownershipOf, readAll, readHolders, type Attachment, type Holders, type Pin,
} from '../../bpf/index.ts';
import type { PinnedObject } from './pinned.ts';

/** Pins and whether all of it could be read. */
export interface PinListing {
  items: PinnedObject[];
  complete: boolean;
  warnings: readonly string[];
}

/** All pins below the bpf file systems that are mounted here, or below one folder, by path. @throws SyscallError EPERM */
export function listPinned(folder?: string): PinListing {
  const world = readWorld();
  const below = folder === undefined ? '' : `${folder.replace(/\/+$/, '')}/`;
  const pins = [...listPins((warning) => world.warnings.push(warning))].filter(({ path }) => path === folder || path.startsWith(below));
  const items = pins.map((pin) => describePin(pin, world)).sort((a, b) => (a.path < b.path ? -1 : 1));
  return { items, complete: world.warnings.length === 0, warnings: world.warnings };
}

/** Everything that tells what pins are for, read once. */
export interface World {
  programs: ReadonlyMap<number, ProgramInfo>;
  attachments: readonly Attachment[];
  holders: Holders;
  warnings: string[];
}

/** Reads what there is. @throws SyscallError EPERM without CAP_SYS_ADMIN. */
export function readWorld(): World {
  const programs = [...readAll('program', programInfo)];
  const links = [...readAll('link', linkInfo)];
  const holders = readHolders({ programs, links });
  return {
    programs: new Map(programs.map((info) => [info.id, info])), holders, warnings: [...holders.warnings],
    attachments: listAttachments({ programs, links, pins: holders.pins }),
  };
}

/** What a pin is for. */
export function describePin({ path, kind, id }: Pin, world: World): PinnedObject {
  const { type, name = nameOfLink(kind, id, world) } = typeAndName(path, kind);
  const { owner } = ownershipOf(world.holders, kind, id, name);
  const use = useOf(kind, id, world);
  return { path, kind, id, ...(type === undefined ? {} : { type }), ...(name === undefined ? {} : { name }), ...(owner === undefined ? {} : { owner }), ...(use === '' ? {} : { use }) };
}

function nameOfLink(kind: Pin['kind'], id: number, { attachments, programs }: World): string | undefined {
  const program = kind === 'link' ? attachments.find(({ linkId }) => linkId === id)?.programId : undefined;
  return program === undefined ? undefined : programs.get(program)?.name;
}

function typeAndName(path: string, kind: Pin['kind']): { type?: string; name?: string } {
  using fd = openPin(path);
  if (fd === undefined || kind === 'btf') return {};
  if (kind === 'link') return { type: linkTypeName(linkInfo(fd).type) };
  if (kind === 'map') {
    const { type, name } = mapInfo(fd);
    return { type: mapTypeName(type), name };
  }
  const { type, name } = programInfo(fd);
  return { type: programTypeName(type), name };
}

function useOf(kind: Pin['kind'], id: number, { attachments, holders }: World): string {
  if (kind === 'map') return (holders.programs.get(id) ?? []).map((program) => `program ${program}`).join(', ');
  return attachments.filter((attachment) => (kind === 'link' ? attachment.linkId : attachment.programId) === id).map(describeAttachment).join(', ');
}

/** Processes that hold an object. */
export const isHeld = ({ processes }: Holders, kind: Pin['kind'], id: number): boolean => (processes.get(heldKey(kind, id)) ?? []).length > 0;
