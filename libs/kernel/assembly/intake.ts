// The intake kernel: one linear memory, laid out anew for each request from `base` upwards.
//
//   message  tenant │ body  tenant  rewritten │ hash stream │ symbols │ pairs  pairs │ texts │ groups │ rows │ samples │ indexes  tenant │ content │ output
//   ─ as received ──   ─ what offsets count from           ─ remote write 2.0 only ─────────                            ─ what gather adds ──────────
//
// An uncompressed message is its own body. Each area is followed by slack. The room of the tables is kept from request to
// request and doubled when it does not do, as far as `rowsMax` and `samplesMax`. Whoever calls writes the message to `reserve`, the indexes to `reserveGather`,
// and finds results through `report`.

import { copySteps, slackBytes } from './copy';
import { crc32c } from './crc32c';
import { contentAt, failure, failureAt, takeContent, takeTag } from './protobuf';
import {
  exemplarCount, groupBytes, groupCount, hashRoutes, histogramCount, layScan, layTables, metadataCount, needGroups, needRewrite, needRows, needSamples, refusedCount, replica,
  rewriteAt, rowBytes, rowCount, sampleBytes, sampleCount, scanPrometheus, scanThanos,
} from './scan';
import { scanPrometheusV2, usualTextBytes } from './scan-v2';
import { blockBytesMax, blockContentLength, decodeBlock, encodeBlock, encodeStream, streamBytesMax, walkStream } from './snappy';
import { expansion, laySymbols, needPairs, needSymbols, pairBytes, symbolBytes, whyExpansion } from './symbols';
import { writeVarint } from './varint';
import { xxh64 } from './xxh64';

const identity: u32 = 0;
const snappyBlock: u32 = 1;
const snappyFramed: u32 = 2;

const schemaThanos: u32 = 1;
const schemaPrometheusV2: u32 = 2;

const statusOk: u32 = 0;
const statusCorrupt: u32 = 1;
const statusTooLarge: u32 = 2;
const statusMalformed: u32 = 3;
const statusMemory: u32 = 4;
const statusRows: u32 = 5;
const statusTooMany: u32 = 6;

/** A message of a few kilobytes can unpack to millions of empty entries; these bound the tables. All are powers of two. */
const rowsMax: usize = 1 << 20;
const samplesMax: usize = 1 << 23;
const symbolsMax: usize = 1 << 22;
/** Labels of one series, or of one exemplar, of remote write 2.0. */
const pairsMax: usize = 1 << 20;
const rewriteMax: usize = 0x60000000;

/** What a call found; src/intake.ts and src/codec.ts read it by these words of 4 bytes. */
const reportAt: usize = memory.data(20 * 4, 16);
const reportFailure: usize = 0;
const reportFailureAt: usize = 4;
const reportBody: usize = 8;
const reportBodyLength: usize = 12;
const reportGroups: usize = 16;
const reportGroupCount: usize = 20;
const reportRows: usize = 24;
const reportRowCount: usize = 28;
const reportSamples: usize = 32;
const reportSampleCount: usize = 36;
const reportHistograms: usize = 40;
const reportExemplars: usize = 44;
const reportMetadata: usize = 48;
const reportOutput: usize = 52;
const reportOutputLength: usize = 56;
const reportReplica: usize = 64;
const reportRefused: usize = 72;

const base: usize = (__heap_base + 15) & ~15;

let groupRoom: usize = 64;
let rowRoom: usize = 2048;
let sampleRoom: usize = 2048;
let rewriteRoom: usize = 0;
let symbolRoom: usize = 1024;
let pairRoom: usize = 64;

/** The batch scanned last, for gather. */
let body: usize = 0;
let rows: usize = 0;
let scannedRows: u32 = 0;
let batchEnd: usize = 0;

let indexes: usize = 0;

export function report(): usize {
  return reportAt;
}

// @ts-ignore: decorator
@inline
function aligned(address: u64): u64 {
  return (address + 15) & ~15;
}

/** Makes the memory reach to `end`. False when there is no more to have. */
function grow(end: u64): bool {
  const pages = (end + 65535) >> 16;
  if (pages <= <u64>memory.size()) return true;
  return pages <= 65536 && memory.grow(<i32>pages - memory.size()) >= 0;
}

/** Where to put `length` bytes of input; 0 when memory is exhausted. Ends the batch before. */
export function reserve(length: usize): usize {
  scannedRows = 0;
  return grow(<u64>base + <u64>length + <u64>slackBytes) ? base : 0;
}

let contentStart: usize = 0;
let contentLength: usize = 0;

/** Decompresses the message in [base, base + length), with `behind` more bytes of input behind it that are left alone. */
function decompress(length: usize, behind: usize, encoding: u32, contentMax: u32): u32 {
  const end = base + length;
  let size: i64 = <i64>length;
  if (encoding == snappyBlock) size = blockContentLength(base, end, <u64>contentMax);
  else if (encoding == snappyFramed) size = walkStream(base, end, 0, 0);
  if (size < 0) return statusCorrupt;
  if (size > <i64>contentMax) return statusTooLarge;
  contentLength = <usize>size;
  contentStart = base;
  if (encoding == identity) return statusOk;
  contentStart = <usize>aligned(<u64>end + <u64>behind + <u64>slackBytes);
  if (!grow(<u64>contentStart + <u64>size + <u64>slackBytes)) return statusMemory;
  const contentEnd = contentStart + contentLength;
  if (encoding == snappyBlock) return decodeBlock(base, end, contentStart, contentEnd) ? statusOk : statusCorrupt;
  return walkStream(base, end, contentStart, contentEnd) == size ? statusOk : statusCorrupt;
}

/** What a request of remote write 2.0 may become as 1.0: so many bytes, or so many times its own if that is more. Usual ones become eight times as large. */
const expansionFloor: u64 = 16 * 1024 * 1024;
const expansionFactor: u64 = 32;

/** Scans the message of `length` bytes at `base`, with the tenant behind it. `routes`: hash for the ring. */
export function scan(length: usize, tenantLength: usize, encoding: u32, contentMax: u32, schema: u32, routes: bool): u32 {
  scannedRows = 0;
  const status = decompress(length, tenantLength, encoding, contentMax);
  if (status != statusOk) return status;
  body = contentStart;
  const bodyEnd = body + contentLength;
  // Tables point at the tenant by an offset from the body.
  const tenant = bodyEnd;
  if (encoding != identity) {
    if (!grow(<u64>tenant + <u64>tenantLength + <u64>slackBytes)) return statusMemory;
    memory.copy(tenant, base + length, tenantLength);
  }
  const rewrite = tenant + tenantLength;
  // A body of references is small, and what it refers to may be large: it is for those who send much to need much.
  const expansionMax = min<u64>(<u64>contentMax, max<u64>(expansionFloor, <u64>contentLength * expansionFactor));
  let groups: usize = 0;
  let samples: usize = 0;
  for (;;) {
    const stream = aligned(<u64>rewrite + <u64>rewriteRoom + <u64>slackBytes);
    // Labels that are resolved may be longer than the body, but not than what is written behind it.
    const streamBytes = schema == schemaPrometheusV2 ? rewriteRoom : contentLength;
    let groupsAt = aligned(stream + <u64>tenantLength + 1 + <u64>streamBytes + <u64>slackBytes);
    const symbols = <usize>groupsAt;
    const pairs = <usize>aligned(groupsAt + <u64>(symbolRoom * symbolBytes) + <u64>slackBytes);
    const texts = <usize>aligned(<u64>pairs + <u64>(pairRoom * 2 * pairBytes) + <u64>slackBytes);
    if (schema == schemaPrometheusV2) groupsAt = aligned(<u64>texts + <u64>usualTextBytes(tenantLength) + <u64>slackBytes);
    const rowsAt = aligned(groupsAt + <u64>(groupRoom * groupBytes) + <u64>slackBytes);
    const samplesAt = aligned(rowsAt + <u64>(rowRoom * rowBytes) + <u64>slackBytes);
    if (!grow(samplesAt + <u64>sampleRoom * <u64>sampleBytes + <u64>slackBytes)) return statusMemory;
    groups = <usize>groupsAt;
    rows = <usize>rowsAt;
    samples = <usize>samplesAt;
    layScan(body, rewrite, rewriteRoom, <usize>stream);
    layTables(groups, groupRoom, rows, rowRoom, samples, sampleRoom);
    let isDone: bool;
    if (schema == schemaPrometheusV2) {
      laySymbols(symbols, symbolRoom, pairs, pairRoom, <u64>rewriteRoom, expansionMax);
      isDone = scanPrometheusV2(body, bodyEnd, tenant, tenantLength, texts, pairRoom);
    } else {
      isDone = schema == schemaThanos ? scanThanos(body, bodyEnd, rows) : scanPrometheus(body, bodyEnd, tenant, tenantLength);
    }
    if (isDone) break;
    // Whether there may be more is asked before any room grows: what is too much leaves the next request as it was.
    if (failure == needRows) {
      if (rowRoom >= rowsMax) return statusTooMany;
      rowRoom <<= 1;
    } else if (failure == needSamples) {
      if (sampleRoom >= samplesMax) return statusTooMany;
      sampleRoom <<= 1;
    } else if (failure == needGroups) {
      groupRoom <<= 1;
    } else if (failure == needSymbols) {
      if (symbolRoom >= symbolsMax) return statusTooMany;
      symbolRoom <<= 1;
    } else if (failure == needPairs) {
      if (pairRoom >= pairsMax) return statusTooMany;
      pairRoom <<= 1;
    } else if (failure == whyExpansion) {
      return statusTooLarge;
    } else if (failure == needRewrite && schema == schemaPrometheusV2) {
      // The scan has counted what it needs. Some more spares the next request, a little larger, the same.
      const room = max<u64>(expansion, min<u64>(expansion + (expansion >> 2), expansionMax));
      rewriteRoom = <usize>((room + 65535) & ~65535);
    } else if (failure == needRewrite) {
      if (rewriteRoom >= rewriteMax >> 1) return statusMemory;
      rewriteRoom = max<usize>(rewriteRoom << 1, 65536);
    } else {
      store<u32>(reportAt, failure, reportFailure);
      store<u32>(reportAt, <u32>(failureAt - body), reportFailureAt);
      return statusMalformed;
    }
  }
  if (schema == schemaThanos && routes) hashRoutes(rows);
  scannedRows = rowCount;
  batchEnd = samples + <usize>sampleCount() * sampleBytes;
  store<u32>(reportAt, <u32>body, reportBody);
  store<u32>(reportAt, <u32>(rewriteAt - body), reportBodyLength);
  store<u32>(reportAt, <u32>groups, reportGroups);
  store<u32>(reportAt, groupCount, reportGroupCount);
  store<u32>(reportAt, <u32>rows, reportRows);
  store<u32>(reportAt, rowCount, reportRowCount);
  store<u32>(reportAt, <u32>samples, reportSamples);
  store<u32>(reportAt, sampleCount(), reportSampleCount);
  store<u32>(reportAt, histogramCount, reportHistograms);
  store<u32>(reportAt, exemplarCount, reportExemplars);
  store<u32>(reportAt, metadataCount, reportMetadata);
  store<i64>(reportAt, replica, reportReplica);
  store<u32>(reportAt, refusedCount, reportRefused);
  return statusOk;
}

/** Where to put `count` row indexes of 4 bytes and behind them a tenant; 0 when memory is exhausted. */
export function reserveGather(count: u32, tenantLength: usize): usize {
  const at = aligned(<u64>batchEnd + <u64>slackBytes);
  if (!grow(at + <u64>count * 4 + <u64>tenantLength + <u64>slackBytes)) return 0;
  indexes = <usize>at;
  return indexes;
}

/** Copies a series field, with its tag in the shortest form; nothing for a row that has none. */
function copySeries(to: usize, at: usize, length: usize): usize {
  if (length == 0) return to;
  if (load<u8>(at) == 0x0a) {
    copySteps(to, at, length);
    return to + length;
  }
  const end = at + length;
  takeContent(takeTag(at, end), end);
  const size = end - contentAt;
  store<u8>(to, 0x0a);
  to = writeVarint(to + 1, <u64>size);
  memory.copy(to, contentAt, size);
  return to + size;
}

/** Builds thanos.WriteRequest from the rows whose indexes were put to `reserveGather`. */
export function gather(count: u32, tenantLength: usize, toReplica: i64, encoding: u32): u32 {
  const tenant = indexes + <usize>count * 4;
  let size: u64 = <u64>tenantLength + 32;
  for (let at = indexes; at < tenant; at += 4) {
    const index = load<u32>(at);
    if (index >= scannedRows) return statusRows;
    size += <u64>load<u32>(rows + <usize>index * rowBytes, 36);
  }
  const content = aligned(<u64>tenant + <u64>tenantLength + <u64>slackBytes);
  const output = aligned(content + size + <u64>slackBytes);
  if (!grow(output + (encoding == identity ? 0 : streamBytesMax(size)) + <u64>slackBytes)) return statusMemory;

  let to = <usize>content;
  for (let at = indexes; at < tenant; at += 4) {
    const row = rows + <usize>load<u32>(at) * rowBytes;
    to = copySeries(to, body + <usize>load<u32>(row, 32), <usize>load<u32>(row, 36));
  }
  if (tenantLength > 0) {
    store<u8>(to, 0x12);
    to = writeVarint(to + 1, <u64>tenantLength);
    memory.copy(to, tenant, tenantLength);
    to += tenantLength;
  }
  if (toReplica != 0) {
    store<u8>(to, 0x18);
    to = writeVarint(to + 1, <u64>toReplica);
  }
  const length = to - <usize>content;
  if (encoding == identity) return put(<usize>content, length);
  return put(<usize>output, encodeStream(<usize>content, length, <usize>output) - <usize>output);
}

function put(at: usize, length: usize): u32 {
  store<u32>(reportAt, <u32>at, reportOutput);
  store<u32>(reportAt, <u32>length, reportOutputLength);
  return statusOk;
}

/** Compresses the `length` bytes at `base`. */
export function compress(length: usize, encoding: u32): u32 {
  const output = aligned(<u64>base + <u64>length + <u64>slackBytes);
  const room = encoding == snappyBlock ? blockBytesMax(<u64>length) : streamBytesMax(<u64>length);
  if (!grow(output + room + <u64>slackBytes)) return statusMemory;
  const to = <usize>output;
  return put(to, (encoding == snappyBlock ? encodeBlock(base, length, to) : encodeStream(base, length, to)) - to);
}

/** Decompresses the `length` bytes at `base`. */
export function expand(length: usize, encoding: u32, contentMax: u32): u32 {
  const status = decompress(length, 0, encoding, contentMax);
  return status == statusOk ? put(contentStart, contentLength) : status;
}

/** CRC-32C of the `length` bytes at `base`, continuing from `crc`. */
export function checksum(crc: u32, length: usize): u32 {
  return crc32c(crc, base, length);
}

/** XXH64 of the `length` bytes at `base`. */
export function hash(length: usize): u64 {
  return xxh64(base, length);
}
