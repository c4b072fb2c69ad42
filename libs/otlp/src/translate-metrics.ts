import { MiB } from '@gauntlet/base';
import { AttributeReader, type Attribute } from './attributes.js';
import { transcodeJson } from './json-request.js';
import { MetricTranslator, partBytesMax, type ResourceParts } from './metric-translator.js';
import { ProtobufCursor } from './protobuf-cursor.js';
import { SeriesTable } from './series-table.js';
import { finish, finishInSlices, type Pace, type Steps } from './steps.js';

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

/** What the intakes of router and ingester take. */
export const messageBytesMaxDefault = 128 * MiB;

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
  return finish(translate(body, contentType, options));
}

/**
 * The same in as many turns of the event loop as the pace asks for. Rejects with the same errors, and with what the pace ends it for.
 * @param body left as it is until the end
 */
export function translateMetricsInSlices(
  body: Uint8Array,
  contentType: OtlpContentType,
  options: TranslationOptions,
  pace: Pace,
): Promise<Translation> {
  return finishInSlices(translate(body, contentType, options), pace);
}

function* translate(body: Uint8Array, contentType: OtlpContentType, options: TranslationOptions): Steps<Translation> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const table = new SeriesTable(options.messageBytesMax ?? messageBytesMaxDefault);
  const reader = new AttributeReader();
  const promoted = options.promoteResourceAttributes.map((key) => Buffer.from(key).toString('latin1'));
  const translator = new MetricTranslator(table, reader, promoted);
  const request = new ProtobufCursor(contentType === 'application/json' ? yield* transcodeJson(bytes) : bytes);
  for (let field = request.nextField(); field !== 0; field = request.nextField()) {
    if (request.endsStride()) yield;
    if (field !== 1) {
      request.skip();
      continue;
    }
    const resourceMetrics = request.message();
    translator.enter(yield* readResource(resourceMetrics.clone(), reader));
    yield* translateScopes(resourceMetrics, translator);
    if (options.targetInfo) translator.addTargetInfo();
  }
  return { message: yield* table.finish(), dataPoints: translator.dataPoints, rejected: translator.rejected };
}

/** A resource may come after its metrics. Of one that is too large no more is read. */
function* readResource(resourceMetrics: ProtobufCursor, reader: AttributeReader): Steps<ResourceParts> {
  reader.startPart();
  const attributes: Attribute[] = [];
  let bytes = 0;
  for (let field = resourceMetrics.nextField(); field !== 0; field = resourceMetrics.nextField()) {
    if (resourceMetrics.endsStride()) yield;
    if (field !== 1) {
      resourceMetrics.skip();
      continue;
    }
    const resource = resourceMetrics.message();
    bytes += resource.bytesLeft;
    if (bytes > partBytesMax) continue;
    for (let inner = resource.nextField(); inner !== 0; inner = resource.nextField()) {
      if (inner === 1) reader.readInto(attributes, resource.message());
      else resource.skip();
    }
  }
  return { attributes, bytes };
}

/** Nothing is said of scopes: Thanos does not, either. */
function* translateScopes(resourceMetrics: ProtobufCursor, translator: MetricTranslator): Steps<void> {
  for (let field = resourceMetrics.nextField(); field !== 0; field = resourceMetrics.nextField()) {
    if (resourceMetrics.endsStride()) yield;
    if (field !== 2) {
      resourceMetrics.skip();
      continue;
    }
    const scope = resourceMetrics.message();
    for (let inner = scope.nextField(); inner !== 0; inner = scope.nextField()) {
      if (scope.endsStride()) yield;
      if (inner === 2) yield* translator.addMetric(scope.message());
      else scope.skip();
    }
  }
}
