/** What completion asks the kernel, by itself: a start for a completion loads nothing else. */
export { nameObjects } from './domain/bpf/index.ts';
