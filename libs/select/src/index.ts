export { createPace, type Pace } from './pace.js';
export { createExpressionBudget, type ExpressionBudget } from './expression.js';
export { compileMatcher, prepareMatchers, type LabelMatcher, type MatchType } from './matcher.js';
export { MatcherError } from './matcher-error.js';
export { createOverlay, type LabelOverlay } from './overlay.js';
export { limitSource } from './limit-source.js';
export { mergeSources, type MergeOptions } from './merge.js';
export { mergeTexts } from './merge-texts.js';
export { shardSource, type Shard } from './shard-source.js';
export { selectPostings, type PostingsSource, type ValueChoice } from './postings-plan.js';
export { PostingsUnion } from './postings-union.js';
export { noPostings, postingsOfList, type PostingsCursor } from './postings.js';
export {
  type LabelQuery,
  type SelectedChunk,
  type SelectedSeries,
  type Selection,
  type SeriesSource,
  type SeriesStore,
} from './series-source.js';
