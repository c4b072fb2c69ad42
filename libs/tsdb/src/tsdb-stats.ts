/** Counters since the database was opened. */
export interface TsdbStats {
  cuts: number;
  cutFailures: number;
  /** Seconds spent cutting. */
  cutSeconds: number;
  outOfOrderBlocks: number;
  blocksDeleted: number;
  /** Those of them that were beyond the retention size. */
  blocksDeletedForSize: number;
  /** Over a limit at the last look, and kept because they are not in the bucket. */
  blocksHeldBack: number;
  checkpoints: number;
  checkpointFailures: number;
  replays: number;
  replayFailures: number;
  /** Seconds that the last replay took. */
  replaySeconds: number;
  /** Samples taken while a log was replayed, and those of them that were dropped afterwards as out of order, duplicate or too old. */
  journaledSamples: number;
  journaledDropped: number;
  /** Series that were refused because the head had as many as it may; once for each request. */
  seriesLimited: number;
  /** Times that the head had to be built anew from its log because its kernel had failed. */
  recoveries: number;
  /** Damage found, by where: what was before it is kept, the files are set aside. */
  damagedHeadChunks: number;
  damagedCheckpoints: number;
  damagedSegments: number;
  damagedOutOfOrderSegments: number;
  damagedBlocks: number;
}

/** All at zero. */
export const noStats = (): TsdbStats => ({
  cuts: 0,
  cutFailures: 0,
  cutSeconds: 0,
  outOfOrderBlocks: 0,
  blocksDeleted: 0,
  blocksDeletedForSize: 0,
  blocksHeldBack: 0,
  checkpoints: 0,
  checkpointFailures: 0,
  replays: 0,
  replayFailures: 0,
  replaySeconds: 0,
  journaledSamples: 0,
  journaledDropped: 0,
  seriesLimited: 0,
  recoveries: 0,
  damagedHeadChunks: 0,
  damagedCheckpoints: 0,
  damagedSegments: 0,
  damagedOutOfOrderSegments: 0,
  damagedBlocks: 0,
});
