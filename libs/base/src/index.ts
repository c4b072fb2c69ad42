export { InvariantViolation, invariant } from './invariant.js';
export { OperationalError, messageOf, type ErrorKind } from './error.js';
export { systemClock, type Clock } from './clock.js';
export { GiB, KiB, MiB, hourMs, minuteMs, secondMs } from './units.js';
export { silentLog, type Log } from './log.js';
export { joinReasons } from './join-reasons.js';
