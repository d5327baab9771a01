export type * from './model.ts';
export * from './kube/index.ts';
export * from './walk/index.ts';
