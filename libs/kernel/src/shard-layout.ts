/** Offsets in a series and in a finished chunk; assembly/series-layout.ts describes both. */
export const seriesLayout = {
  ref: 0,
  maxTime: 8,
  lastBits: 16,
  open: 40,
  openBits: 46,
  openCount: 48,
  labelsLength: 52,
  minTime: 56,
  oldest: 64,
  flags: 76,
  labels: 80,
} as const;

export const seriesFlags = { host: 1, pinned: 2, hostOpen: 4 } as const;

export const chunkLayout = {
  minTime: 0,
  maxTime: 8,
  next: 16,
  dataLength: 20,
  count: 24,
  encoding: 26,
  flags: 27,
  data: 28,
  file: 28,
  offset: 32,
} as const;

export const chunkFlags = { stored: 1 } as const;

/** Offsets in the control block, which assembly/shard-control.ts describes. */
export const controlLayout = {
  minTime: 0,
  maxTime: 8,
  nextRef: 16,
  appendableMin: 24,
  started: 32,
  firstTime: 40,
  appended: 48,
  created: 52,
  left: 84,
  seriesRecord: 88,
  samplesRecord: 96,
  dropped: 104,
  known: 108,
  seriesApplied: 112,
  list: 116,
  listCount: 120,
  oldest: 128,
  smallNeed: 136,
  runNeed: 144,
  workNeed: 152,
  whole: 156,
  late: 164,
  lateCount: 168,
  stopSeries: 172,
  stopRef: 176,
  stopTime: 184,
  stopBits: 192,
  lateMin: 200,
  takesLate: 208,
  oldestFile: 212,
  list2: 216,
  list2Count: 220,
  refused: 224,
  refusedCount: 228,
} as const;
