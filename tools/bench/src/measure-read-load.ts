import { setTimeout as sleep } from 'node:timers/promises';
import { minuteMs } from '@gauntlet/base';
import { Load, wholeNumber, type LoadAnswer, type LoadOptions } from '@gauntlet/loadgen-tool';
import { type Maker, type ReadLoadArguments } from './bench-arguments.js';
import { type BenchContext } from './bench-context.js';
import { startFleet, type Member } from './fleet.js';
import { machineText } from './machine.js';
import { batchSeriesMax } from './measure-read.js';
import { beginUsage } from './peak-memory.js';
import { readLoadTable, toReadLoadRow, type ReadLoadRow, type ReadPhase, type Stretch } from './read-load-table.js';
import { everySeries, metricName, prepareReadBodies } from './read-series.js';
import { ReaderThread, type ReaderPlan } from './reader-thread.js';
import { requestConnections } from './request-shape.js';
import { type StoreAnswer } from './store-client.js';
import { encodeSeriesRequest } from './store-requests.js';

/** Left out behind the creation of the series, which costs more than what follows. */
const settleMs = 5000;
/** How long it is written as fast as answers come, to know the half of it. */
const maximumMs = 10_000;
/** What is shorter has too few writes to tell anything of them. */
const firstReadMsMin = 1000;
/** Longer than any call for all series takes. */
const readMsMax = 600_000;
const loadMsMax = 24 * 60 * minuteMs;

export async function measureReadsUnderLoad(args: ReadLoadArguments, context: BenchContext): Promise<string> {
  const rows = await context.forEachMaker((maker) => measureReadUnderLoad(maker, args, context));
  return readLoadTable(
    rows,
    machineText(
      `${wholeNumber(args.series)} series of 14 labels, samples in requests of 2,000, written through a router. Latency counts from when a request was due. Series are read with their chunks in batches of ${batchSeriesMax}; who writes and who reads share the machine.`,
    ),
  );
}

function measureReadUnderLoad(
  maker: Maker,
  { series, rate, windowMs }: ReadLoadArguments,
  { inDirectory, appsDir, readerFile, guard, signal }: BenchContext,
): Promise<ReadLoadRow[]> {
  const bodies = prepareReadBodies(series);
  return inDirectory(async (dir) => {
    const fleet = await startFleet({ maker, replicationFactor: 1, dir, appsDir, guard });
    const over = new AbortController();
    const both = AbortSignal.any([signal, over.signal]);
    try {
      const ingester = fleet.ingesters[0] as Member;
      const common = { url: fleet.url, headers: {}, connections: requestConnections, tenants: [], bodies };
      const write = (until: LoadOptions['until']): ReturnType<Load['run']> =>
        new Load({ ...common, until, signal }).run();
      await write({ rounds: 1 });
      const samplesPerSecond = rate ?? halfOf(await write({ durationMs: maximumMs }));
      signal.throwIfAborted();
      console.error(`${maker}: ${wholeNumber(samplesPerSecond)} samples are written a second`);

      const answers: LoadAnswer[] = [];
      const load = new Load({
        ...common,
        until: { durationMs: loadMsMax },
        samplesPerSecondMax: samplesPerSecond,
        onAnswer: (answer) => answers.push(answer),
        signal: both,
      }).run();
      await sleep(settleMs, undefined, { signal });
      const stretches = await runPhases(ingester, { readerFile, windowMs, signal });
      // What was due at the end of the last phase may be answered late.
      await sleep(settleMs, undefined, { signal });
      over.abort();
      await load;
      return stretches.map((stretch) => toReadLoadRow(stretch, { maker, samplesPerSecond, answers }));
    } finally {
      over.abort();
      await fleet.stop();
    }
  });
}

const halfOf = ({ samplesAccepted, elapsedMs }: { samplesAccepted: number; elapsedMs: number }): number =>
  Math.max(1, Math.round(samplesAccepted / (elapsedMs / 1000) / 2));

interface PhasesPlan {
  readonly readerFile: string;
  readonly windowMs: number;
  readonly signal: AbortSignal;
}

async function runPhases(ingester: Member, { readerFile, windowMs, signal }: PhasesPlan): Promise<Stretch[]> {
  const range = { minTimeMs: Date.now() - 60 * minuteMs, maxTimeMs: Date.now() + 60 * minuteMs };
  const all = encodeSeriesRequest({ matchers: everySeries, range, batchSeriesMax });
  const narrow = encodeSeriesRequest({ matchers: { __name__: metricName(0) }, range, batchSeriesMax });
  const wait = (): Promise<void> => sleep(windowMs, undefined, { signal });

  const measured = async (phase: ReadPhase, run: () => Promise<readonly StoreAnswer[]>): Promise<Stretch> => {
    const usage = beginUsage(ingester);
    const ours = process.cpuUsage();
    const beginMs = Date.now();
    const reads = await run();
    const endMs = Date.now();
    const { user, system } = process.cpuUsage(ours);
    return { phase, beginMs, endMs, usage: usage(), callerCpuSeconds: (user + system) / 1e6, reads };
  };
  const whileRead = async (
    phase: ReadPhase,
    plan: Omit<ReaderPlan, 'port'>,
    untilOver: (reader: ReaderThread) => Promise<unknown>,
  ): Promise<Stretch> => {
    // The thread and its connection are made before the phase begins.
    const reader = new ReaderThread(readerFile, { ...plan, port: ingester.grpcPort });
    try {
      await reader.untilConnected(signal);
      return await measured(phase, async () => {
        reader.begin();
        await untilOver(reader);
        return [...reader.answers];
      });
    } finally {
      await reader.end();
    }
  };
  const limit = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(readMsMax)]);
  const untilReadAndOver = (reader: ReaderThread): Promise<unknown> => Promise.all([reader.untilRead(limit()), wait()]);

  const idle = (): Promise<readonly StoreAnswer[]> => wait().then(() => []);
  return [
    await measured('before', idle),
    await whileRead('first read, of one metric', { request: narrow, how: 'takes all', callsMax: 1 }, (reader) =>
      Promise.all([reader.untilRead(limit()), sleep(firstReadMsMin, undefined, { signal })]),
    ),
    await whileRead('all series are read', { request: all, how: 'takes all' }, untilReadAndOver),
    await whileRead('a reader stands still', { request: all, how: 'stops reading' }, untilReadAndOver),
    await measured('after', idle),
  ];
}
