export { createPace, type Pace } from './pace.js';
export { compileMatcher, prepareMatchers, type LabelMatcher, type MatchType } from './matcher.js';
export { MatcherError } from './matcher-error.js';
export { createOverlay, type LabelOverlay } from './overlay.js';
export {
  type LabelQuery,
  type SelectedChunk,
  type SelectedSeries,
  type Selection,
  type SeriesSource,
  type SeriesStore,
} from './series-source.js';
