// Scans io.prometheus.write.v2.Request into the tables of scan.ts.
//
// Every series is written behind the body as a field 1 of prometheus.WriteRequest, sorted labels first: the canonical labels of its
// row are the head of that field. Labels and exemplars are resolved, samples and histograms copied as they came: their messages
// are those of 1.0 with a start timestamp added, which travels on as a field that 1.0 does not know.
//
//   rewritten │ free ··· 0a size │ label label ... sample exemplar histogram ...   (in the order of the request behind the labels)
//               ─── 6 bytes ──── the size is known last, and ends where the content starts
//
// A first walk over the request reads symbols alone, since they may come behind the series. What a series will take is counted before
// it is written: when room is wanting, the rest of the request is read and counted but not written, and the caller learns how much
// room there has to be, or refuses the request, before any memory is set aside.

import { copySteps } from './copy';
import { compareTexts, sortPairs } from './pair-sort';
import {
  checkMessage, contentAt, fail, fieldNumber, histogramV2Message, skipField, takeContent, takeTag, takeVarint, whyTruncated, whyWireType, wireType,
} from './protobuf';
import {
  addGroup, addMetadata, addRow, addSample, dropSamples, endRewrite, hashTenant, hasRowRoom, labelStream, needRewrite, needRows, needSamples, rewriteAt, sampleBits,
  sampleCount, sampleTime, sortKey, takeSample, takeShortSample, verdictDuplicateLabel, verdictEmptyLabel,
} from './scan';
import {
  arePairsBad, arePairsUtf8, clearPairs, expand, expansion, headSize, isDry, isInTable, labelBytes, pairAt, pairBytes, pairsStart, recount, skipPairField, takePairField,
  takePairs, takeSymbols,
} from './symbols';
import { varintSize, varintValue, writeVarint } from './varint';

const verdictBadReference: u32 = 4;
const verdictNotUtf8: u32 = 5;
const verdictNameMissing: u32 = 6;
const verdictNoItems: u32 = 7;

/** Says of a series that references come in more than one place; no address is so small. */
const isApart: usize = 1;

const seriesHeadBytes: usize = 6;
/** What an exemplar takes beside its labels: tags, sizes, value and time. */
const exemplarBytes: u64 = 32;
/** The text `__name__`, as sortKey reads it. */
const nameKey: u64 = 0x5f5f6e616d655f5f;
const nameFragmentBytes: usize = 10;

let pairRoom: usize = 0;

/** Where the series written last ends. */
let seriesTo: usize = 0;
let helpRef: u32 = 0;
let unitRef: u32 = 0;

/** Scans the request, whose series all belong to the given tenant. `room` is that of the pairs. */
export function scanPrometheusV2(at: usize, end: usize, tenant: usize, tenantLength: usize, room: usize): bool {
  pairRoom = room;
  hashTenant(tenant, tenantLength);
  seriesTo = takeSymbols(at, end, rewriteAt);
  if (seriesTo == 0) return false;
  while (at < end) {
    const start = at;
    // The walk before has seen that fields are whole and have the right wire type.
    at = takeTag(at, end);
    if (fieldNumber != 5) {
      at = skipField(start, end);
      continue;
    }
    at = takeContent(at, end);
    if (scanSeries(contentAt, at) == 0) return false;
  }
  if (isDry) return fail(needRewrite, end) != 0;
  endRewrite(seriesTo);
  return addGroup(tenant, tenantLength, 0);
}

/** Scans the series whose content is [at, end), into a new row. */
function scanSeries(at: usize, end: usize): usize {
  if (!hasRowRoom()) return fail(needRows, at);
  clearPairs();
  if (at < end && load<u8>(at) == 0x0a) {
    // All references come first, packed, as the usual senders write them: that is found out on the way.
    const firstSample = sampleCount();
    const before = expansion;
    const packedEnd = takeContent(at + 1, end);
    if (packedEnd == 0) return 0;
    const items = takePairs(contentAt, packedEnd, end);
    if (items == 0) return 0;
    const next = putSeries(items, end, false);
    if (next != isApart) return next;
    dropSamples(firstSample);
    recount(before);
    clearPairs();
  }
  return takeAllPairs(at, end) == 0 ? 0 : putSeries(at, end, true);
}

function takeAllPairs(at: usize, end: usize): usize {
  while (at < end) {
    const start = at;
    at = takeTag(at, end);
    if (at == 0) return 0;
    at = fieldNumber == 1 ? takePairField(at, end, start) : skipField(start, end);
    if (at == 0) return 0;
  }
  return at;
}

/** Writes the series of the pairs taken, with the items of [at, end), and adds its row. References among them were taken before, or are found to lie apart. */
function putSeries(at: usize, end: usize, arePairsTaken: bool): usize {
  if (!expand(<u64>seriesHeadBytes + labelBytes + <u64>(end - at), at)) return 0;
  const content = seriesTo + seriesHeadBytes;
  const firstSample = sampleCount();
  const labelCount = <u32>((pairAt - pairsStart) / pairBytes);
  let isBad = arePairsBad();
  const isText = arePairsUtf8();
  let verdict: u32 = 0;
  let to = content;
  let stream = labelStream;
  if (!isBad && !isDry) {
    verdict = putLabels(to);
    to = labelsTo;
    stream = streamTo;
  }
  const labelsEnd = to;
  let histograms: u32 = 0;
  let exemplars: u32 = 0;
  let hasMetadata = false;
  helpRef = 0;
  unitRef = 0;

  while (at < end) {
    const start = at;
    const head = <u32>load<u16>(at);
    if ((head & 0x80ff) == 0x0012) {
      at = takeShortSample(at, end, head);
      if (at == 0) return 0;
      if (at != start) {
        if (!isDry) {
          copySteps(to, start, at - start);
          to += at - start;
        }
        continue;
      }
    }
    at = takeTag(at, end);
    if (at == 0) return 0;
    const field = fieldNumber;
    if (field > 5) {
      at = skipField(start, end);
      if (at == 0) return 0;
      continue;
    }
    if (field == 1) {
      if (!arePairsTaken) return isApart;
      at = skipPairField(at, end);
      continue;
    }
    if (wireType != 2) return fail(whyWireType, start);
    at = takeContent(at, end);
    if (at == 0) return 0;
    const message = contentAt;
    if (field == 2) {
      if (takeSample(message, at, true) == 0) return 0;
      if (!addSample(sampleTime, sampleBits)) return fail(needSamples, start);
      if (!isDry) to = putMessage(to, 0x12, message, at);
    } else if (field == 3) {
      if (checkMessage(message, at, histogramV2Message) == 0) return 0;
      histograms += 1;
      if (!isDry) to = putMessage(to, 0x22, message, at);
    } else if (field == 4) {
      if (takeExemplar(message, at) == 0) return 0;
      exemplars += 1;
      if (arePairsBad()) isBad = true;
      if (!isBad && !isDry) to = putExemplar(to);
    } else {
      if (takeMetadata(message, at) == 0) return 0;
      hasMetadata = true;
    }
  }
  if (hasMetadata) {
    addMetadata();
    if (!isInTable(helpRef) || !isInTable(unitRef)) isBad = true;
  }
  if (isBad) {
    addRow(seriesTo, seriesTo, seriesTo, seriesTo, 0, labelStream, firstSample, histograms, exemplars, verdictBadReference);
    return end;
  }
  if (isDry) return end;
  if (verdict != verdictEmptyLabel) {
    if (!isText) verdict = verdictNotUtf8;
    else if (verdict == 0 && histograms == 0 && sampleCount() == firstSample) verdict = verdictNoItems;
  }
  const size = <u64>(to - content);
  const series = content - 1 - <usize>varintSize(size);
  store<u8>(series, 0x0a);
  writeVarint(series + 1, size);
  addRow(series, to, content, labelsEnd, labelCount, stream, firstSample, histograms, exemplars, verdict);
  seriesTo = to;
  return end;
}

let labelsTo: usize = 0;
let streamTo: usize = 0;

/** Writes the labels of the pairs, sorted, to `labelsTo` and what is hashed of them to `streamTo`. Returns what there is to say of them. */
function putLabels(labels: usize): u32 {
  let sorted = false;
  for (;;) {
    let to = labels;
    let stream = labelStream;
    let isEmpty = pairAt == pairsStart;
    let isDuplicate = false;
    let hasName = false;
    let previousKey: u64 = 0;
    let previousAt: usize = 0;
    let previousLength: usize = 0;
    let pair = pairsStart;
    for (; pair < pairAt; pair += pairBytes) {
      const name = <usize>load<u32>(pair);
      const nameSize = <usize>(load<u32>(pair, 4) & 0x7fffffff);
      const value = <usize>load<u32>(pair, 8);
      const valueSize = <usize>(load<u32>(pair, 12) & 0x7fffffff);
      const nameHead = headSize(nameSize);
      const nameAt = name + nameHead;
      const nameLength = nameSize - nameHead;
      const key = sortKey(nameAt, nameLength);
      if (key <= previousKey && pair != pairsStart) {
        const order = key < previousKey ? -1 : nameAt == previousAt ? 0 : compareTexts(nameAt, nameLength, previousAt, previousLength);
        if (order == 0) isDuplicate = true;
        else if (order < 0) break;
      }
      previousKey = key;
      previousAt = nameAt;
      previousLength = nameLength;
      if (key == nameKey && nameSize == nameFragmentBytes) hasName = true;

      const valueHead = headSize(valueSize);
      const valueAt = value + valueHead;
      const valueLength = valueSize - valueHead;
      if (nameLength == 0 || valueLength == 0) isEmpty = true;
      store<u8>(to, 0x0a);
      const content = nameSize + valueSize;
      if (content < 0x80) {
        store<u8>(to, <u8>content, 1);
        to += 2;
      } else {
        to = writeVarint(to + 1, <u64>content);
      }
      copySteps(to, name, nameSize);
      store<u8>(to, 0x0a);
      to += nameSize;
      copySteps(to, value, valueSize);
      store<u8>(to, 0x12);
      to += valueSize;
      copySteps(stream, nameAt, nameLength);
      stream += nameLength;
      store<u8>(stream, 0xff);
      copySteps(stream + 1, valueAt, valueLength);
      stream += 1 + valueLength;
      store<u8>(stream, 0xff);
      stream += 1;
    }
    if (pair < pairAt && !sorted) {
      sortPairs(pairRoom);
      sorted = true;
      continue;
    }
    labelsTo = to;
    streamTo = stream;
    return isEmpty ? verdictEmptyLabel : !hasName ? verdictNameMissing : isDuplicate ? verdictDuplicateLabel : 0;
  }
}

/** Writes a field that holds the content [from, end) as it is. */
function putMessage(to: usize, tag: u32, from: usize, end: usize): usize {
  store<u8>(to, tag);
  to = writeVarint(to + 1, <u64>(end - from));
  memory.copy(to, from, end - from);
  return to + (end - from);
}

let exemplarTime: i64 = 0;
let exemplarBits: u64 = 0;

/** Takes the exemplar [at, end) apart, its labels into the pairs. */
function takeExemplar(at: usize, end: usize): usize {
  clearPairs();
  exemplarTime = 0;
  exemplarBits = 0;
  const from = at;
  while (at < end) {
    const start = at;
    at = takeTag(at, end);
    if (at == 0) return 0;
    const field = fieldNumber;
    if (field == 1) {
      at = takePairField(at, end, start);
    } else if (field == 2) {
      if (wireType != 1) return fail(whyWireType, start);
      if (end - at < 8) return fail(whyTruncated, start);
      exemplarBits = load<u64>(at);
      at += 8;
    } else if (field == 3) {
      if (wireType != 0) return fail(whyWireType, start);
      at = takeVarint(at, end);
      exemplarTime = <i64>varintValue;
    } else {
      at = skipField(start, end);
    }
    if (at == 0) return 0;
  }
  return expand(labelBytes + exemplarBytes, from) ? end : 0;
}

// @ts-ignore: decorator
@inline
function labelContentSize(pair: usize): usize {
  return <usize>(load<u32>(pair, 4) & 0x7fffffff) + <usize>(load<u32>(pair, 12) & 0x7fffffff);
}

/** Writes the exemplar taken last, with sorted labels; what is 0 is left out. */
function putExemplar(to: usize): usize {
  sortPairs(pairRoom);
  let size: usize = 0;
  for (let pair = pairsStart; pair < pairAt; pair += pairBytes) {
    const content = labelContentSize(pair);
    size += 1 + <usize>varintSize(<u64>content) + content;
  }
  if (exemplarBits != 0) size += 9;
  if (exemplarTime != 0) size += 1 + <usize>varintSize(<u64>exemplarTime);
  store<u8>(to, 0x1a);
  to = writeVarint(to + 1, <u64>size);
  for (let pair = pairsStart; pair < pairAt; pair += pairBytes) {
    store<u8>(to, 0x0a);
    to = writeVarint(to + 1, <u64>labelContentSize(pair));
    to = putText(to, 0x0a, pair);
    to = putText(to, 0x12, pair + 8);
  }
  if (exemplarBits != 0) {
    store<u8>(to, 0x11);
    store<u64>(to + 1, exemplarBits);
    to += 9;
  }
  if (exemplarTime != 0) {
    store<u8>(to, 0x18);
    to = writeVarint(to + 1, <u64>exemplarTime);
  }
  return to;
}

function putText(to: usize, tag: u32, symbol: usize): usize {
  const size = <usize>(load<u32>(symbol, 4) & 0x7fffffff);
  copySteps(to, <usize>load<u32>(symbol), size);
  store<u8>(to, tag);
  return to + size;
}

/** Takes the metadata [at, end), of which only its references are looked at. What comes again is merged with what came before. */
function takeMetadata(at: usize, end: usize): usize {
  while (at < end) {
    const start = at;
    at = takeTag(at, end);
    if (at == 0) return 0;
    const field = fieldNumber;
    if (field == 1 || field == 3 || field == 4) {
      if (wireType != 0) return fail(whyWireType, start);
      at = takeVarint(at, end);
      if (field == 3) helpRef = <u32>varintValue;
      else if (field == 4) unitRef = <u32>varintValue;
    } else {
      at = skipField(start, end);
    }
    if (at == 0) return 0;
  }
  return at;
}
