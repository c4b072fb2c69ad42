import { minuteMs } from '@gauntlet/base';
import { LatencyHistogram, Load, wholeNumber } from '@gauntlet/loadgen-tool';
import { type Maker, type ReadArguments } from './bench-arguments.js';
import { type BenchContext } from './bench-context.js';
import { startFleet, type Member } from './fleet.js';
import { machineText } from './machine.js';
import { beginUsage } from './peak-memory.js';
import {
  everySeries,
  fewValuesLabel,
  manyValuesLabel,
  metricName,
  prepareReadBodies,
  storedLabel,
} from './read-series.js';
import { callsOfP99Min, medianReadRow, readTable, type ReadRow } from './read-table.js';
import { requestConnections } from './request-shape.js';
import { StoreClient, type StoreAnswer, type StoreMethod } from './store-client.js';
import {
  encodeLabelNamesRequest,
  encodeLabelValuesRequest,
  encodeSeriesRequest,
  type TimeRange,
} from './store-requests.js';

/** A kind of call, and how much of it is measured at a time. */
export interface ReadCall {
  readonly name: string;
  readonly method: StoreMethod;
  readonly request: Buffer;
  readonly callsMin: number;
}

/** Between two samples of a series. */
const stepMs = 15_000;
/** Each kind is called for so long at least, as processor time comes in units of 10 ms. */
const callsMsMin = 1000;
const warmUpMs = 500;
/** Enough for a p99 that does not hang on one call. */
const smallCallsMin = 300;
const largeCallsMin = 3;
/** What a querier asks for. */
export const batchSeriesMax = 64;

export async function measureReads(args: ReadArguments, context: BenchContext): Promise<string> {
  const rows = await context.forEachMaker((maker) => measureRead(maker, args, context));
  const { series, samplesPerSeries } = args;
  return readTable(
    rows,
    machineText(
      `${wholeNumber(series)} series of 14 labels, ${wholeNumber(samplesPerSeries)} samples each, from the head, one call after the other; the caller shares the machine.`,
    ),
  );
}

function measureRead(
  maker: Maker,
  { series, samplesPerSeries, rounds }: ReadArguments,
  { inDirectory, appsDir, guard, signal }: BenchContext,
): Promise<ReadRow[]> {
  const bodies = prepareReadBodies(series);
  return inDirectory(async (dir) => {
    const fleet = await startFleet({ maker, replicationFactor: 1, dir, appsDir, guard });
    const ingester = fleet.ingesters[0] as Member;
    const client = new StoreClient(ingester.grpcPort);
    try {
      const fromMs = Date.now() - samplesPerSeries * stepMs;
      const { samplesAccepted } = await new Load({
        url: fleet.url,
        headers: {},
        connections: requestConnections,
        tenants: [],
        bodies,
        until: { rounds: samplesPerSeries },
        timestampMsOf: (round) => fromMs + round * stepMs,
        signal,
      }).run();
      signal.throwIfAborted();
      if (samplesAccepted !== series * samplesPerSeries)
        throw new Error(`Cannot read: of ${series * samplesPerSeries} samples only ${samplesAccepted} were taken`);
      await client.untilConnected();
      const calls = readCalls({ minTimeMs: fromMs - 60 * minuteMs, maxTimeMs: Date.now() + 60 * minuteMs });
      const repeats = new Map<string, ReadRow[]>();
      const narrow = calls[0] as ReadCall;
      const first = { ...narrow, name: `${narrow.name}: first call of all` };
      const measure = { maker, ingester, client, signal };
      repeats.set(first.name, [await measureCalls(first, { ...measure, callsMin: 1, callsMsMin: 0 })]);
      for (let round = 0; round < rounds; round++) {
        for (const call of calls) {
          await warmUp(client, call, signal);
          const row = await measureCalls(call, { ...measure, callsMin: call.callsMin, callsMsMin });
          repeats.set(call.name, [...(repeats.get(call.name) ?? []), row]);
        }
        console.error(`${maker}: round ${round + 1} of ${rounds} is done`);
      }
      return [...repeats.values()].map(medianReadRow);
    } finally {
      client.close();
      await fleet.stop();
    }
  });
}

/** The narrow one is first: it is the first that an ingester is asked. */
export function readCalls(range: TimeRange): ReadCall[] {
  const series = (
    name: string,
    question: Partial<Parameters<typeof encodeSeriesRequest>[0]>,
    callsMin = largeCallsMin,
  ): ReadCall => ({
    name: `Series, ${name}`,
    method: 'Series',
    request: encodeSeriesRequest({ matchers: everySeries, range, batchSeriesMax, ...question }),
    callsMin,
  });
  const values = (name: string, label: string, callsMin: number): ReadCall => ({
    name: `LabelValues, ${name}`,
    method: 'LabelValues',
    request: encodeLabelValuesRequest(label, range),
    callsMin,
  });
  return [
    series('one metric', { matchers: { __name__: metricName(0) } }, smallCallsMin),
    series('all', {}),
    series('all, one in a message', { batchSeriesMax: 0 }),
    series('all, no chunks', { skipChunks: true }),
    series('all, no chunks, one in a message', { skipChunks: true, batchSeriesMax: 0 }),
    series(`all, without ${storedLabel}`, { withoutLabels: [storedLabel] }),
    values('few', fewValuesLabel, smallCallsMin),
    values('one for each series', manyValuesLabel, callsOfP99Min),
    { name: 'LabelNames', method: 'LabelNames', request: encodeLabelNamesRequest(range), callsMin: smallCallsMin },
  ];
}

interface CallsPlan {
  readonly maker: Maker;
  readonly ingester: Member;
  readonly client: StoreClient;
  readonly callsMin: number;
  readonly callsMsMin: number;
  readonly signal: AbortSignal;
}

async function measureCalls(call: ReadCall, plan: CallsPlan): Promise<ReadRow> {
  const { maker, ingester, client, callsMin, callsMsMin, signal } = plan;
  const total = new LatencyHistogram();
  const first = new LatencyHistogram();
  const usage = beginUsage(ingester);
  let last: StoreAnswer;
  const startedMs = performance.now();
  do {
    last = await answerOf(client, call, signal);
    total.record(last.totalMs);
    first.record(last.firstMs);
  } while (total.count < callsMin || performance.now() - startedMs < callsMsMin);
  const { cpuSeconds, residentBytes, residentBytesPeak } = usage();
  return {
    maker,
    call: call.name,
    items: last.items,
    bytes: last.bytes,
    calls: total.count,
    cpuSeconds: cpuSeconds / total.count,
    firstMs: first.quantileMs(0.5),
    p50Ms: total.quantileMs(0.5),
    p99Ms: total.quantileMs(0.99),
    extraBytes: residentBytesPeak - residentBytes,
  };
}

/** Not counted: what is run for the first times is not compiled well yet. */
async function warmUp(client: StoreClient, call: ReadCall, signal: AbortSignal): Promise<void> {
  const startedMs = performance.now();
  do await answerOf(client, call, signal);
  while (performance.now() - startedMs < warmUpMs);
}

/** An answer that is not whole would be a figure of something else. */
async function answerOf(
  client: StoreClient,
  { name, method, request }: ReadCall,
  signal: AbortSignal,
): Promise<StoreAnswer> {
  const answer = await client.call(method, request, signal);
  if (answer.warnings.length > 0)
    throw new Error(`Cannot measure ${name}: it is answered with "${answer.warnings[0]}"`);
  return answer;
}
