import { grpcStatusOf, type CallContext } from '@gauntlet/rpc';
import { createOverlay, mergeTexts, type LabelQuery, type Pace } from '@gauntlet/select';
import { chooseTenants, storeName, type ChosenTenant } from './choose-tenants.js';
import { MessageWriter } from './message-writer.js';
import { notReadyText, PartialAnswer } from './partial-answer.js';
import type { LabelRequest, LabelValuesRequest } from './read-requests.js';
import { paceOf, type StoreApiOptions } from './store-api-options.js';
import { StoreRequestError, rpcErrorText } from './store-error.js';
import type { TenantReaders } from './tenant-reader.js';

/** Store.LabelNames (spec/store-api.md 6): those of all tenants, in the order of their bytes, and the names of external labels where there is something else. */
export function answerLabelNames(
  request: LabelRequest,
  readers: TenantReaders,
  call: CallContext,
  options: StoreApiOptions,
): Promise<Uint8Array> {
  const removed = new Set(request.replicaLabels);
  const asking = { request, readers, call, options, what: 'label names' };
  return answerTexts(asking, async ({ reader, matchers }, pace) => {
    const names = await reader.store.labelNames({ ...queryOf(request, pace), matchers, limit: 0 });
    const external = reader.externalLabels.map(({ name }) => name).filter((name) => !removed.has(name));
    return names.length === 0 ? [] : mergeTexts([names, external], pace);
  });
}

/** Store.LabelValues: an external label has the one value, whatever is stored. */
export async function answerLabelValues(
  request: LabelValuesRequest,
  readers: TenantReaders,
  call: CallContext,
  options: StoreApiOptions,
): Promise<Uint8Array> {
  const { label } = request;
  if (label === '') throw new StoreRequestError('label name parameter cannot be empty');
  if (request.replicaLabels.includes(label)) return new Uint8Array();
  const asking = { request, readers, call, options, what: 'label values' };
  return answerTexts(asking, async (tenant, pace) => {
    const { reader, matchers } = tenant;
    const query = { ...queryOf(request, pace), matchers };
    const external = reader.externalLabels.find(({ name }) => name === label);
    if (external === undefined) return reader.store.labelValues(label, { ...query, limit: request.limit });
    return matchers.length === 0 || (await hasSeries(tenant, query)) ? [external.value] : [];
  });
}

async function hasSeries({ reader }: ChosenTenant, query: Omit<LabelQuery, 'limit'>): Promise<boolean> {
  const overlay = createOverlay([], []);
  const source = await reader.store.select({ ...query, overlay, skipChunks: true, limit: 1 });
  try {
    return (await source.next()) !== undefined;
  } finally {
    source.close();
  }
}

interface Asking {
  readonly request: LabelRequest;
  readonly readers: TenantReaders;
  readonly call: CallContext;
  readonly options: StoreApiOptions;
  readonly what: string;
}

type TextsOfTenant = (tenant: ChosenTenant, pace: Pace) => Promise<readonly string[]>;

async function answerTexts({ request, readers, call, options, what }: Asking, ask: TextsOfTenant): Promise<Uint8Array> {
  const pace = paceOf(options, call);
  const partial = new PartialAnswer(request.isStrict, call.signal);
  if (!readers.isReady) partial.lacks(notReadyText);
  const tenants = chooseTenants(readers.all(), request);
  const lists = await Promise.all(
    tenants.map(async (tenant) => {
      const { reader } = tenant;
      try {
        for (const warning of reader.warnings) partial.lacks(warning);
        return await ask(tenant, pace);
      } catch (thrown) {
        const error = partial.tenantError(thrown);
        const fields = { tenant: reader.tenant, code: error.code, reason: error.message };
        options.log.warn('labels of a tenant could not be read', fields);
        const reason = `fetch ${what} from store ${storeName(reader)}: ${rpcErrorText(error)}`;
        partial.lacks(reason, { error, grpcCode: grpcStatusOf(error).code });
        return [];
      }
    }),
  );
  const texts = await mergeTexts(lists, pace);
  return encodeTexts(request.limit > 0 ? texts.slice(0, request.limit) : texts, partial.take(), pace);
}

const textsPerLook = 256;

/** Both answers are alike: texts as field 1, warnings as field 2. */
async function encodeTexts(texts: readonly string[], warnings: readonly string[], pace: Pace): Promise<Uint8Array> {
  const answer = new MessageWriter();
  for (let index = 0; index < texts.length; index += 1) {
    answer.string(1, texts[index]!);
    if (index % textsPerLook === 0 && pace.isDue) await pace.rest();
  }
  for (const warning of warnings) answer.string(2, warning);
  return answer.view();
}

function queryOf(
  { minTimeMs, maxTimeMs }: LabelRequest,
  pace: Pace,
): Pick<LabelQuery, 'minTimeMs' | 'maxTimeMs' | 'pace'> {
  return { minTimeMs, maxTimeMs, pace };
}
