import type { Target } from '../model.ts';
import type { Effect, TargetContext } from './effect.ts';
import { optionValue, textOptions, type TextOption } from './matches/options.ts';
import { applyDnat, applyMasquerade, applyNetmap, applyRedirect, applySnat } from './nat-targets.ts';
import type { Packet } from './packet.ts';

type NativeTarget = Target & { kind: 'native' };

/** Runs a target with code of its own in the kernel, as far as later rules and the verdict depend on it. */
export function applyTarget(target: NativeTarget, packet: Packet, context: TargetContext): Effect {
  const options = textOptions(target.text);
  switch (target.name) {
    case 'REJECT': return { kind: 'end', verdict: 'reject', packet };
    case 'DNAT': return applyDnat(packet, options);
    case 'REDIRECT': return applyRedirect(packet, options, context);
    case 'SNAT': return applySnat(packet, options);
    case 'MASQUERADE': return applyMasquerade(packet, options, context);
    case 'NETMAP': return applyNetmap(packet, options, context);
    case 'MARK': return { kind: 'continue', packet: { ...packet, mark: changeMark(target, packet.mark) } };
    case 'CONNMARK': return { kind: 'continue', packet: applyConnmark(packet, options) };
    case 'NOTRACK': return { kind: 'continue', packet: untracked(packet) };
    case 'CT': return { kind: 'continue', packet: options.some(({ name }) => name === '--notrack') ? untracked(packet) : packet };
    case 'HMARK': return { kind: 'continue', packet: { ...packet, mark: undefined } };
    case 'SNPT': return { kind: 'continue', packet: { ...packet, source: undefined } };
    case 'DNPT': return { kind: 'continue', packet: { ...packet, destination: undefined } };
    default: return target.terminating ? { kind: 'undetermined', why: `${target.name} decides` } : { kind: 'continue', packet };
  }
}

/** How a step names what the target did: `DNAT 10.244.2.9:53`, `REJECT icmp-port-unreachable`, `MARK 0x4000/0x4000`. */
export function describeTarget(target: NativeTarget): string {
  const options = textOptions(target.text);
  const named = ['--to-destination', '--to-source', '--to-ports', '--to', '--reject-with', '--set-xmark', '--set-mark'];
  const value = named.map((name) => optionValue(options, name)).find((candidate) => candidate !== undefined);
  return value === undefined ? target.name : `${target.name} ${value}`;
}

/** Before conntrack has seen the packet it can still be told to leave it alone. */
const untracked = (packet: Packet): Packet => ({ ...packet, states: ['UNTRACKED'] });

function changeMark(target: NativeTarget, mark: number | undefined): number | undefined {
  const change = target.setsMark;
  if (change === undefined) return undefined;
  if (mark === undefined && change.clear !== 0xffff_ffff) return undefined;
  return (((mark ?? 0) & ~change.clear) ^ change.xor) >>> 0;
}

/** @kernel net/netfilter/xt_connmark.c connmark_tg_shift: does nothing without a connection */
function applyConnmark(packet: Packet, options: readonly TextOption[]): Packet {
  if (packet.states === undefined) return { ...packet, mark: undefined, connectionMark: undefined };
  if (packet.states.includes('INVALID') || packet.states.includes('UNTRACKED')) return packet;
  const has = (name: string): boolean => options.some((option) => option.name === name);
  if (options.some(({ name }) => name.includes('-mark-') || name.includes('shift'))) return { ...packet, mark: undefined, connectionMark: undefined };
  const packetMask = maskOption(options, '--nfmask');
  const connectionMask = maskOption(options, '--ctmask');
  if (has('--save-mark')) {
    return { ...packet, connectionMark: combine(packet.connectionMark, connectionMask, packet.mark, packetMask) };
  }
  if (has('--restore-mark')) return { ...packet, mark: combine(packet.mark, packetMask, packet.connectionMark, connectionMask) };
  const [value = 0, mask = 0xffff_ffff] = (optionValue(options, '--set-xmark') ?? '').split('/').map(Number);
  return { ...packet, connectionMark: combine(packet.connectionMark, mask, value, 0xffff_ffff) };
}

const maskOption = (options: readonly TextOption[], name: string): number => Number(optionValue(options, name) ?? 0xffff_ffff);

/** `(old & ~oldMask) ^ (other & otherMask)`; undefined when a bit of it is not known. */
function combine(old: number | undefined, oldMask: number, other: number | undefined, otherMask: number): number | undefined {
  if ((old === undefined && oldMask !== 0xffff_ffff) || (other === undefined && otherMask !== 0)) return undefined;
  return (((old ?? 0) & ~oldMask) ^ ((other ?? 0) & otherMask)) >>> 0;
}
