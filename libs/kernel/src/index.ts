export { RowVerdict, groupBytes, rowBytes, sampleBytes, type ScannedBatch } from './batch.js';
export { type Intake, type IntakeLimits, type MessageEncoding, type MessageSchema } from './intake.js';
