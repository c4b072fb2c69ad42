import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { snappyBlockDecode, xxh64 } from '@gauntlet/kernel';
import { labelsOf, type Label, type Labels } from '@gauntlet/model';
import { createOverlay, type SelectedChunk } from '@gauntlet/select';
import { canonicalLabels, labelsOfCanonical } from '@gauntlet/model';
import type { ModelTenant } from './model-reader.js';
import { decodeMessage, type Plain } from './messages.js';
import type { StoredExemplar } from '../tenant-reader.js';

/*
 * The recorded cases, and tenants that hold what they were recorded with: labels, exemplars and times of samples from the
 * requests, chunks from the answers. What is in a chunk is the business of whoever stores it: here it is its id.
 */

export interface RecordedCase {
  readonly name: string;
  readonly setup: string;
  readonly service: string;
  readonly method: string;
  readonly request?: Plain;
  readonly rawRequest?: string;
  readonly response: Plain;
  readonly anyOf?: readonly string[];
  readonly atLeast?: readonly string[];
  readonly alsoEmpty?: boolean;
}

interface RecordedChunk {
  readonly type: string;
  readonly min: number;
  readonly max: number;
}

export interface Recording {
  readonly recordedBase: number;
  readonly setups: Readonly<Record<string, { readonly load: boolean }>>;
  readonly labelSets: Readonly<Record<string, readonly (readonly [string, string])[]>>;
  readonly chunks: Readonly<Record<string, RecordedChunk>>;
  readonly cases: readonly RecordedCase[];
}

const readJson = (name: string): Plain =>
  JSON.parse(gunzipSync(readFileSync(join(__dirname, '../../testdata', `${name}.gz`))).toString());

export const recording = readJson('cases.json') as Recording;

/** As the flags of the recording have them. */
export function externalLabelsOf(tenant: string): Labels {
  return labelsOf({ cluster: 'eu-1', replica: 'r1', tenant_id: tenant });
}

/** Long values are told by their hash. */
export function shortened(text: string): string {
  const bytes = Buffer.from(text);
  return bytes.length > 1024 ? `@long:${bytes.length}:${xxh64(bytes).toString(16).padStart(16, '0')}` : text;
}

export function keyOf(labels: Iterable<readonly [string, string]>): string {
  return JSON.stringify([...labels].map(([name, value]) => [name, shortened(value)]));
}

interface LoadedSeries {
  readonly tenant: string;
  readonly labels: Labels;
  readonly times: number[];
  readonly exemplars: StoredExemplar[];
}

function newSeries(tenant: string, labels: Labels): LoadedSeries {
  return { tenant, labels, times: [], exemplars: [] };
}

export function recordedTenants(): ModelTenant[] {
  const base = recording.recordedBase;
  const all = loadedSeries(base);
  const chunkIds = recordedChunkIds();
  const tenants = [...new Set(all.map(({ tenant }) => tenant))].sort();
  return ['default-tenant', ...tenants].map((tenant) => ({
    tenant,
    externalLabels: externalLabelsOf(tenant),
    series: all
      .filter((series) => series.tenant === tenant)
      .map(({ labels, times, exemplars }) => {
        const overlay = createOverlay(externalLabelsOf(tenant), []);
        const final = labelsOfCanonical(overlay.apply(canonicalLabels(labels)));
        const key = keyOf(final.map(({ name, value }) => [name, value]));
        const ids = [...(chunkIds.get(key) ?? [])];
        // Of series whose labels become the same, each has the chunks that its own samples lie in.
        const own = ids.map(chunkOf).filter(({ minTimeMs }) => times.includes(minTimeMs));
        const chunks = [...own, ...untoldChunks(times, own, base)];
        return { labels, exemplars, chunks: chunks.sort((a, b) => a.minTimeMs - b.minTimeMs) };
      }),
  }));
}

function chunkOf(id: string): SelectedChunk {
  const { type, min, max } = recording.chunks[id]!;
  return {
    minTimeMs: recording.recordedBase + min,
    maxTimeMs: recording.recordedBase + max,
    encoding: 1 + ['XOR', 'HISTOGRAM', 'FLOAT_HISTOGRAM'].indexOf(type),
    data: Buffer.from(id),
  };
}

/** For samples that are in no answer: these chunks end where two hours do. */
function untoldChunks(times: readonly number[], told: readonly SelectedChunk[], base: number): SelectedChunk[] {
  const untold = times.filter((time) => !told.some((chunk) => chunk.minTimeMs <= time && time <= chunk.maxTimeMs));
  const windows = [0, 1].map((window) => untold.filter((time) => Math.floor((time - base) / 7_200_000) === window));
  return windows
    .filter(({ length }) => length > 0)
    .map((window) => ({
      minTimeMs: Math.min(...window),
      maxTimeMs: Math.max(...window),
      encoding: 1,
      data: Buffer.from('untold'),
    }));
}

/** The chunks that any answer has for a label set. */
function recordedChunkIds(): Map<string, Set<string>> {
  const ids = new Map<string, Set<string>>();
  for (const { response } of recording.cases) {
    for (const { labels, chunks } of response.series ?? []) {
      const key = keyOf(recording.labelSets[labels]!);
      const known = ids.get(key) ?? new Set();
      ids.set(key, known);
      for (const id of chunks) known.add(id);
    }
  }
  return ids;
}

function loadedSeries(base: number): LoadedSeries[] {
  const all = new Map<string, LoadedSeries>();
  for (const { tenant, body } of readJson('load-main.json').requests) {
    const bytes = snappyBlockDecode(Buffer.from(body, 'base64'), 2 ** 30);
    for (const sent of decodeMessage('prometheus.WriteRequest', bytes).timeseries) {
      const labels = labelsOf(Object.fromEntries(sent.labels.map(({ name, value }: Label) => [name, value])));
      const key = JSON.stringify([tenant, labels]);
      const series = all.get(key) ?? newSeries(tenant, labels);
      all.set(key, series);
      for (const { timestamp } of [...sent.samples, ...sent.histograms])
        series.times.push(base + Number(timestamp ?? 0));
      for (const exemplar of sent.exemplars) series.exemplars.push(exemplarOf(exemplar, base));
    }
  }
  return [...all.values()];
}

function exemplarOf({ labels, value, timestamp }: Plain, base: number): StoredExemplar {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value ?? 0);
  return {
    labels: labelsOf(Object.fromEntries(labels.map((label: Label) => [label.name, label.value]))),
    valueBits: bytes.readBigUInt64LE(),
    timestampMs: BigInt(base) + BigInt(timestamp ?? 0),
  };
}
