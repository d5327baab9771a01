import { expect, test } from 'vitest';
import { confirmWindow, DEFAULT_CONFIRM_WINDOW_MS } from '../../../src/domain/changes/index.ts';

const ssh = '10.0.0.9 51022 10.0.0.1 22';

test.each([
  ['a person who came through SSH', { stdinIsTerminal: true, sshConnection: ssh }, true, DEFAULT_CONFIRM_WINDOW_MS],
  ['the same, for a change that judges no packets', { stdinIsTerminal: true, sshConnection: ssh }, false, undefined],
  ['a script that came through SSH', { stdinIsTerminal: false, sshConnection: ssh }, true, undefined],
  ['a person at the console', { stdinIsTerminal: true }, true, undefined],
  ['an empty SSH_CONNECTION', { stdinIsTerminal: true, sshConnection: '' }, true, undefined],
  ['a request', { stdinIsTerminal: false, requestedMs: 5000 }, false, 5000],
])('%s', (_who, facts, touchesVerdicts, expected) => {
  expect(confirmWindow(facts, touchesVerdicts)).toBe(expected);
});
