/** oclif's configuration by itself: a CommonJS module shows its names only to a static import. */
export { Config } from '@oclif/core/config';
