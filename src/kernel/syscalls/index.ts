/** System calls: the only foreign functions, errno, mapped memory, namespaces, and descriptors that are closed once. */

export { Fd } from './fd.ts';
export { address, call, errnoName, pollReadable, viewMemory } from './libc.ts';
export { mapShared, type Mapping } from './memory.ts';
export { bindSocket, openSocket, sendTo, setSocketOption } from './socket.ts';
