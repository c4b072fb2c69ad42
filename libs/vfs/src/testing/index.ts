export { CrashVfs } from './crash-vfs.js';
export { errnoError, type ErrnoCode } from './errno.js';
export { FaultyVfs, type Fault, type VfsCall, type VfsOperation } from './faulty-vfs.js';
export { MemoryVfs } from './memory-vfs.js';
export { vfsContract, type VfsUnderTest } from './vfs-contract.js';
