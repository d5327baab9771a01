/** System calls: the only foreign functions, errno, mapped memory, locks, sockets, and descriptors that are closed once. */

export { Fd, toSyscallError } from './fd.ts';
export { openFileSystem } from './file-system.ts';
export { address, call, callAsync, errnoName, pollReadable } from './libc.ts';
export { tryLock } from './lock.ts';
export { mapShared, type Mapping } from './memory.ts';
export { openPerfEvent } from './perf-event.ts';
export { copyDescriptor, openProcess } from './process.ts';
export { bindSocket, connectSocket, getSocketOption, openSocket, receive, receiveAhead, receiveFrom, receiveInto, sendTo, setSocketOption } from './socket.ts';
