export type { ItemCounts, WriteOutcome, WriteSource, WriteTarget } from './write-target.js';
