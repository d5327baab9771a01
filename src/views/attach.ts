/** How links, and programs that are attached and detached, look. */

import type { CardView, Column, TableView } from '../cli/view.ts';
import type { Attached, Detached, Detachment, Link } from '../domain/programs/index.ts';

/** The table of `bpf link list`. */
export const linksView: TableView<Link> = {
  kind: 'BpfLink',
  empty: 'No links found.',
  name: ({ id }) => `link/${id}`,
  json: linkJson,
  columns: [
    { header: 'ID', value: ({ id }) => id },
    { header: 'TYPE', value: ({ type }) => type },
    { header: 'PROG', value: ({ programId }) => (programId === 0 ? undefined : programId) },
    { header: 'NAME', value: ({ program }) => program },
    { header: 'ATTACHED-TO', value: ({ place }) => place, shrinkTo: 16, tone: ({ attachment }) => (attachment.gone ? 'bad' : undefined) },
    { header: 'OWNER', value: ({ owner }) => owner, shrinkTo: 8 },
    { header: 'PROCESSES', value: ({ processes }) => processes.map(({ name, pid }) => `${name}(${pid})`).join(','), wide: true },
    { header: 'PINS', value: ({ pins }) => pins.join(','), dropOrder: 1, shrinkTo: 20 },
  ],
};

/** The card of `bpf link get`. */
export const linkCard: CardView<Link> = {
  kind: 'BpfLink',
  name: ({ id }) => `link/${id}`,
  json: linkJson,
  lines: ({ id, type, programId, program, place, owner, pins, processes }) => [
    ['ID', id],
    ['TYPE', type],
    ['PROGRAM', programId === 0 ? undefined : `${program ?? '?'} (id ${programId})`],
    ['ATTACHED TO', place],
    ['OWNER', owner],
    ['HELD BY', processes.map(({ name, pid }) => `${name} (pid ${pid})`).join('\n') || undefined],
    ['PINNED AT', pins.join('\n') || undefined],
  ],
};

function linkJson({ attachment, ...link }: Link) {
  const { programId: _program, linkId: _link, ...where } = attachment;
  return { ...link, ...where };
}

/** What `bpf prog attach` prints. */
export const attachedView: CardView<Attached> = {
  kind: 'BpfAttachment',
  name: ({ id }) => `program/${id}`,
  lines: ({ id, name, hooks, netns, change }) => [
    ['PROGRAM', `${name} (id ${id})`],
    ['ATTACHED TO', hooks.map(({ hook }) => hook).join('\n')],
    ['NETNS', netns],
    ['LINKS', hooks.flatMap(({ links }) => links.map((link) => `${link.id}  ${link.pin}`)).join('\n') || undefined],
    ['CHANGE', change],
  ],
  footer: ({ change, revertsAt }) => [
    ...(change === undefined ? ['DRY RUN: nothing was attached'] : [`Undo: sluice change rollback ${change}`]),
    ...(revertsAt === undefined ? [] : [`REVERTS ${revertsAt} unless:  sluice change confirm ${change}`]),
  ],
};

const detachmentColumns: readonly Column<Detachment>[] = [
  { header: 'HOOK', value: ({ attachment }) => attachment.hook },
  { header: 'TARGET', value: ({ attachment }) => attachment.target },
  { header: 'NETNS', value: ({ attachment }) => attachment.netns?.label || undefined },
  { header: 'LINK', value: ({ attachment }) => attachment.linkId },
  { header: 'WAS-OF', value: ({ foreign }) => foreign ?? 'sluice' },
];

/** What `bpf prog detach`, `bpf prog unload` and `bpf link detach` print. */
export const detachedView: CardView<Detached> = {
  kind: 'BpfDetachment',
  name: ({ what }) => what,
  lines: ({ what, removedPins, stillHeld }) => [
    ['DETACHED', what],
    ['PINS REMOVED', removedPins.join('\n') || undefined],
    ...(stillHeld === undefined ? [] : [['STILL HELD BY', stillHeld.join('\n') || 'nobody: it is unloaded'] as const]),
  ],
  sections: ({ detached }) => (detached.length === 0 ? [] : [{ columns: detachmentColumns as readonly Column<never>[], rows: detached }]),
  footer: ({ dryRun }) => (dryRun ? ['DRY RUN: nothing was changed'] : []),
};

/** What `bpf link read` prints for machines. */
export const iteratorView: CardView<{ link: string; text: string }> = {
  kind: 'BpfIteratorText',
  name: ({ link }) => `link/${link}`,
  lines: ({ link, text }) => [['LINK', link], ['TEXT', text]],
};
