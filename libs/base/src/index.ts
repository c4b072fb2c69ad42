export { InvariantViolation, invariant } from './invariant.js';
export { OperationalError, messageOf, type ErrorKind } from './error.js';
export { systemClock, type Clock } from './clock.js';
export { GiB, KiB, MiB, minuteMs, secondMs } from './units.js';
export { silentLog, type Log } from './log.js';
export { int64Max, int64Min, toInt64 } from './int64.js';
export { JsonNumber, JsonObject, JsonSyntaxError, parseJson, type Json } from './json.js';
export { joinReasons } from './join-reasons.js';
export { xxh64 } from './xxh64.js';
