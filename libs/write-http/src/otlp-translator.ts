import { encodeExportResponse, translateMetricsInSlices, type TranslationOptions } from '@gauntlet/otlp';
import { TranslationPlaces } from './otlp-places.js';
import { SharedTurns } from './otlp-turns.js';
import type { OtlpTranslator } from './otlp.js';

/** Translates few bodies at a time, each in slices between which everything else has its turn. */
export function createOtlpTranslator(options: TranslationOptions): OtlpTranslator {
  const places = new TranslationPlaces();
  const turns = new SharedTurns();
  return {
    translate: (body, contentType, signal) =>
      places.run(body.length, signal, () => translateMetricsInSlices(body, contentType, options, turns.pace(signal))),
    encodeResponse: encodeExportResponse,
  };
}
