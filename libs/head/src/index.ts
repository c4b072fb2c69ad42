export { createHead } from './sharded-head.js';
export {
  noRejections,
  type AppendBounds,
  type AppendResult,
  type Head,
  type HeadChunk,
  type HeadCursor,
  type HeadOptions,
  type HeadSeries,
  type Rejections,
} from './head.js';
export { RecordCorruptError } from './replay-error.js';
