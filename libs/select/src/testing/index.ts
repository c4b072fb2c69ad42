export { ModelStore, collect, sourceOf, type ModelSeries } from './model-store.js';
export { restlessPace, stillPace } from './paces.js';
