/** Sorts the series of a shard's snapshot, in any thread: an instance of its own over the shard's memory, of which it allocates nothing. */
export { sortBegin, sortedArray, sortOverlay, sortStep } from './series-sort';
