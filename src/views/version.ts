import type { CardView } from '../cli/view.ts';

/** What is running. */
export interface Versions {
  version: string;
  commit: string | undefined;
  node: string;
  kernel: string;
}

export const versionView: CardView<Versions> = {
  kind: 'Version',
  name: ({ version }) => `version/${version}`,
  lines: ({ version, commit, node, kernel }) => [['sluice', version], ['commit', commit], ['node', node], ['kernel', kernel]],
};
