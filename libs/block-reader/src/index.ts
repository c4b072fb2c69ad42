export { type BlockReader } from './block-reader.js';
export { createBlockReaders, type BlockReaders, type BlockReadersOptions, type Lease } from './block-readers.js';
export { shareBudget, type ReadBudget } from './read-budget.js';
