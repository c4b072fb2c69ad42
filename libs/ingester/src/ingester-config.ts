import type { SelectLimits } from '@gauntlet/store-api';
import type { RequestLogConfig } from '@gauntlet/telemetry';
import type { ServerTlsFiles } from '@gauntlet/tls';
import type { WriteConfig } from '@gauntlet/write-http';
import type { BucketConfig } from './configured-bucket.js';

export interface IngesterConfig {
  /** Probes and metrics. */
  readonly httpAddress: string;
  readonly grpcAddress: string;
  /** Remote write for clients that come without a router. */
  readonly remoteWriteAddress: string;
  /** How that listener treats requests; tenants are named as everywhere in this config. */
  readonly writes?: Omit<WriteConfig, 'tenantHeader' | 'defaultTenant'>;
  /** The web configuration file of `httpAddress`; undefined for plain text that anyone may read. */
  readonly httpConfigFile?: string | undefined;
  /** Undefined for plain text. */
  readonly grpcTls?: ServerTlsFiles | undefined;
  /** Undefined logs no requests. */
  readonly requestLog?: RequestLogConfig | undefined;
  readonly httpGraceMs: number;
  readonly grpcGraceMs: number;
  readonly grpcConnectionAgeMsMax: number;
  readonly dataDir: string;
  /** Keeps two ingesters from one directory. */
  readonly lock: boolean;
  /** External labels, without the tenant's. */
  readonly labels: Readonly<Record<string, string>>;
  readonly tenantLabelName: string;
  /** Names the tenant whose statistics an HTTP request asks for. */
  readonly tenantHeader: string;
  /** What one call for series may give. */
  readonly selectLimits: SelectLimits;
  /** Series that a tenant may have in memory, 0 for no limit, in place of what the limits of `writes` say. Asked at each write: it may change. */
  readonly activeSeriesMax?: (tenant: string) => number;
  /** Opened at the start, even without data. */
  readonly defaultTenant: string;
  /** Blocks, and directories of idle tenants, that are older are deleted; 0 keeps everything. */
  readonly retentionMs: number;
  /** Bytes that a tenant's log and blocks may take; 0 for no limit. */
  readonly retentionBytesMax: number;
  /** With less left on the disk writes are refused; 0 for no limit. */
  readonly freeDiskBytesMin: number;
  /** With more in use writes are refused; 0 for no limit, undefined for a share of what the machine or container has. */
  readonly memoryBytesMax: number | undefined;
  /** How far behind its tenant's newest sample a sample may come; 0 for not at all. */
  readonly outOfOrderWindowMs: number;
  /** Out-of-order samples of a series that make a chunk. */
  readonly outOfOrderCapMax: number;
  /** Exemplars kept for each tenant; 0 for none. */
  readonly exemplarsMax: number;
  /** Samples newer than now and this are refused; 0 takes any. */
  readonly futureWindowMs: number;
  /** `--tsdb.max-block-duration`: the length of a block. */
  readonly blockRangeMs: number;
  /** `--tsdb.min-block-duration`: no chunk crosses a multiple of it. */
  readonly chunkRangeMs: number;
  readonly walCompression: boolean;
  readonly walDurability: 'sync' | 'write';
  /** The bucket's YAML document, and the flag or file it came from; undefined keeps blocks on disk only. */
  readonly bucketConfig: BucketConfig | undefined;
  readonly shipper: {
    readonly hashFunc: '' | 'SHA256';
    /** 0 is the library's default. */
    readonly uploadConcurrency: number;
    readonly allowOutOfOrderUploads: boolean;
    readonly skipCorruptedBlocks: boolean;
  };
}
