/** What esbuild alone does not do as sluice needs it. */

import type { Plugin } from 'esbuild';

/** Packages of oclif's search for plugins, its help templates, its spinner and its own debugging. */
const LEFT_OUT = ['cli-spinners', 'ejs', 'lilconfig', 'minimatch', 'semver', 'tinyglobby', 'wsl-utils'];

/** Something that can be imported and looked into, but complains as soon as it is called. */
const refusal = (name: string): string =>
  `module.exports = new Proxy(function () { throw new Error('${name} is not part of the bundle'); }, { get: (target, key) => key === '__esModule' ? undefined : target });`;

/** The one that is called at every start; it says nothing. */
const SILENT_DEBUG = 'const silent = Object.assign(() => {}, { enabled: false, extend: () => silent }); module.exports = () => silent;';

/** Leaves out of the bundle what oclif loads but sluice never lets it use; saves a sixth of a command's start. */
export const oclifStubs: Plugin = {
  name: 'oclif-stubs',
  setup(build) {
    build.onResolve({ filter: new RegExp(`^(${[...LEFT_OUT, 'debug'].join('|')})$`) }, ({ path, importer }) =>
      (importer.includes('/@oclif/core/') ? { path, namespace: 'oclif-stub' } : undefined));
    build.onLoad({ filter: /.*/, namespace: 'oclif-stub' }, ({ path }) => ({ contents: path === 'debug' ? SILENT_DEBUG : refusal(path) }));
  },
};

/**
 * Gives `await import('package')` the names that a CommonJS package exports. Node finds them in its source; esbuild, when
 * it splits the bundle, offers `default` alone.
 */
export const commonjsNames: Plugin = {
  name: 'commonjs-names',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ kind, path }) =>
      (kind === 'dynamic-import' && (await namesOf(path)).includes(NODE_MARKS_COMMONJS) ? { path, namespace: 'commonjs-names' } : undefined));
    build.onLoad({ filter: /.*/, namespace: 'commonjs-names' }, async ({ path }) => {
      const names = (await namesOf(path)).filter((name) => name !== NODE_MARKS_COMMONJS);
      return { contents: `export { ${names.join(', ')} } from '${path}';`, resolveDir: import.meta.dirname };
    });
  },
};

/**
 * Reads the codecs of the netlink package, a quarter of a megabyte, when one of their functions is first called: commands that
 * only read never call any. The package is CommonJS, which is all run where it is imported.
 */
export const lateCodecs: Plugin = {
  name: 'late-codecs',
  setup(build) {
    build.onResolve({ filter: /^netlink\/dist\/rt\// }, ({ kind, path }) => (kind === 'import-statement' ? { path, namespace: 'late-codecs' } : undefined));
    build.onLoad({ filter: /.*/, namespace: 'late-codecs' }, async ({ path }) => {
      const names = (await namesOf(path)).filter((name) => /^(format|parse)[A-Z]/.test(name));
      return { contents: names.map((name) => `export const ${name} = (...args) => require('${path}').${name}(...args);\n`).join(''), resolveDir: import.meta.dirname };
    });
  },
};

/** The name under which Node puts `module.exports` itself among the exports of a CommonJS module. */
const NODE_MARKS_COMMONJS = 'module.exports';

const namesOf = async (name: string): Promise<string[]> => Object.keys((await import(name)) as object);
