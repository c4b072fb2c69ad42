// One pass over prometheus.WriteRequest or thanos.WriteRequest that leaves the tables of src/batch.ts. The tables are filled
// through `addSample`, `addRow` and `addGroup`, which scan-v2.ts uses too.
//
// The tables have fixed room. When one is full the scan stops with `needRows`, `needSamples`, ..., and the caller makes
// more room and scans again: that costs little, since room is kept, and spares every series a count ahead.
//
// Series written as the usual senders do (single-byte tags, shortest varints, name before value, labels side by side) take
// the short paths; everything else that a protobuf decoder has to accept takes the long ones, with the same outcome.

import { copySteps, slackBytes } from './copy';
import {
  checkMessage, contentAt, exemplarMessage, fail, failure, fieldNumber, histogramMessage, metadataMessage, skipField, takeContent, takeTag, takeVarint,
  whyTenants, whyTruncated, whyWireType, wireType,
} from './protobuf';
import { varintSize, varintValue, writeVarint } from './varint';
import { xxh64 } from './xxh64';

export const rowBytes: usize = 56;
export const sampleBytes: usize = 16;
export const groupBytes: usize = 16;
const groupsMax: u32 = 65535; // A row holds its group in 16 bits.

/** Reasons to stop that are no fault of the message. */
export const needRows: u32 = 100;
export const needSamples: u32 = 101;
export const needGroups: u32 = 102;
export const needRewrite: u32 = 103;

export const verdictEmptyLabel: u32 = 1;
export const verdictDuplicateLabel: u32 = 2;
export const verdictUnsortedLabel: u32 = 3;

/** Offsets count from here. */
let body: usize = 0;
/** Labels rewritten to canonical form go here. */
export let rewriteAt: usize = 0;
export let rewriteEnd: usize = 0;
/** Says where what was written behind the body ends, for a scan that does not write through this file. */
export function endRewrite(at: usize): void {
  rewriteAt = at;
}

/** The bytes that are hashed: tenant FF name FF value FF ... */
let streamStart: usize = 0;
/** Where the labels begin in it, behind the tenant. */
export let labelStream: usize = 0;
/** Bytes of `tenant FF` before a text that is hashed. */
let routeLength: usize = 0;
let hashRoute: bool = false;

let rowAt: usize = 0;
let rowsEnd: usize = 0;
let sampleAt: usize = 0;
let samplesStart: usize = 0;
let samplesEnd: usize = 0;
let groupAt: usize = 0;
let groupsStart: usize = 0;
let groupsEnd: usize = 0;

export let rowCount: u32 = 0;
export let groupCount: u32 = 0;
export let histogramCount: u32 = 0;
export let exemplarCount: u32 = 0;
export let metadataCount: u32 = 0;
/** Rows whose verdict is not ok. */
export let refusedCount: u32 = 0;
export let replica: i64 = 0;
let groupIndex: u32 = 0;

export function sampleCount(): u32 {
  return <u32>((sampleAt - samplesStart) / sampleBytes);
}

export function addMetadata(): void {
  metadataCount += 1;
}

// @ts-ignore: decorator
@inline
export function hasRowRoom(): bool {
  return rowAt != rowsEnd;
}

/** Adds a sample to the row that comes next. False when the table is full. */
// @ts-ignore: decorator
@inline
export function addSample(time: i64, bits: u64): bool {
  if (sampleAt == samplesEnd) return false;
  store<i64>(sampleAt, time);
  store<u64>(sampleAt, bits, 8);
  sampleAt += sampleBytes;
  return true;
}

/** Forgets the samples from the one with this index on. */
export function dropSamples(from: u32): void {
  sampleAt = samplesStart + <usize>from * sampleBytes;
}

/** Adds a row for the series field [seriesAt, seriesEnd) with the canonical labels [labelsAt, labelsEnd). [text, textEnd) is what is hashed of them, behind `tenant FF`. */
// @ts-ignore: decorator
@inline
export function addRow(
  seriesAt: usize, seriesEnd: usize, labelsAt: usize, labelsEnd: usize, labelCount: u32, text: usize, textEnd: usize, firstSample: u32, histograms: u32, exemplars: u32, verdict: u32,
): void {
  const row = rowAt;
  store<u64>(row, xxh64(text, textEnd - text));
  if (hashRoute) store<u64>(row, xxh64(text - routeLength, textEnd - text + routeLength), 8);
  else store<u64>(row, 0, 8);
  store<u32>(row, <u32>(labelsAt - body), 16);
  store<u32>(row, <u32>(labelsEnd - labelsAt), 20);
  store<u32>(row, firstSample, 24);
  store<u32>(row, sampleCount() - firstSample, 28);
  store<u32>(row, <u32>(seriesAt - body), 32);
  store<u32>(row, <u32>(seriesEnd - seriesAt), 36);
  store<u32>(row, histograms, 40);
  store<u32>(row, exemplars, 44);
  store<u32>(row, verdict | (groupIndex << 16), 48);
  store<u32>(row, labelCount, 52);
  rowAt += rowBytes;
  rowCount += 1;
  histogramCount += histograms;
  exemplarCount += exemplars;
  refusedCount += u32(verdict != 0);
}

/** Where a scan writes. `streamTo` has room for a tenant, a byte, and all of the body. */
export function layScan(bodyAt: usize, rewrite: usize, rewriteSize: usize, streamTo: usize): void {
  body = bodyAt;
  rewriteAt = rewrite;
  rewriteEnd = rewrite + rewriteSize;
  streamStart = streamTo;
}

export function layTables(groups: usize, groupRoom: usize, rows: usize, rowRoom: usize, samples: usize, sampleRoom: usize): void {
  groupsStart = groups;
  groupAt = groups;
  groupsEnd = groups + groupRoom * groupBytes;
  rowAt = rows;
  rowsEnd = rows + rowRoom * rowBytes;
  samplesStart = samples;
  sampleAt = samples;
  samplesEnd = samples + sampleRoom * sampleBytes;
  rowCount = 0;
  groupCount = 0;
  histogramCount = 0;
  exemplarCount = 0;
  metadataCount = 0;
  refusedCount = 0;
  replica = 0;
  groupIndex = 0;
}

let nameAt: usize = 0;
let nameLength: usize = 0;
let valueAt: usize = 0;
let valueLength: usize = 0;
let labelCanonical: bool = false;

// @ts-ignore: decorator
@inline
function labelContentSize(nameSize: usize, valueSize: usize): usize {
  return 2 + <usize>varintSize(<u64>nameSize) + nameSize + <usize>varintSize(<u64>valueSize) + valueSize;
}

/** Takes apart the label field with its tag at `start` and its length at `at`. Of repeated fields the last one counts. */
function takeLabel(start: usize, at: usize, end: usize): usize {
  const labelEnd = takeContent(at, end);
  if (labelEnd == 0) return 0;
  at = contentAt;
  nameAt = 0;
  nameLength = 0;
  valueAt = 0;
  valueLength = 0;
  while (at < labelEnd) {
    const fieldStart = at;
    at = takeTag(at, labelEnd);
    if (at == 0) return 0;
    const field = fieldNumber;
    if (field == 1 || field == 2) {
      if (wireType != 2) return fail(whyWireType, fieldStart);
      at = takeContent(at, labelEnd);
      if (at == 0) return 0;
      if (field == 1) {
        nameAt = contentAt;
        nameLength = at - contentAt;
      } else {
        valueAt = contentAt;
        valueLength = at - contentAt;
      }
    } else {
      at = skipField(fieldStart, labelEnd);
      if (at == 0) return 0;
    }
  }
  // With the shortest size, and name and value where the shortest form has them, every byte is that of the shortest form.
  const contentSize = labelContentSize(nameLength, valueLength);
  const sizeBytes = <usize>varintSize(<u64>contentSize);
  labelCanonical =
    labelEnd - start == 1 + sizeBytes + contentSize &&
    nameAt == start + 1 + sizeBytes + 1 + <usize>varintSize(<u64>nameLength) &&
    valueAt == labelEnd - valueLength;
  return labelEnd;
}

/** Writes the labels of a series, which has been checked, behind the body in canonical form. */
function rewriteLabels(at: usize, end: usize): bool {
  while (at < end) {
    const start = at;
    at = takeTag(at, end);
    if (fieldNumber != 1) {
      at = skipField(start, end);
      continue;
    }
    at = takeLabel(start, at, end);
    const contentSize = labelContentSize(nameLength, valueLength);
    if (rewriteEnd - rewriteAt < contentSize + 11 + slackBytes) return false;
    store<u8>(rewriteAt, 0x0a);
    rewriteAt = writeVarint(rewriteAt + 1, <u64>contentSize);
    store<u8>(rewriteAt, 0x0a);
    rewriteAt = writeVarint(rewriteAt + 1, <u64>nameLength);
    memory.copy(rewriteAt, nameAt, nameLength);
    rewriteAt += nameLength;
    store<u8>(rewriteAt, 0x12);
    rewriteAt = writeVarint(rewriteAt + 1, <u64>valueLength);
    memory.copy(rewriteAt, valueAt, valueLength);
    rewriteAt += valueLength;
  }
  return true;
}

/** The first eight bytes of a name as a number that sorts as they do; shorter names are filled up with zeros. */
// @ts-ignore: decorator
@inline
export function sortKey(at: usize, length: usize): u64 {
  const word = bswap<u64>(load<u64>(at));
  return length >= 8 ? word : word & ~((<u64>-1) >> (<u64>length << 3));
}

/** Compares two names by their bytes, when their keys are equal. */
export function compareNames(a: usize, aLength: usize, b: usize, bLength: usize): i32 {
  const shorter = min(aLength, bLength);
  for (let index: usize = 0; index < shorter; index += 1) {
    const difference = <i32>load<u8>(a + index) - <i32>load<u8>(b + index);
    if (difference != 0) return difference;
  }
  return aLength == bLength ? 0 : aLength < bLength ? -1 : 1;
}

export let sampleTime: i64 = 0;
export let sampleBits: u64 = 0;

/**
 * Takes the sample field at `at`, whose first two bytes are `head`, into the table if it is written as the usual senders do: value and time, or the time alone,
 * since encoders leave out a value of 0; a start timestamp (of remote write 2.0, unknown to 1.0) may follow. Returns where it ends, `at` when it is written
 * otherwise, or 0 as usual.
 */
// @ts-ignore: decorator
@inline
export function takeShortSample(at: usize, end: usize, head: u32): usize {
  const sampleEnd = at + 2 + <usize>(head >> 8);
  const second = <u32>load<u8>(at, 2);
  const timeAt = second == 0x09 ? at + 12 : at + 3;
  if (sampleEnd > end || timeAt >= sampleEnd || load<u8>(timeAt - 1) != 0x10) return at;
  const word = load<u64>(timeAt);
  const bits = second == 0x09 ? load<u64>(at, 3) : 0;
  let time: u64 = 0;
  let next = timeAt;
  if ((word & 0x808080808080) == 0x008080808080 && next + 6 <= sampleEnd) {
    // Six bytes: every time from 1971 to 2109.
    time = (word & 0x7f) | ((word >> 1) & 0x3f80) | ((word >> 2) & 0x1fc000) | ((word >> 3) & 0xfe00000) |
      ((word >> 4) & 0x7f0000000) | ((word >> 5) & 0x3f800000000);
    next += 6;
  } else {
    next = takeVarint(next, sampleEnd);
    if (next == 0) return 0;
    time = varintValue;
  }
  if (next != sampleEnd && load<u8>(next) == 0x18) {
    next = takeVarint(next + 1, sampleEnd);
    if (next == 0) return 0;
  }
  if (next != sampleEnd) return at;
  return addSample(<i64>time, bits) ? sampleEnd : fail(needSamples, at);
}

/** Takes the content of a sample apart. Its field 3 is a varint in remote write 2.0, and unknown in 1.0. */
export function takeSample(at: usize, end: usize, hasStart: bool): usize {
  sampleTime = 0;
  sampleBits = 0;
  while (at < end) {
    const start = at;
    at = takeTag(at, end);
    if (at == 0) return 0;
    const field = fieldNumber;
    if (field == 1) {
      if (wireType != 1) return fail(whyWireType, start);
      if (end - at < 8) return fail(whyTruncated, start);
      sampleBits = load<u64>(at);
      at += 8;
    } else if (field == 2) {
      if (wireType != 0) return fail(whyWireType, start);
      at = takeVarint(at, end);
      if (at == 0) return 0;
      sampleTime = <i64>varintValue;
    } else if (field == 3 && hasStart) {
      if (wireType != 0) return fail(whyWireType, start);
      at = takeVarint(at, end);
      if (at == 0) return 0;
    } else {
      at = skipField(start, end);
      if (at == 0) return 0;
    }
  }
  return at;
}

/** Scans the series field [seriesAt, end) whose content starts at `at`, into a new row. */
function scanSeries(seriesAt: usize, at: usize, end: usize): usize {
  if (!hasRowRoom()) return fail(needRows, seriesAt);
  const content = at;
  const firstSample = sampleCount();
  let stream = labelStream;
  let labelsAt: usize = 0;
  let labelsEnd: usize = 0;
  let labelCount: u32 = 0;
  let verdict: u32 = 0;
  let canonical = true;
  let exemplars: u32 = 0;
  let histograms: u32 = 0;
  let previousKey: u64 = 0;
  let previousAt: usize = 0;
  let previousLength: usize = 0;

  while (at < end) {
    const start = at;
    const head = <u32>load<u16>(at);
    let name: usize = 0;
    let value: usize = 0;
    let nameSize: usize = 0;
    let valueSize: usize = 0;
    if ((head & 0x80ff) == 0x000a) {
      const labelEnd = at + 2 + <usize>(head >> 8);
      name = at + 4;
      if (labelEnd <= end && name <= labelEnd && (load<u16>(at, 2) & 0x80ff) == 0x000a) {
        nameSize = <usize>load<u8>(at, 3);
        value = name + nameSize + 2;
        // Sound only if all of it lies within the label: otherwise the long path finds out what is wrong.
        if (value <= labelEnd && load<u8>(value - 2) == 0x12) {
          valueSize = <usize>load<u8>(value - 1);
          if (valueSize < 0x80 && value + valueSize == labelEnd) at = labelEnd;
        }
      }
    } else if ((head & 0x80ff) == 0x0012) {
      const next = takeShortSample(at, end, head);
      if (next == 0) return 0;
      if (next != at) {
        at = next;
        continue;
      }
    }

    if (at == start) {
      at = takeTag(at, end);
      if (at == 0) return 0;
      const field = fieldNumber;
      if (field > 4) {
        at = skipField(start, end);
        if (at == 0) return 0;
        continue;
      }
      if (wireType != 2) return fail(whyWireType, start);
      if (field != 1) {
        at = takeContent(at, end);
        if (at == 0) return 0;
        if (field == 2) {
          if (takeSample(contentAt, at, false) == 0) return 0;
          if (!addSample(sampleTime, sampleBits)) return fail(needSamples, start);
        } else {
          if (checkMessage(contentAt, at, field == 3 ? exemplarMessage : histogramMessage) == 0) return 0;
          if (field == 3) exemplars += 1;
          else histograms += 1;
        }
        continue;
      }
      at = takeLabel(start, at, end);
      if (at == 0) return 0;
      name = nameAt;
      nameSize = nameLength;
      value = valueAt;
      valueSize = valueLength;
      canonical = canonical && labelCanonical;
    }

    if (labelsEnd != start) {
      canonical = canonical && labelsAt == 0;
      labelsAt = start;
    }
    labelsEnd = at;
    copySteps(stream, name, nameSize);
    stream += nameSize;
    store<u8>(stream, 0xff);
    copySteps(stream + 1, value, valueSize);
    stream += 1 + valueSize;
    store<u8>(stream, 0xff);
    stream += 1;

    // A label in want of a name or value has no place in memory; its key is that of nothing.
    const key = nameSize == 0 ? 0 : sortKey(name, nameSize);
    if (verdict == 0) {
      if (nameSize == 0 || valueSize == 0) verdict = verdictEmptyLabel;
      else if (key <= previousKey && labelCount > 0) {
        const order = key < previousKey ? -1 : compareNames(name, nameSize, previousAt, previousLength);
        if (order == 0) verdict = verdictDuplicateLabel;
        else if (order < 0) verdict = verdictUnsortedLabel;
      }
    }
    previousKey = key;
    previousAt = name;
    previousLength = nameSize;
    labelCount += 1;
  }

  if (labelCount == 0) {
    verdict = verdictEmptyLabel;
    labelsAt = content;
    labelsEnd = content;
  }
  if (!canonical) {
    labelsAt = rewriteAt;
    if (!rewriteLabels(content, end)) return fail(needRewrite, seriesAt);
    labelsEnd = rewriteAt;
  }
  addRow(seriesAt, end, labelsAt, labelsEnd, labelCount, labelStream, stream, firstSample, histograms, exemplars, verdict);
  return end;
}

export function addGroup(tenant: usize, tenantLength: usize, firstRow: u32): bool {
  if (groupCount == groupsMax) {
    fail(whyTenants, body);
    return false;
  }
  if (groupAt == groupsEnd) {
    fail(needGroups, body);
    return false;
  }
  store<u32>(groupAt, tenantLength == 0 ? 0 : <u32>(tenant - body));
  store<u32>(groupAt, <u32>tenantLength, 4);
  store<u32>(groupAt, firstRow, 8);
  store<u32>(groupAt, rowCount - firstRow, 12);
  groupAt += groupBytes;
  groupCount += 1;
  groupIndex += 1;
  return true;
}

/** From now on rows are hashed for the ring as series of this tenant. */
export function hashTenant(tenant: usize, tenantLength: usize): void {
  hashRoute = true;
  memory.copy(streamStart, tenant, tenantLength);
  routeLength = tenantLength + 1;
  labelStream = streamStart + routeLength;
  store<u8>(labelStream - 1, 0xff);
}

/** Scans prometheus.WriteRequest, whose series all belong to the given tenant. */
export function scanPrometheus(at: usize, end: usize, tenant: usize, tenantLength: usize): bool {
  hashTenant(tenant, tenantLength);
  while (at < end) {
    const start = at;
    at = takeTag(at, end);
    if (at == 0) return false;
    const field = fieldNumber;
    if (field == 1 || field == 3) {
      if (wireType != 2) return fail(whyWireType, start) != 0;
      at = takeContent(at, end);
      if (at == 0) return false;
      if (field == 1) {
        if (scanSeries(start, contentAt, at) == 0) return false;
      } else {
        if (checkMessage(contentAt, at, metadataMessage) == 0) return false;
        metadataCount += 1;
      }
    } else {
      at = skipField(start, end);
      if (at == 0) return false;
    }
  }
  return addGroup(tenant, tenantLength, 0);
}

/** Scans a TimeSeriesTenantTuple into a group of its own. */
function scanTuple(at: usize, end: usize): bool {
  const firstRow = rowCount;
  let tenant: usize = 0;
  let tenantLength: usize = 0;
  while (at < end) {
    const start = at;
    at = takeTag(at, end);
    if (at == 0) return false;
    const field = fieldNumber;
    if (field == 1 || field == 2) {
      if (wireType != 2) return fail(whyWireType, start) != 0;
      at = takeContent(at, end);
      if (at == 0) return false;
      if (field == 1) {
        if (scanSeries(start, contentAt, at) == 0) return false;
      } else {
        tenant = contentAt;
        tenantLength = at - contentAt;
      }
    } else {
      at = skipField(start, end);
      if (at == 0) return false;
    }
  }
  return addGroup(tenant, tenantLength, firstRow);
}

/** Forgets the last rows, from the one at `row` on, and their samples. */
function dropRows(row: usize, count: u32, samples: usize, histograms: u32, exemplars: u32, refused: u32): void {
  rowAt = row;
  rowCount = count;
  sampleAt = samples;
  histogramCount = histograms;
  exemplarCount = exemplars;
  refusedCount = refused;
}

/** Scans thanos.WriteRequest. With field 4 in it, fields 1 and 2 are checked and left out. */
export function scanThanos(at: usize, end: usize, rows: usize): bool {
  hashRoute = false;
  labelStream = streamStart;
  let tenant: usize = 0;
  let tenantLength: usize = 0;
  let grouped = false;
  while (at < end) {
    const start = at;
    at = takeTag(at, end);
    if (at == 0) return false;
    const field = fieldNumber;
    if (field == 3) {
      if (wireType != 0) return fail(whyWireType, start) != 0;
      at = takeVarint(at, end);
      if (at == 0) return false;
      replica = <i64>varintValue;
    } else if (field == 1 || field == 2 || field == 4) {
      if (wireType != 2) return fail(whyWireType, start) != 0;
      at = takeContent(at, end);
      if (at == 0) return false;
      if (field == 2) {
        tenant = contentAt;
        tenantLength = at - contentAt;
      } else if (field == 1) {
        const row = rowAt;
        const count = rowCount;
        const samples = sampleAt;
        const histograms = histogramCount;
        const exemplars = exemplarCount;
        const refused = refusedCount;
        if (scanSeries(start, contentAt, at) == 0) return false;
        if (grouped) dropRows(row, count, samples, histograms, exemplars, refused);
      } else {
        if (!grouped) dropRows(rows, 0, samplesStart, 0, 0, 0);
        grouped = true;
        if (!scanTuple(contentAt, at)) return false;
      }
    } else {
      at = skipField(start, end);
      if (at == 0) return false;
    }
  }
  return grouped || addGroup(tenant, tenantLength, 0);
}

/** Hashes the rows of a scanned thanos.WriteRequest for the ring, now that their tenants are known. */
export function hashRoutes(rows: usize): void {
  for (let group = groupsStart; group < groupAt; group += groupBytes) {
    const tenantLength = <usize>load<u32>(group, 4);
    memory.copy(streamStart, body + <usize>load<u32>(group), tenantLength);
    const labels = streamStart + tenantLength + 1;
    store<u8>(labels - 1, 0xff);
    let row = rows + <usize>load<u32>(group, 8) * rowBytes;
    const rowsOfGroupEnd = row + <usize>load<u32>(group, 12) * rowBytes;
    for (; row < rowsOfGroupEnd; row += rowBytes) {
      let at = body + <usize>load<u32>(row, 16);
      const end = at + <usize>load<u32>(row, 20);
      let stream = labels;
      while (at < end) {
        const labelEnd = takeContent(at + 1, end);
        const nameEnd = takeContent(contentAt + 1, labelEnd);
        copySteps(stream, contentAt, nameEnd - contentAt);
        stream += nameEnd - contentAt;
        store<u8>(stream, 0xff);
        at = takeContent(nameEnd + 1, labelEnd);
        copySteps(stream + 1, contentAt, at - contentAt);
        stream += 2 + at - contentAt;
        store<u8>(stream - 1, 0xff);
      }
      store<u64>(row, xxh64(streamStart, stream - streamStart), 8);
    }
  }
}
