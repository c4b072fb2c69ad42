export { Child, type ChildPlan, type Ending } from './child.js';
export { OrphanGuard } from './orphan-guard.js';
export { isPortFree } from './port.js';
export { parseTextFormat, sumOf, type ScrapedSample } from './text-format.js';
