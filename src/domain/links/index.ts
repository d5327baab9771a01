/** Interfaces of a network namespace: what they are called, what kind they are, and how they stand on each other. */

export { describeLinks, findLink, getInterface, listInterfaces } from './inspect.ts';
export type { InterfaceDetail, LinkRequest, NetworkInterface, OperState } from './model.ts';
