import { encodeBlockMeta, type BlockMeta, type ThanosFile } from '@gauntlet/block';

export interface ShippedAs {
  /** The external labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly source: string;
  readonly files: readonly ThanosFile[];
  /** Undefined in the copy that is made before the upload. */
  readonly uploadTimeMs: number | undefined;
}

/**
 * The meta.json of the bucket (spec/receive.md 7.9): the local one with a `thanos` section of ours. Fields that the format does not
 * know are gone, as they are when the reference reads a meta.json and writes it again.
 */
export function encodeShippedMeta(meta: BlockMeta, { labels, source, files, uploadTimeMs }: ShippedAs): Uint8Array {
  const chunks = files.map((file) => file.rel_path).filter((path) => path.startsWith('chunks/'));
  const thanos = {
    labels,
    downsample: { resolution: 0 },
    source,
    segment_files: chunks.map((path) => path.slice('chunks/'.length)),
    files,
    upload_time: uploadTimeMs === undefined ? '0001-01-01T00:00:00Z' : new Date(uploadTimeMs).toISOString(),
  };
  return Buffer.from(encodeBlockMeta({ ...meta, thanos }));
}
