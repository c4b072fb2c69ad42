import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { listen, type TestServer } from './test-server.js';
import { parse } from 'protobufjs';

/** A metric family as protobufjs takes it: fields of `io.prometheus.client.MetricFamily`. */
export interface Family {
  readonly name: string;
  readonly help?: string;
  readonly unit?: string;
  readonly type: 'COUNTER' | 'GAUGE' | 'SUMMARY' | 'UNTYPED' | 'HISTOGRAM' | 'GAUGE_HISTOGRAM';
  readonly metric: readonly Readonly<Record<string, unknown>>[];
}

export interface ScrapeTarget extends TestServer {
  /** How often it was scraped under a path. */
  rounds(path: string): number;
}

/** What a scrape has to bring. */
export interface ScrapeGuard {
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly bearer?: string;
}

/** Serves metrics in the protobuf format, the only one with native histograms. Rounds count from 1 for each path by itself. */
export async function serveScrapes(
  familiesOf: (round: number, path: string) => readonly Family[],
  { tls, bearer }: ScrapeGuard = {},
): Promise<ScrapeTarget> {
  const counts = new Map<string, number>();
  const answer = ({ url = '/', headers }: IncomingMessage, response: ServerResponse): void => {
    if (bearer !== undefined && headers.authorization !== `Bearer ${bearer}`) {
      response.writeHead(401).end();
      return;
    }
    const round = (counts.get(url) ?? 0) + 1;
    counts.set(url, round);
    response.setHeader('Content-Type', contentType);
    response.end(Buffer.concat(familiesOf(round, url).map(encode)));
  };
  const server = tls ? createTlsServer({ cert: tls.cert, key: tls.key }, answer) : createServer(answer);
  return { ...(await listen(server)), rounds: (path) => counts.get(path) ?? 0 };
}

export const labelsOf = (labels: Readonly<Record<string, string>>): { name: string; value: string }[] =>
  Object.entries(labels).map(([name, value]) => ({ name, value }));

/** A `google.protobuf.Timestamp`. */
export const timestampOf = (timestampMs: number): { seconds: number; nanos: number } => ({
  seconds: Math.floor(timestampMs / 1000),
  nanos: (timestampMs % 1000) * 1_000_000,
});

const contentType = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

const familyType = parse(`
  syntax = "proto2";
  message Label { optional string name = 1; optional string value = 2; }
  message Timestamp { optional int64 seconds = 1; optional int32 nanos = 2; }
  message Exemplar { repeated Label label = 1; optional double value = 2; optional Timestamp timestamp = 3; }
  message Value { optional double value = 1; }
  message Counter { optional double value = 1; optional Exemplar exemplar = 2; optional Timestamp created = 3; }
  message Quantile { optional double quantile = 1; optional double value = 2; }
  message Summary { optional uint64 count = 1; optional double sum = 2; repeated Quantile quantile = 3; optional Timestamp created = 4; }
  message Bucket { optional uint64 count = 1; optional double bound = 2; optional Exemplar exemplar = 3; optional double countFloat = 4; }
  message Span { optional sint32 offset = 1; optional uint32 length = 2; }
  message Histogram {
    optional uint64 count = 1; optional double countFloat = 4; optional double sum = 2; repeated Bucket bucket = 3;
    optional sint32 schema = 5; optional double zeroThreshold = 6; optional uint64 zeroCount = 7; optional double zeroCountFloat = 8;
    repeated Span negativeSpan = 9; repeated sint64 negativeDelta = 10; repeated double negativeCount = 11;
    repeated Span positiveSpan = 12; repeated sint64 positiveDelta = 13; repeated double positiveCount = 14;
    optional Timestamp created = 15; repeated Exemplar exemplars = 16;
  }
  message Metric {
    repeated Label label = 1; optional Value gauge = 2; optional Counter counter = 3; optional Summary summary = 4;
    optional Value untyped = 5; optional int64 timestampMs = 6; optional Histogram histogram = 7;
  }
  enum Type { COUNTER = 0; GAUGE = 1; SUMMARY = 2; UNTYPED = 3; HISTOGRAM = 4; GAUGE_HISTOGRAM = 5; }
  message MetricFamily {
    optional string name = 1; optional string help = 2; optional Type type = 3; repeated Metric metric = 4; optional string unit = 5;
  }
`).root.lookupType('MetricFamily');

const encode = (family: Family): Uint8Array => familyType.encodeDelimited(familyType.fromObject(family)).finish();
