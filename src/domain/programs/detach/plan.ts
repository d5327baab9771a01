/** How what stands at hooks is taken off again. Pure. */

import { describeAttachment, heldKey, type Attachment, type Holders } from '../../bpf/index.ts';
import { isOurs } from '../attach/pins.ts';

/** One thing to take off. */
export interface Detachment {
  attachment: Attachment;
  /** In words. */
  place: string;
  /** Pins of its link. */
  pins: readonly string[];
  /** Who else has put it there: a process that holds it, or a pin that is not sluice's; absent for our own. */
  foreign?: string;
  /** A process that holds its link: one that the kernel cannot detach stays as long as that does. */
  holder?: string;
}

/**
 * What has to be taken off.
 *
 * @param programPins pins of the program: they tell whose it is where a hook takes no link
 */
export function planDetachment(attachment: Attachment, holders: Holders, programPins: readonly string[]): Detachment {
  const pins = attachment.linkId === undefined ? [] : (holders.pins.get(heldKey('link', attachment.linkId)) ?? []);
  const process = attachment.linkId === undefined ? undefined : holders.processes.get(heldKey('link', attachment.linkId))?.[0];
  const evidence = attachment.linkId === undefined ? programPins : pins;
  const holder = process === undefined ? undefined : `${process.name} (pid ${process.pid})`;
  const foreign = holder ?? strangerOf(evidence);
  return {
    attachment, place: describeAttachment(attachment), pins, ...(foreign === undefined ? {} : { foreign }), ...(holder === undefined ? {} : { holder }),
  };
}

function strangerOf(pins: readonly string[]): string | undefined {
  if (pins.some(isOurs)) return pins.find((pin) => !isOurs(pin));
  return pins[0] ?? 'somebody who left no pin';
}

/** Whether an attachment is meant by `HOOK`, `HOOK:TARGET` or nothing. A hook of XDP stands for each of its modes. */
export function isMeant({ hook, target }: Attachment, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  const at = wanted.indexOf(':');
  const [name, place] = at < 0 ? [wanted, undefined] : [wanted.slice(0, at), wanted.slice(at + 1)];
  const sameHook = hook === name || (name === 'xdp' && hook.startsWith('xdp-')) || (hook === 'xdp' && name.startsWith('xdp-'));
  return sameHook && (place === undefined || place === target);
}
