/** Leaves out of the bundle what oclif loads but sluice never lets it use; saves a sixth of a command's start. */

import type { Plugin } from 'esbuild';

/** Packages of oclif's search for plugins, its help templates, its spinner and its own debugging. */
const LEFT_OUT = ['cli-spinners', 'ejs', 'lilconfig', 'minimatch', 'semver', 'tinyglobby', 'wsl-utils'];

/** Something that can be imported and looked into, but complains as soon as it is called. */
const refusal = (name: string): string =>
  `module.exports = new Proxy(function () { throw new Error('${name} is not part of the bundle'); }, { get: (target, key) => key === '__esModule' ? undefined : target });`;

/** The one that is called at every start; it says nothing. */
const SILENT_DEBUG = 'const silent = Object.assign(() => {}, { enabled: false, extend: () => silent }); module.exports = () => silent;';

/** For esbuild: replaces those packages where oclif itself imports them. */
export const oclifStubs: Plugin = {
  name: 'oclif-stubs',
  setup(build) {
    build.onResolve({ filter: new RegExp(`^(${[...LEFT_OUT, 'debug'].join('|')})$`) }, ({ path, importer }) =>
      (importer.includes('/@oclif/core/') ? { path, namespace: 'oclif-stub' } : undefined));
    build.onLoad({ filter: /.*/, namespace: 'oclif-stub' }, ({ path }) => ({ contents: path === 'debug' ? SILENT_DEBUG : refusal(path) }));
  },
};
