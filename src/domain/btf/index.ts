/** Type information that is in the kernel, in objects and in files. */

export { type BtfDump, type BtfListing, dumpBtf, listBtf } from './inspect.ts';
