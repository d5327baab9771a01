/** The way of packets through the programs of an interface, as rows in order. Pure. */

import { compareNatural } from '../../../lib/text.ts';
import type { Attachment } from '../../bpf/index.ts';

export type Direction = 'ingress' | 'egress';

/** One program on the way. */
export interface Step {
  /** `*` for what stands in the way of every interface of the namespace. */
  device: string;
  direction: Direction;
  /** Position in this direction, from 1. */
  order: number;
  /** As `--attach` takes it. */
  hook: string;
  /** `ipv4/input/-10` of netfilter; the preference of a tc filter. */
  place?: string;
  programId: number;
  name: string;
  linkId?: number;
  /** Of the row at this hook, for `--revision`. */
  revision?: bigint;
  /** When the program was loaded. */
  loadedAt: Date;
  owner?: string;
  /** No process and no pin holds it. */
  orphan: boolean;
  /** An older one of the same code stands at the same hook: nearly always left behind by a restart. */
  duplicate: boolean;
  /** The device is gone. */
  gone: boolean;
  /** Of a netfilter link whose namespace the kernel does not tell. */
  unknownNamespace: boolean;
}

/** What is known of a program on the way, beside where it stands. */
export interface StepFacts {
  attachment: Attachment;
  name: string;
  tag: string;
  loadedAt: Date;
  owner?: string | undefined;
  orphan: boolean;
}

/** Where in its direction a hook comes. Generic XDP runs once there is a packet buffer, just before tcx. */
const STAGES: Readonly<Record<Direction, readonly string[]>> = {
  ingress: ['xdp-offload', 'xdp-native', 'xdp', 'xdp-generic', 'tcx-ingress', 'tc-ingress', 'prerouting', 'input', 'forward', 'sk_lookup'],
  egress: ['output', 'postrouting', 'netkit-primary', 'netkit-peer', 'tcx-egress', 'tc-egress'],
};

/** The hook, or that of netfilter inside it. */
const stageOf = ({ hook, target = '' }: Attachment): string => (hook === 'netfilter' ? (target.split('/')[1] ?? hook) : hook);

const DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];

const directionOf = (attachment: Attachment): Direction | undefined =>
  DIRECTIONS.find((direction) => STAGES[direction].includes(stageOf(attachment)));

const isOfDevice = ({ hook }: Attachment): boolean => /^(xdp|tcx|tc|netkit)(-|$)/.test(hook);

const ANY = '*';

/**
 * Puts programs in the order in which packets meet them, for each interface and direction.
 *
 * @param device only this one, with what stands in the way of every interface among its own steps
 */
export function arrangeSteps(facts: readonly StepFacts[], device: string | undefined): Step[] {
  const meant = facts.filter(({ attachment }) => directionOf(attachment) !== undefined && (device === undefined || !isOfDevice(attachment) || attachment.target === device));
  const newest = newestOfEach(meant);
  // What stands in every way comes last, and what comes in before what goes out.
  const groups = Map.groupBy(meant, ({ attachment }) => `${deviceOf(attachment, device)} ${DIRECTIONS.indexOf(directionOf(attachment)!)}`);
  return [...groups].sort(([a], [b]) => Number(a.startsWith(ANY)) - Number(b.startsWith(ANY)) || compareNatural(a, b))
    .flatMap(([, members]) => [...members].sort(compareFacts).map((one, i) => toStep(one, i + 1, device, newest.get(keyOf(one)) !== one)));
}

const deviceOf = (attachment: Attachment, device: string | undefined): string => (isOfDevice(attachment) ? (attachment.target ?? '?') : (device ?? ANY));

/** Programs of the same code at the same hook of the same device. */
function keyOf({ attachment: { hook, target, netns }, name, tag }: StepFacts): string {
  const place = hook === 'netfilter' ? target?.split('/').slice(0, 2).join('/') : target;
  return [netns?.inode ?? '', hook, place, name, tag].join(' ');
}

function newestOfEach(facts: readonly StepFacts[]): Map<string, StepFacts> {
  const newest = new Map<string, StepFacts>();
  for (const one of facts) {
    const known = newest.get(keyOf(one));
    if (known === undefined || one.attachment.programId > known.attachment.programId) newest.set(keyOf(one), one);
  }
  return newest;
}

function compareFacts({ attachment: a }: StepFacts, { attachment: b }: StepFacts): number {
  const stages = STAGES[directionOf(a)!];
  return stages.indexOf(stageOf(a)) - stages.indexOf(stageOf(b)) || (a.hook === 'netfilter' ? (a.priority ?? 0) - (b.priority ?? 0) : (a.order ?? 0) - (b.order ?? 0));
}

function toStep({ attachment, name, loadedAt, owner, orphan }: StepFacts, order: number, device: string | undefined, duplicate: boolean): Step {
  const { hook, target, programId, linkId, priority, revision, gone, netns } = attachment;
  const place = hook === 'netfilter' ? target : priority === undefined ? undefined : `pref ${priority}`;
  return {
    device: deviceOf(attachment, device), direction: directionOf(attachment)!, order, hook, programId, name, loadedAt, orphan, duplicate, gone,
    unknownNamespace: hook === 'netfilter' && netns === undefined,
    ...(place === undefined ? {} : { place }), ...(linkId === undefined ? {} : { linkId }), ...(revision === undefined ? {} : { revision }), ...(owner === undefined ? {} : { owner }),
  };
}
