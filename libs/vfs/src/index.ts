export { nodeVfs } from './node-vfs.js';
export { readBoundedFile } from './read-bounded-file.js';
export { replaceFileDurable, writeFileDurable } from './write-file-durable.js';
export { freeNameAside, isSetAside } from './set-aside.js';
export { type DirEntry, type FileStat, type OpenMode, type Vfs, type VfsFile } from './vfs.js';
