import { canonicalLabels } from '@gauntlet/model';
import { PromqlError, selectorsOf } from '@gauntlet/promql';
import { UnreadableMessageError, type CallContext, type MessageSink } from '@gauntlet/rpc';
import { createOverlay, prepareMatchers, type LabelMatcher } from '@gauntlet/select';
import { MessageWriter } from './message-writer.js';
import { PartialAnswer } from './partial-answer.js';
import type { ExemplarsRequest } from './read-requests.js';
import { paceOf, type StoreApiOptions } from './store-api-options.js';
import { StoreNotReadyError, StoreRequestError, rpcErrorText } from './store-error.js';
import type { ExemplarSeries, StoredExemplar, TenantReader, TenantReaders } from './tenant-reader.js';

/** Exemplars.Exemplars (spec/receive.md 5.5): of all tenants, one message for each series. What one tenant cannot give fails the call, whatever the strategy. */
export async function answerExemplars(
  request: ExemplarsRequest,
  readers: TenantReaders,
  call: CallContext,
  out: MessageSink,
  options: Pick<StoreApiOptions, 'clock'>,
): Promise<void> {
  const selectors = selectorsIn(request.query);
  if (!readers.isReady) throw new StoreNotReadyError('not ready');
  const pace = paceOf(options, call);
  const partial = new PartialAnswer(true, call.signal);
  const message = new MessageWriter();
  for (const reader of readers.all()) {
    let found: readonly ExemplarSeries[] = [];
    try {
      const left = selectorsFor(reader, selectors);
      if (left.length > 0) found = await reader.exemplars({ ...request, selectors: left, pace });
    } catch (thrown) {
      const error = partial.tenantError(thrown);
      partial.lacks(`get exemplars for tenant ${reader.tenant}: ${rpcErrorText(error)}`, { error });
    }
    const overlay = createOverlay(reader.externalLabels, []);
    for (const series of found) {
      message.truncate(0);
      message.message(1, (data) => {
        data.bytes(1, overlay.apply(series.labels));
        for (const exemplar of series.exemplars) data.message(2, (one) => writeExemplar(one, exemplar));
      });
      out.write(message.view());
      if (out.ready) await out.ready;
      if (pace.isDue) await pace.rest();
    }
  }
}

/** @throws UnreadableMessageError, which is INTERNAL, as Thanos has it for queries too */
function selectorsIn(query: string): LabelMatcher[][] {
  try {
    return selectorsOf(query).map(({ matchers }) => [...matchers]);
  } catch (error) {
    if (error instanceof PromqlError) throw new UnreadableMessageError(error.message, { cause: error });
    throw error;
  }
}

/** Those that can match series of this tenant, without what its external labels have settled. */
function selectorsFor({ externalLabels }: TenantReader, selectors: readonly LabelMatcher[][]): LabelMatcher[][] {
  const left = selectors
    .map((matchers) => prepareMatchers(matchers, externalLabels))
    .filter((matchers) => matchers !== 'none');
  if (left.some((matchers) => matchers.length === 0))
    throw new StoreRequestError('no matchers specified (excluding external labels)');
  return left;
}

function writeExemplar(message: MessageWriter, { labels, valueBits, timestampMs }: StoredExemplar): void {
  message.bytes(1, canonicalLabels(labels));
  if (valueBits !== 0n) message.double(2, valueBits);
  if (timestampMs === 0n) return;
  message.tag(3, 0);
  message.varint64(Number(BigInt.asUintN(32, timestampMs)), Number(BigInt.asUintN(32, timestampMs >> 32n)));
}
