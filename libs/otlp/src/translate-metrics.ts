import { MiB } from '@gauntlet/base';
import { AttributeReader, type Attribute } from './attributes.js';
import { transcodeJson } from './json-request.js';
import { MetricTranslator } from './metric-translator.js';
import { ProtobufCursor } from './protobuf-cursor.js';
import { Resource } from './resource.js';
import { SeriesTable } from './series-table.js';

export type OtlpContentType = 'application/x-protobuf' | 'application/json';

export interface TranslationOptions {
  /** Whether each resource with attributes beyond those of its target becomes a series `target_info`. */
  readonly targetInfo: boolean;
  /** Keys of attributes that become labels of all series of their resource. */
  readonly promoteResourceAttributes: readonly string[];
  /** Larger messages than this are not made. Labels of a resource repeat in each series, so they are several times the body. */
  readonly messageBytesMax?: number;
}

export interface Translation {
  /** A prometheus.WriteRequest, uncompressed. Empty if nothing was taken. */
  readonly message: Uint8Array;
  /** Data points taken. */
  readonly dataPoints: number;
  /**
   * Data points refused, and the first few reasons. A metric that has no points is refused with none, so that there may be reasons
   * and a count of 0.
   */
  readonly rejected: { readonly count: number; readonly firstReasons: readonly string[] };
}

export const messageBytesMaxDefault = 256 * MiB;

/**
 * Translates an ExportMetricsServiceRequest. A metric or data point that has no translation is left out and told of; the rest is taken.
 * @param body decompressed; its size is the caller's to limit
 * @throws OtlpMalformedError if the body cannot be decoded, OtlpTooLargeError if its series are too many
 */
export function translateMetrics(
  body: Uint8Array,
  contentType: OtlpContentType,
  options: TranslationOptions,
): Translation {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const table = new SeriesTable(options.messageBytesMax ?? messageBytesMaxDefault);
  const reader = new AttributeReader();
  const translator = new MetricTranslator(table, reader);
  const promoted = options.promoteResourceAttributes.map((key) => Buffer.from(key).toString('latin1'));
  const request = new ProtobufCursor(contentType === 'application/json' ? transcodeJson(bytes) : bytes);
  for (let field = request.nextField(); field !== 0; field = request.nextField()) {
    if (field !== 1) {
      request.skip();
      continue;
    }
    const resourceMetrics = request.message();
    const resource = new Resource(readResource(resourceMetrics.clone(), reader), promoted);
    translator.enter(resource);
    translateScopes(resourceMetrics, translator);
    if (options.targetInfo) translator.addTargetInfo();
  }
  return { message: table.finish(), dataPoints: translator.dataPoints, rejected: translator.rejected };
}

/** A resource may come after its metrics. */
function readResource(resourceMetrics: ProtobufCursor, reader: AttributeReader): Attribute[] {
  const attributes: Attribute[] = [];
  for (let field = resourceMetrics.nextField(); field !== 0; field = resourceMetrics.nextField()) {
    if (field !== 1) {
      resourceMetrics.skip();
      continue;
    }
    const resource = resourceMetrics.message();
    for (let inner = resource.nextField(); inner !== 0; inner = resource.nextField()) {
      if (inner === 1) reader.readInto(attributes, resource.message());
      else resource.skip();
    }
  }
  return attributes;
}

/** Nothing is said of scopes: Thanos does not, either. */
function translateScopes(resourceMetrics: ProtobufCursor, translator: MetricTranslator): void {
  for (let field = resourceMetrics.nextField(); field !== 0; field = resourceMetrics.nextField()) {
    if (field !== 2) {
      resourceMetrics.skip();
      continue;
    }
    const scope = resourceMetrics.message();
    for (let inner = scope.nextField(); inner !== 0; inner = scope.nextField()) {
      if (inner === 2) translator.addMetric(scope.message());
      else scope.skip();
    }
  }
}
