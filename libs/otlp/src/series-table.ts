import { KiB, xxh64 } from '@gauntlet/base';
import { encodedSet, type LabelSet } from './label-set.js';
import { OtlpTooLargeError } from './otlp-error.js';
import { ProtobufOutput } from './protobuf-output.js';
import type { Steps } from './steps.js';

/** The intake takes no more series; and so many samples take a request of some 40 MiB. */
const seriesMax = 1_048_576;
const samplesMax = 2_097_152;

/** Longer runs of samples, or of exemplars and histograms, are left in the order in which they came, since sorting would take too long. */
const sortedMax = 65_536;

/**
 * V8 takes no more than the length of strings that are longer than 16,383 characters for a hash: in a map, such strings would all be compared
 * with each other. Long labels are found by a hash of our own, which few others may share.
 */
const hashedBytesMax = 8 * KiB;
const alikeMax = 8;

/** Samples that are looked at in one step, and bytes of the message that are written in one. */
const stepSamples = 4096;
const stepBytes = 16 * KiB;

/** An exemplar (field 3 of a series) or native histogram (field 4), encoded. */
interface Extra {
  readonly field: 3 | 4;
  readonly timestampMs: number;
  readonly message: string;
}

/**
 * Gathers series and what they bring, and writes them as one prometheus.WriteRequest: each label set once, its samples ascending
 * in time. A sample that repeats another one bit for bit is left out.
 *
 * A series is known by its labels as they are encoded, one byte to a character, and samples lie in columns, so that all of it takes
 * less than four times `messageBytesMax`, the message itself included.
 */
export class SeriesTable {
  readonly #messageBytesMax: number;
  /** The labels of each series. */
  readonly #labels: string[] = [];
  readonly #series = new Map<string, number>();
  /** Series of long labels, by a hash of those. */
  readonly #longSeries = new Map<string, number[]>();
  readonly #hash = new Uint32Array(2);
  readonly #extras = new Map<number, Extra[]>();
  readonly #scratch = new ProtobufOutput();
  #sampleCount = 0;
  #sampleSeries = new Uint32Array(256);
  #sampleTimes = new Float64Array(256);
  #sampleBits = new BigUint64Array(256);
  /** An upper bound of the message's length. */
  #messageBytes = 0;
  #comparedBytes = 0;

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  seriesOf(labels: LabelSet): number {
    const encoded = encodedSet(labels);
    // Labels that come again take no memory, but the time to encode and find them.
    this.#comparedBytes += encoded.length;
    if (this.#comparedBytes > this.#messageBytesMax * 4) throw this.#tooLarge();
    if (encoded.length > hashedBytesMax) return this.#longSeriesOf(encoded);
    const known = this.#series.get(encoded);
    if (known !== undefined) return known;
    this.#series.set(encoded, this.#labels.length);
    return this.#addSeries(encoded);
  }

  addSample(series: number, timestampMs: number, bits: bigint): void {
    if (this.#sampleCount === samplesMax) throw new OtlpTooLargeError(`there are more than ${samplesMax} samples`);
    this.#charge(22);
    if (this.#sampleCount === this.#sampleSeries.length) this.#growColumns();
    this.#sampleSeries[this.#sampleCount] = series;
    this.#sampleTimes[this.#sampleCount] = timestampMs;
    this.#sampleBits[this.#sampleCount] = bits;
    this.#sampleCount += 1;
  }

  addExemplar(series: number, timestampMs: number, message: ProtobufOutput): void {
    this.#addExtra(series, { field: 3, timestampMs, message: message.latin1() });
  }

  addHistogram(series: number, timestampMs: number, message: ProtobufOutput): void {
    this.#addExtra(series, { field: 4, timestampMs, message: message.latin1() });
  }

  /** A prometheus.WriteRequest, which may well be empty. */
  *finish(): Steps<Buffer> {
    const { order, ends } = yield* this.#samplesBySeries();
    // Memory that is not written to is not taken, and a buffer that grows would be copied at length.
    const message = new ProtobufOutput(this.#messageBytes + 16);
    let stepEnd = stepBytes;
    const content = new ProtobufOutput();
    for (const [series, labels] of this.#labels.entries()) {
      content.clear();
      content.raw(labels);
      yield* this.#writeSamples(content, order.subarray(series === 0 ? 0 : ends[series - 1]!, ends[series]!));
      yield* this.#writeExtras(content, this.#extras.get(series) ?? []);
      message.bytes(1, content.view());
      if (message.length < stepEnd) continue;
      stepEnd = message.length + stepBytes;
      yield;
    }
    return message.view();
  }

  #longSeriesOf(encoded: string): number {
    xxh64(Buffer.from(encoded, 'latin1'), encoded.length, this.#hash, 0);
    const hash = this.#hash.join();
    const alike = this.#longSeries.get(hash) ?? [];
    const known = alike.find((series) => this.#labels[series] === encoded);
    if (known !== undefined) return known;
    if (alike.length === alikeMax) throw new OtlpTooLargeError('labels of many series have the same hash');
    alike.push(this.#labels.length);
    this.#longSeries.set(hash, alike);
    return this.#addSeries(encoded);
  }

  #addSeries(encoded: string): number {
    if (this.#labels.length === seriesMax) throw new OtlpTooLargeError(`there are more than ${seriesMax} series`);
    this.#charge(encoded.length + 6);
    this.#labels.push(encoded);
    return this.#labels.length - 1;
  }

  #addExtra(series: number, extra: Extra): void {
    this.#charge(extra.message.length + 128); // The object that holds it counts, too.
    const extras = this.#extras.get(series);
    if (extras === undefined) this.#extras.set(series, [extra]);
    else extras.push(extra);
  }

  *#writeExtras(content: ProtobufOutput, extras: Extra[]): Steps<void> {
    if (extras.length > 1 && extras.length <= sortedMax) extras.sort(byFieldAndTime);
    for (const [index, extra] of extras.entries()) {
      if (index % stepSamples === stepSamples - 1) yield;
      content.text(extra.field, extra.message);
    }
  }

  *#writeSamples(content: ProtobufOutput, samples: Uint32Array): Steps<void> {
    const times = this.#sampleTimes;
    if (samples.length <= sortedMax) {
      const isAscending = samples.every((sample, index) => index === 0 || times[sample]! > times[samples[index - 1]!]!);
      if (!isAscending) samples.sort((left, right) => times[left]! - times[right]! || left - right);
    }
    let previous: number | undefined;
    for (const [index, sample] of samples.entries()) {
      if (index % stepSamples === stepSamples - 1) yield;
      const repeats =
        previous !== undefined &&
        times[sample] === times[previous] &&
        this.#sampleBits[sample] === this.#sampleBits[previous];
      previous = sample;
      if (repeats) continue;
      this.#scratch.clear();
      this.#scratch.fixed64(1, this.#sampleBits[sample]!);
      this.#scratch.varint(2, times[sample]!);
      content.bytes(2, this.#scratch.view());
    }
  }

  /** Samples sorted by series, each series' in the order in which they came, and where each series ends. */
  *#samplesBySeries(): Steps<{ order: Uint32Array; ends: Uint32Array }> {
    const ends = new Uint32Array(this.#labels.length + 1);
    for (let sample = 0; sample < this.#sampleCount; sample += 1) {
      if (sample % stepSamples === stepSamples - 1) yield;
      ends[this.#sampleSeries[sample]! + 1]! += 1;
    }
    for (let series = 1; series < ends.length; series += 1) {
      if (series % stepSamples === stepSamples - 1) yield;
      ends[series]! += ends[series - 1]!;
    }
    const order = new Uint32Array(this.#sampleCount);
    // While samples find their places, an entry is where its series goes on; thereafter, where it ends.
    for (let sample = 0; sample < this.#sampleCount; sample += 1) {
      if (sample % stepSamples === stepSamples - 1) yield;
      const series = this.#sampleSeries[sample]!;
      order[ends[series]!] = sample;
      ends[series]! += 1;
    }
    return { order, ends };
  }

  #growColumns(): void {
    const capacity = Math.min(this.#sampleCount * 2, samplesMax);
    const [series, times, bits] = [this.#sampleSeries, this.#sampleTimes, this.#sampleBits];
    this.#sampleSeries = new Uint32Array(capacity);
    this.#sampleTimes = new Float64Array(capacity);
    this.#sampleBits = new BigUint64Array(capacity);
    this.#sampleSeries.set(series);
    this.#sampleTimes.set(times);
    this.#sampleBits.set(bits);
  }

  #charge(bytes: number): void {
    this.#messageBytes += bytes;
    if (this.#messageBytes > this.#messageBytesMax) throw this.#tooLarge();
  }

  #tooLarge(): OtlpTooLargeError {
    return new OtlpTooLargeError(`the series together are larger than ${this.#messageBytesMax} bytes`);
  }
}

function byFieldAndTime(left: Extra, right: Extra): number {
  return left.field - right.field || left.timestampMs - right.timestampMs;
}
