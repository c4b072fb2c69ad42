// The protobuf rules that all messages share, as the Go decoders of Prometheus and Thanos apply them.
//
// A cursor is an address; 0 says that the message is malformed, and `failure` and `failureAt` then say why and where.
// No function reads at or behind the `end` it is given, except in steps that stay within the slack of the area.

import { readVarint, varintValue } from './varint';

export const whyTruncated: u32 = 1;
export const whyVarint: u32 = 2;
export const whyWireType: u32 = 3;
export const whyFieldNumber: u32 = 4;
export const whyGroup: u32 = 5;
export const whyTenants: u32 = 6;

export let failure: u32 = 0;
export let failureAt: usize = 0;

export function fail(why: u32, at: usize): usize {
  failure = why;
  failureAt = at;
  return 0;
}

/** Reads a varint into `varintValue`. */
// @ts-ignore: decorator
@inline
export function takeVarint(at: usize, end: usize): usize {
  const next = readVarint(at, end);
  return next != 0 ? next : fail(whyVarint, at);
}

export let fieldNumber: i32 = 0;
export let wireType: u32 = 0;

/** Reads the tag of a field. Numbers keep their low 32 bits, as in Go. */
export function takeTag(at: usize, end: usize): usize {
  const next = takeVarint(at, end);
  if (next == 0) return 0;
  wireType = <u32>varintValue & 7;
  fieldNumber = <i32>(varintValue >> 3);
  if (wireType == 4) return fail(whyGroup, at);
  if (fieldNumber <= 0) return fail(whyFieldNumber, at);
  return next;
}

/** Where the content ends of a length-delimited field whose length varint is at `at`; `contentAt` is where it starts. */
export let contentAt: usize = 0;

export function takeContent(at: usize, end: usize): usize {
  const next = takeVarint(at, end);
  if (next == 0) return 0;
  if (varintValue > <u64>(end - next)) return fail(whyTruncated, at);
  contentAt = next;
  return next + <usize>varintValue;
}

/** Skips the field whose tag is at `at`, with all that a group holds; a group's end may carry any number. */
export function skipField(at: usize, end: usize): usize {
  let depth: u32 = 0;
  do {
    const start = at;
    at = takeVarint(at, end);
    if (at == 0) return 0;
    const type = <u32>varintValue & 7;
    if (type == 0) {
      at = takeVarint(at, end);
      if (at == 0) return 0;
    } else if (type == 2) {
      at = takeContent(at, end);
      if (at == 0) return 0;
    } else if (type == 1 || type == 5) {
      const size: usize = type == 1 ? 8 : 4;
      if (end - at < size) return fail(whyTruncated, start);
      at += size;
    } else if (type == 3) {
      depth += 1;
    } else if (type == 4) {
      if (depth == 0) return fail(whyGroup, start);
      depth -= 1;
    } else {
      return fail(whyWireType, start);
    }
  } while (depth > 0);
  return at;
}

export const exemplarMessage: u32 = 1;
export const histogramMessage: u32 = 2;
export const metadataMessage: u32 = 3;
const labelMessage: u32 = 4;
const spanMessage: u32 = 5;
/** Of remote write 2.0: it has a start timestamp, too. */
export const histogramV2Message: u32 = 6;

/** What a known field holds. Values from `nested` on are `nested` plus the number of the message. */
const unknown: u32 = 0;
const varint: u32 = 1;
const fixed64: u32 = 2;
const bytes: u32 = 3;
const varints: u32 = 4;
const fixed64s: u32 = 5;
const nested: u32 = 8;

function kindOf(message: u32, field: i32): u32 {
  switch (message) {
    case exemplarMessage: return field == 1 ? nested + labelMessage : field == 2 ? fixed64 : field == 3 ? varint : unknown;
    case metadataMessage: return field == 1 ? varint : field == 2 || field == 4 || field == 5 ? bytes : unknown;
    case labelMessage: return field == 1 || field == 2 ? bytes : unknown;
    case spanMessage: return field == 1 || field == 2 ? varint : unknown;
  }
  switch (field) {
    case 1: case 4: case 6: case 14: case 15: return varint;
    case 2: case 3: case 5: case 7: return fixed64;
    case 8: case 11: return nested + spanMessage;
    case 9: case 12: return varints;
    case 10: case 13: case 16: return fixed64s;
    case 17: return message == histogramV2Message ? varint : unknown;
  }
  return unknown;
}

/** Checks the content of a message that is counted but not taken apart. Returns `end`, or 0 when it is malformed. */
export function checkMessage(at: usize, end: usize, message: u32): usize {
  while (at < end) {
    const start = at;
    at = takeTag(at, end);
    if (at == 0) return 0;
    const kind = kindOf(message, fieldNumber);
    const type = wireType;
    if (kind == unknown) {
      at = skipField(start, end);
    } else if (type == 2 && (kind == varints || kind == fixed64s)) {
      // The last value of a packed field may reach beyond it, as far as the message goes: Go checks only that.
      const packedEnd = takeContent(at, end);
      if (packedEnd == 0) return 0;
      at = contentAt;
      while (at < packedEnd) {
        if (kind == varints) {
          at = takeVarint(at, end);
          if (at == 0) return 0;
        } else {
          if (end - at < 8) return fail(whyTruncated, start);
          at += 8;
        }
      }
    } else if (kind == varint || kind == varints) {
      if (type != 0) return fail(whyWireType, start);
      at = takeVarint(at, end);
    } else if (kind == fixed64 || kind == fixed64s) {
      if (type != 1) return fail(whyWireType, start);
      if (end - at < 8) return fail(whyTruncated, start);
      at += 8;
    } else {
      if (type != 2) return fail(whyWireType, start);
      at = takeContent(at, end);
      if (at != 0 && kind >= nested && checkMessage(contentAt, at, kind - nested) == 0) return 0;
    }
    if (at == 0) return 0;
  }
  return at;
}
