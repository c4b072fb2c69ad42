export { openBlockFiles, type BlockFiles } from './block-files.js';
export { openBlockReader, type BlockReader } from './block-reader.js';
export { createBlockReaders, type BlockReaders, type BlockReadersOptions, type Lease } from './block-readers.js';
export { budgetDefault, shareBudget, type ReadBudget } from './read-budget.js';
