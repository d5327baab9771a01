import { describe, expect, test } from 'vitest';
import { stateOf, type Traces } from '../../../src/domain/changes/state.ts';

const pending: Traces = {
  token: { kind: 'armed', deadline: 100 },
  lastState: 'pending',
  sameBoot: true,
  ownerMarked: false,
  ownerAlive: false,
  revertAlive: false,
  timerAlive: true,
};

describe('the state of a change', () => {
  test.each<[string, Partial<Traces>, string, boolean]>([
    ['waits', {}, 'pending', false],
    ['is being applied', { ownerMarked: true, ownerAlive: true }, 'applying', false],
    ['lost its process while it was applied', { ownerMarked: true }, 'applying', true],
    ['was confirmed', { token: { kind: 'confirmed' } }, 'confirmed', false],
    ['was confirmed, but the state file was not written', { token: { kind: 'confirmed' }, lastState: 'applying' }, 'confirmed', false],
    ['is being reverted', { token: { kind: 'reverting' }, revertAlive: true }, 'reverting', false],
    ['was taken by the timer just now', { token: { kind: 'reverting' } }, 'reverting', false],
    ['was cut off while it was reverted', { token: { kind: 'reverting' }, timerAlive: false }, 'revert-failed', false],
    ['was reverted', { token: { kind: 'reverted' }, timerAlive: false }, 'reverted', false],
    ['did not get as far as a token', { token: undefined, lastState: undefined, timerAlive: false }, 'applying', true],
    ['lost its run directory', { token: undefined }, 'pending', false],
    ['lost its run directory after the end', { token: undefined, lastState: 'rolled-back' }, 'rolled-back', false],
    ['has a damaged state file', { token: undefined, lastState: 'x' }, 'applying', true],
    ['was pending at a restart', { token: undefined, sameBoot: false }, 'lost-at-reboot', false],
    ['was confirmed before a restart', { token: undefined, sameBoot: false, lastState: 'confirmed' }, 'lost-at-reboot', false],
    ['was reverted before a restart', { token: undefined, sameBoot: false, lastState: 'reverted' }, 'reverted', false],
  ])('a change that %s', (_what, traces, state, interrupted) => {
    expect(stateOf({ ...pending, ...traces })).toEqual({ state, interrupted });
  });
});
