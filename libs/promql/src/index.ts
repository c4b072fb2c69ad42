export { PromqlError } from './promql-error.js';
export { queryCharsMax, selectorsOf, type Selector } from './selectors.js';
