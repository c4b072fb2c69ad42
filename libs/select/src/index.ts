export { createPace, type Pace } from './pace.js';
export { type LabelMatcher, type MatchType } from './matcher.js';
export { type LabelOverlay } from './overlay.js';
export {
  type LabelQuery,
  type SelectedChunk,
  type SelectedSeries,
  type Selection,
  type SeriesSource,
  type SeriesStore,
} from './series-source.js';
