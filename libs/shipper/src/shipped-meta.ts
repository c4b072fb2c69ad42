import { z } from 'zod';

/** What the shipper needs of a block's meta.json; everything else is carried along in its order. */
const metaKeys = z.looseObject({
  ulid: z.string(),
  minTime: z.number(),
  maxTime: z.number(),
  stats: z.looseObject({ numSamples: z.number().default(0) }).prefault({}),
  compaction: z.looseObject({ level: z.number().default(0) }).prefault({}),
  version: z.literal(1),
});

export interface LocalMeta {
  readonly ulid: string;
  readonly minTimeMs: number;
  readonly numSamples: number;
  readonly level: number;
  /** The document as found. */
  readonly document: Readonly<Record<string, unknown>>;
}

export interface ShippedFile {
  readonly rel_path: string;
  readonly size_bytes?: number;
  readonly hash?: { readonly hashFunc: 'SHA256'; readonly value: string };
}

/** Throws what JSON or zod throws when the bytes are no meta.json of version 1. */
export function parseMeta(bytes: Uint8Array): LocalMeta {
  const document = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
  const { ulid, minTime, stats, compaction } = metaKeys.parse(document);
  return { ulid, minTimeMs: minTime, numSamples: stats.numSamples, level: compaction.level, document };
}

/** The meta.json of the bucket (spec/receive.md 7.9): the local document and a `thanos` section, tab-indented, ending with a newline. */
export function encodeShippedMeta(
  meta: LocalMeta,
  { labels, source, files, uploadTimeMs }: { labels: Readonly<Record<string, string>>; source: string; files: readonly ShippedFile[]; uploadTimeMs: number | undefined },
): Uint8Array {
  const chunks = files.map((file) => file.rel_path).filter((path) => path.startsWith('chunks/'));
  const local: Record<string, unknown> = { ...meta.document };
  delete local['thanos'];
  const thanos = {
    labels: Object.fromEntries(Object.entries(labels).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))),
    downsample: { resolution: 0 },
    source,
    segment_files: chunks.map((path) => path.slice('chunks/'.length)),
    files,
    index_stats: {},
    upload_time: uploadTimeMs === undefined ? '0001-01-01T00:00:00Z' : new Date(uploadTimeMs).toISOString(),
  };
  return Buffer.from(`${JSON.stringify({ ...local, thanos }, null, '\t')}\n`);
}
