import { MiB } from '@gauntlet/base';
import { grpcCodeOf, type CallContext, type MessageSink } from '@gauntlet/rpc';
import {
  createOverlay,
  limitSource,
  mergeSources,
  shardSource,
  type Pace,
  type SelectedSeries,
  type SeriesSource,
} from '@gauntlet/select';
import { chooseTenants, storeName, type ChosenTenant } from './choose-tenants.js';
import { notReadyText, PartialAnswer } from './partial-answer.js';
import type { SeriesRequest } from './read-requests.js';
import { SelectTally } from './select-tally.js';
import { SeriesFrames } from './series-frames.js';
import { paceOf, type StoreApiOptions } from './store-api-options.js';
import { PartialAnswerError, StoreRequestError, rpcErrorText } from './store-error.js';
import type { TenantReaders } from './tenant-reader.js';

/** What the tenants of a call may hold together, about. */
const callBytesMax = 32 * MiB;

/**
 * Store.Series (spec/store-api.md 5): series of all tenants in the order of their final labels. Of each tenant one series is held at a time, and nothing is
 * read while the caller does not read.
 */
export async function answerSeries(
  request: SeriesRequest,
  readers: TenantReaders,
  call: CallContext,
  out: MessageSink,
  options: StoreApiOptions,
): Promise<void> {
  if (request.matchers.length === 0) throw new StoreRequestError('no matchers specified (excluding selector labels)');
  const pace = paceOf(options, call);
  const partial = new PartialAnswer(request.isStrict, call.signal);
  const frames = new SeriesFrames(out, request.batchSeriesMax);
  const source = await openSource(request, readers, { pace, partial, log: options.log });
  try {
    const tally = new SelectTally(options.limits, options.onSelectDropped);
    for (;;) {
      const next = source.next();
      const series = next instanceof Promise ? await next : next;
      for (const warning of partial.take()) frames.addWarning(warning);
      if (series === undefined) break;
      tally.add(series);
      for (let from = 0; ;) {
        from = frames.add(series, from);
        if (out.ready) await out.ready;
        if (pace.isDue) await pace.rest();
        if (from === series.chunks.length) break;
      }
    }
    frames.flush();
  } finally {
    source.close();
  }
}

interface Opening {
  readonly pace: Pace;
  readonly partial: PartialAnswer;
  readonly log: StoreApiOptions['log'];
}

async function openSource(request: SeriesRequest, readers: TenantReaders, opening: Opening): Promise<SeriesSource> {
  const { pace, partial } = opening;
  const all = readers.all();
  if (all.length === 0 && request.isStrict)
    throw new PartialAnswerError('No StoreAPIs available', { grpcCode: grpcCodeOf('UNKNOWN') });
  if (!readers.isReady) partial.lacks(notReadyText);
  const tenants = chooseTenants(all, request);
  for (const { reader } of tenants) for (const warning of reader.warnings) partial.lacks(warning);
  const bytesMax = Math.floor(callBytesMax / Math.max(1, tenants.length));
  const sources = await openAll(tenants.map((tenant) => openTenant(tenant, request, { ...opening, bytesMax })));
  const merged = mergeSources(sources, { chunks: 'apart' });
  // Limits come last: stores would cut in the order of what they store.
  return limitSource(shardSource(merged, request.shard, pace), request.limit);
}

/** All of them, or none: where one fails, the others are closed. */
async function openAll(opened: readonly Promise<SeriesSource>[]): Promise<SeriesSource[]> {
  const results = await Promise.allSettled(opened);
  const sources = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return sources;
  for (const source of sources) source.close();
  throw failed.reason;
}

async function openTenant(
  tenant: ChosenTenant,
  request: SeriesRequest,
  opening: Opening & { readonly bytesMax: number },
): Promise<SeriesSource> {
  const { reader, matchers } = tenant;
  const guarded = new GuardedSource(tenant, opening);
  try {
    if (matchers.length === 0) throw new StoreRequestError('no matchers specified (excluding external labels)');
    guarded.open(
      await reader.store.select({
        matchers,
        minTimeMs: request.minTimeMs,
        maxTimeMs: request.maxTimeMs,
        skipChunks: request.skipChunks,
        overlay: createOverlay(reader.externalLabels, request.replicaLabels),
        limit: 0,
        pace: opening.pace,
        bytesMax: opening.bytesMax,
      }),
    );
  } catch (error) {
    guarded.fail(error);
  }
  return guarded;
}

/** A tenant's series. Where it fails, it ends, and the answer lacks what it still had. */
class GuardedSource implements SeriesSource {
  readonly #tenant: ChosenTenant;
  readonly #opening: Opening;
  #source: SeriesSource | undefined;

  constructor(tenant: ChosenTenant, opening: Opening) {
    this.#tenant = tenant;
    this.#opening = opening;
  }

  open(source: SeriesSource): void {
    this.#source = source;
  }

  next(): SelectedSeries | undefined | Promise<SelectedSeries | undefined> {
    try {
      const next = this.#source?.next();
      return next instanceof Promise ? next.catch((error: unknown) => this.fail(error)) : next;
    } catch (error) {
      return this.fail(error);
    }
  }

  close(): void {
    this.#source?.close();
    this.#source = undefined;
  }

  /** @throws what is not about this tenant, and for callers that want all or nothing */
  fail(thrown: unknown): undefined {
    this.close();
    const { partial, log } = this.#opening;
    const { reader } = this.#tenant;
    const error = partial.tenantError(thrown);
    if (!(error instanceof StoreRequestError))
      log.warn('series of a tenant could not be read', {
        tenant: reader.tenant,
        code: error.code,
        reason: error.message,
      });
    partial.lacks(`receive series from ${storeName(reader)}: ${rpcErrorText(error)}`, { error });
    return undefined;
  }
}
