export {
  exitWithError,
  parseFlags,
  type Exit,
  type Flag,
  type ParseResult,
  type ParsedFlags,
  type Program,
} from './flags.js';
export { FlagValueError, parseFlagValue, type FlagType, type FlagValue } from './flag-types.js';
export { parseGoDuration, parsePrometheusDuration } from './durations.js';
export { ConfigError, parseExternalLabels, type ExternalLabel } from './external-labels.js';
export { configContent, type ConfigContent } from './config-content.js';
export { programVersion, writesOf, type CommonFlags, type ConfigResult } from './common-config.js';
export { parseRouterFlags, type RouterFlags } from './router-flags.js';
export { parseIngesterFlags, type IngesterFlags } from './ingester-flags.js';
export { runApp, type AppDefinition, type ProcessPort, type RunningApp } from './run-app.js';
