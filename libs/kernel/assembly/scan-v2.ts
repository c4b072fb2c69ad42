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

import { copyShort, copySteps, slackBytes } from './copy';
import { compareTexts, sortPairs } from './pair-sort';
import {
  checkMessage, contentAt, fail, fieldNumber, histogramV2Message, skipField, takeContent, takeTag, takeVarint, whyTruncated, whyWireType, wireType,
} from './protobuf';
import {
  addGroup, addMetadata, addRow, addSample, dropSamples, endRewrite, hashTenant, hasRowRoom, labelStream, needRewrite, needRows, needSamples, rewriteAt, rewriteEnd, sampleBits,
  sampleCount, sampleTime, sortKey, takeSample, takeShortSample, verdictDuplicateLabel, verdictEmptyLabel,
} from './scan';
import {
  arePairsBad, arePairsUtf8, clearPairs, expand, expansion, headSize, firstSeries, isDry, isInTable, labelBytes, labelContentSize, pairAt, pairBytes, pairsStart, recount, skipPairField, takePairField,
  takePairs, takeSymbols,
} from './symbols';
import { forgetUsual, nameFragmentBytes, nameKey, putUsualLabels, usualBytesMax, usualHasName, usualLabelCount, usualLabelsTo, usualTextTo } from './usual-labels';
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
let pairRoom: usize = 0;

/** Where the series written last ends. */
let seriesTo: usize = 0;
let helpRef: u32 = 0;
let unitRef: u32 = 0;

/** Where usual labels leave the text that is hashed, by turns: that of the series before is still needed. Behind `tenant FF` like any such text. */
let usualText: usize = 0;
let usualStride: usize = 0;
let isOdd: bool = false;

/** Room for the texts of usual labels. */
export function usualTextBytes(tenantLength: usize): usize {
  return 2 * (tenantLength + 1 + usualBytesMax + slackBytes);
}

/** Scans the request, whose series all belong to the given tenant. `texts` has `usualTextBytes`; `room` is that of the pairs. */
export function scanPrometheusV2(at: usize, end: usize, tenant: usize, tenantLength: usize, texts: usize, room: usize): bool {
  pairRoom = room;
  hashTenant(tenant, tenantLength);
  usualStride = usualTextBytes(tenantLength) / 2;
  usualText = texts + tenantLength + 1;
  memory.copy(texts, tenant, tenantLength);
  store<u8>(usualText - 1, 0xff);
  memory.copy(texts + usualStride, texts, tenantLength + 1);
  forgetUsual();
  seriesTo = takeSymbols(at, end, rewriteAt);
  if (seriesTo == 0) return false;
  at = firstSeries;
  while (at < end) {
    const start = at;
    // The walk before has seen that fields are whole and have the right wire type.
    if (load<u8>(at) == 0x2a) {
      at += 1;
    } else {
      at = takeTag(at, end);
      if (fieldNumber != 5) {
        at = skipField(start, end);
        continue;
      }
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
  if (at < end && load<u8>(at) == 0x0a) {
    // All references come first, packed, as the usual senders write them: that is found out on the way.
    const firstSample = sampleCount();
    const before = expansion;
    const packedEnd = takeContent(at + 1, end);
    if (packedEnd == 0) return 0;
    const labels = seriesTo + seriesHeadBytes;
    const text = isOdd ? usualText : usualText + usualStride;
    let next: usize;
    if (!isDry && putUsualLabels(contentAt, packedEnd, labels, min(rewriteEnd, labels + usualBytesMax), text)) {
      isOdd = !isOdd;
      next = putSeries(packedEnd, end, true, true);
    } else {
      clearPairs();
      const items = takePairs(contentAt, packedEnd, end);
      if (items == 0) return 0;
      next = putSeries(items, end, false, true);
    }
    if (next != isApart) return next;
    dropSamples(firstSample);
    recount(before);
  }
  clearPairs();
  return takeAllPairs(at, end) == 0 ? 0 : putSeries(at, end, false, false);
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

/**
 * Writes a series with the items of [at, end), and adds its row. Its labels were written as usual ones, or are those of the pairs taken. `isLead`: they are only those of
 * the first field; when there are more behind it, they lie apart.
 */
function putSeries(at: usize, end: usize, isUsual: bool, isLead: bool): usize {
  const content = seriesTo + seriesHeadBytes;
  const firstSample = sampleCount();
  let isBad = !isUsual && arePairsBad();
  const isText = isUsual || arePairsUtf8();
  const size = isUsual ? <u64>(usualLabelsTo - content) : isBad ? 0 : labelBytes();
  if (!expand(<u64>seriesHeadBytes + size + <u64>(end - at), at)) return 0;
  let labelCount: u32 = 0;
  let verdict: u32 = 0;
  let to = content;
  let text = labelStream;
  let textEnd = text;
  if (isUsual) {
    labelCount = usualLabelCount;
    if (!usualHasName) verdict = verdictNameMissing;
    to = usualLabelsTo;
    text = isOdd ? usualText + usualStride : usualText;
    textEnd = usualTextTo;
  } else {
    forgetUsual();
    labelCount = <u32>((pairAt - pairsStart) / pairBytes);
    if (!isBad && !isDry) {
      verdict = putLabels(to);
      to = labelsTo;
      textEnd = streamTo;
    }
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
    } else if ((head & 0x80ff) == 0x002a) {
      // Prometheus sends short metadata with every series.
      at += 2 + <usize>(head >> 8);
      if (at > end) return fail(whyTruncated, start);
      if (takeMetadata(start + 2, at) == 0) return 0;
      hasMetadata = true;
      continue;
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
      if (isLead) return isApart;
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
    forgetUsual();
    addRow(seriesTo, seriesTo, seriesTo, seriesTo, 0, labelStream, labelStream, firstSample, histograms, exemplars, verdictBadReference);
    return end;
  }
  if (isDry) return end;
  if (verdict != verdictEmptyLabel) {
    if (!isText) verdict = verdictNotUtf8;
    else if (verdict == 0 && histograms == 0 && exemplars == 0 && sampleCount() == firstSample) verdict = verdictNoItems;
  }
  const contentSize = <u64>(to - content);
  const series = content - 1 - <usize>varintSize(contentSize);
  store<u8>(series, 0x0a);
  writeVarint(series + 1, contentSize);
  addRow(series, to, content, labelsEnd, labelCount, text, textEnd, firstSample, histograms, exemplars, verdict);
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
      copyShort(to, name, nameSize);
      store<u8>(to, 0x0a);
      to += nameSize;
      copyShort(to, value, valueSize);
      store<u8>(to, 0x12);
      to += valueSize;
      copyShort(stream, nameAt, nameLength);
      stream += nameLength;
      store<u8>(stream, 0xff);
      copyShort(stream + 1, valueAt, valueLength);
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
  return arePairsBad() || expand(labelBytes() + exemplarBytes, from) ? end : 0;
}

/** Writes the exemplar taken last, with sorted labels; what is 0 is left out. */
function putExemplar(to: usize): usize {
  sortPairs(pairRoom);
  let size = <usize>labelBytes();
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
    const head = <u32>load<u8>(at);
    let field = <i32>(head >> 3);
    if (head == 0x08 || head == 0x18 || head == 0x20) {
      at += 1;
    } else {
      at = takeTag(at, end);
      if (at == 0) return 0;
      field = fieldNumber;
      if (field != 1 && field != 3 && field != 4) {
        at = skipField(start, end);
        if (at == 0) return 0;
        continue;
      }
      if (wireType != 0) return fail(whyWireType, start);
    }
    at = takeVarint(at, end);
    if (at == 0) return 0;
    if (field == 3) helpRef = <u32>varintValue;
    else if (field == 4) unitRef = <u32>varintValue;
  }
  return at;
}
