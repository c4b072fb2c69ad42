export { RelabelConfigError } from './error.js';
export { type LabelBytes } from './label-builder.js';
export { parseRelabelConfig } from './relabel-config.js';
export { relabel, type RelabelRules } from './relabel-rules.js';
