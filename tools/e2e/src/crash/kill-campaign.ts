import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '@gauntlet/stack-tool';
import { journalName } from '@gauntlet/tsdb';
import { nodeVfs } from '@gauntlet/vfs';
import { listBucket } from '../bucket-blocks.js';
import { connectIngester, type IngesterClient } from '../ingester-client.js';
import type { Lab } from '../lab.js';
import { startIngester } from '../servers.js';
import { inspect } from './inspect.js';
import { sampleAt, withExemplar, type SampleKind } from './make-samples.js';
import { promtoolTexts, readJournal, readWithPromtool } from './promtool-samples.js';
import { randomOf, type Random } from './random.js';
import { SampleBook, type Verdict } from './sample-book.js';

const tenant = 'default-tenant';
const senders = 4;
const seriesPerSender = 100;
const blockDuration = '3s';
/** How late samples come that come out of order, and how late they may come. */
const latenessMsMax = 5000;
const outOfOrderWindow = '30s';
/** Longest that a kill waits for the moment it aims at; then any moment will do. */
const aimMsMax = 4000;

export interface CampaignPlan {
  readonly seed: number;
  readonly kills: number;
  /** Everything acknowledged so far is looked for after so many kills, and at the end. */
  readonly killsPerCheck: number;
  readonly kinds: readonly SampleKind[];
  readonly onProgress: (line: string) => void;
}

/** What a kill aims at: a moment after the start, or something half done in the data directory. */
type Aim = 'start' | 'replay' | 'any' | 'cut' | 'truncate' | 'checkpoint' | 'upload';
const aims: readonly Aim[] = ['start', 'replay', 'any', 'any', 'cut', 'truncate', 'checkpoint', 'upload'];

/** What a kill left half done. */
type Remains = 'start' | 'replay' | 'cut' | 'checkpoint' | 'upload';

export interface CampaignReport extends Verdict {
  readonly seed: number;
  readonly kills: number;
  readonly interrupted: Readonly<Record<Remains, number>>;
  /** Starts after which writes came while the log was replayed. */
  readonly startsBehindJournal: number;
  /** What the verifier finds wrong. */
  readonly broken: readonly string[];
  readonly sent: number;
  readonly acknowledged: number;
}

/**
 * Kills an ingester again and again while senders write to it, at moments that a seed chooses, and looks for every sample with promtool: in
 * its directory and its bucket together after the kills, in the bucket alone after an orderly end.
 */
export async function killRepeatedly(lab: Lab, plan: CampaignPlan): Promise<CampaignReport> {
  const random = randomOf(plan.seed);
  const traffic = new Traffic(plan.kinds, random);
  try {
    return await runCampaign(lab, plan, { random, traffic });
  } finally {
    await traffic.stop();
  }
}

async function runCampaign(
  lab: Lab,
  plan: CampaignPlan,
  { random, traffic }: { readonly random: Random; readonly traffic: Traffic },
): Promise<CampaignReport> {
  const bucketDir = lab.folder('bucket');
  const { book } = traffic;
  const reader = new DirectoryReader(lab);
  const interrupted = { start: 0, replay: 0, cut: 0, checkpoint: 0, upload: 0 };
  let startsBehindJournal = 0;
  // Writes come from the first moment in which somebody listens, long before the log is replayed.
  let spawned: (child: Child) => void = () => {};
  let ingester = await startIngester(lab, {
    name: 'one',
    bucketDir,
    blockDuration,
    flags: [
      '--tsdb.retention=30s',
      // What is longer takes longer to replay.
      '--no-tsdb.wal-compression',
      `--tsdb.out-of-order.time-window=${outOfOrderWindow}`,
      '--tsdb.out-of-order.cap-max=8',
      '--tsdb.max-exemplars=10000',
    ],
    onSpawn: (child) => spawned(child),
  });
  const tenantDir = join(ingester.dataDir, tenant);
  const { grpc } = ingester;
  traffic.connect(grpc);
  spawned = () => void traffic.connectOnceThere(grpc);

  const check = async (kill: number): Promise<Verdict> => {
    const found = await reader.read({ tenantDir, bucketDir });
    const verdict = book.judge(found);
    const { lost, invented } = verdict;
    plan.onProgress(
      `${kill} of ${plan.kills} kills: ${book.acknowledged} samples acknowledged, ${found.size} found, ${lost.length} lost, ` +
        `${invented.length} invented; half done: ${JSON.stringify(interrupted)}, ${startsBehindJournal} starts took writes while they replayed`,
    );
    return verdict;
  };

  for (let kill = 1; kill <= plan.kills; kill++) {
    const aim = random.pick(aims);
    const isStart = aim === 'start' || aim === 'replay';
    if (!isStart) await momentOf(aim, { tenantDir, random });
    traffic.disconnect();
    await ingester.child.stop({ signal: 'SIGKILL' });
    if (isStart) {
      // Another one is started only to be killed: before it is ready as a rule, or when it has taken writes and not replayed its log.
      if (aim === 'replay') mkdirSync(join(tenantDir, journalName), { recursive: true });
      const moment = momentOfStart(aim, { tenantDir, random });
      const begin = spawned;
      spawned = (child) => {
        begin(child);
        void moment().then(() => child.signal('SIGKILL'));
      };
      const started = await ingester.restart().catch(() => undefined);
      if (started === undefined) interrupted.start += 1;
      await started?.child.ended;
      traffic.disconnect();
      spawned = begin;
    }
    for (const what of remainsIn(tenantDir, bucketDir)) interrupted[what] += 1;
    // Killed before its first write, it has left nothing.
    const broken = existsSync(tenantDir) ? await inspect(nodeVfs, tenantDir) : [];
    if (broken.length > 0) return report({ checked: 0, lost: [], invented: [] }, kill, broken);
    if (kill % plan.killsPerCheck === 0 || kill === plan.kills) {
      const verdict = await check(kill);
      if (verdict.lost.length + verdict.invented.length > 0) return report(verdict, kill);
    }
    // As a kill during a replay leaves it: also a short log is replayed behind the writes then.
    if (random.chance(0.5)) mkdirSync(join(tenantDir, journalName), { recursive: true });
    const hasJournaled = watchJournal(tenantDir);
    ingester = await ingester.restart();
    if (await hasJournaled()) startsBehindJournal += 1;
  }

  await momentOf('any', { tenantDir, random });
  await traffic.stop();
  const ending = await ingester.child.stop();
  if (ending.code !== 0) throw new Error(`The ingester ended with ${ending.signal ?? ending.code}`);
  const broken = [...(await inspect(nodeVfs, tenantDir)), ...(await inspect(nodeVfs, bucketDir))];
  return report(book.judge(await new DirectoryReader(lab).read({ bucketDir })), plan.kills, broken);

  function report(verdict: Verdict, kills: number, broken: readonly string[] = []): CampaignReport {
    const { sent, acknowledged } = book;
    return { seed: plan.seed, kills, interrupted, startsBehindJournal, sent, acknowledged, ...verdict, broken };
  }
}

/** Senders that write without a pause whenever there is somebody to write to, each its own series. */
class Traffic {
  readonly book = new SampleBook();
  #client: IngesterClient | undefined;
  /** Of connecting: whoever finds that another one has begun gives up. */
  #attempt = 0;
  #isOver = false;
  #timestampMs = 0;
  readonly #running: Promise<unknown>;

  constructor(kinds: readonly SampleKind[], random: Random) {
    const seeds = Array.from({ length: senders }, () => random.whole(0, 2 ** 31));
    this.#running = Promise.all(seeds.map((seed, sender) => this.#send(sender, kinds, randomOf(seed))));
  }

  connect(grpc: string): void {
    this.#client = connectIngester({ grpc });
  }

  /** A client whose first attempt fails would wait for a second before the next. */
  async connectOnceThere(grpc: string): Promise<void> {
    const attempt = (this.#attempt += 1);
    while (!(await isListening(grpc))) {
      await sleep(2);
      if (this.#isOver || attempt !== this.#attempt) return;
    }
    if (attempt === this.#attempt) this.connect(grpc);
  }

  /** What is under way may still be acknowledged. */
  disconnect(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#attempt += 1;
    setTimeout(() => client?.close(), 100);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    this.disconnect();
  }

  async #send(sender: number, kinds: readonly SampleKind[], random: Random): Promise<void> {
    while (!this.#isOver) {
      const client = this.#client;
      if (client === undefined) {
        await sleep(5);
        continue;
      }
      const timestampMs = (this.#timestampMs = Math.max(this.#timestampMs + 1, Date.now()));
      const generation = Math.floor(timestampMs / 30_000) % 1000;
      const series = Array.from({ length: seriesPerSender }, (_, index) => {
        const kind = kinds[index % kinds.length] as SampleKind;
        // A tenth of them are replaced every half minute.
        const name = index % 10 === 0 ? `${sender}-${index}-${generation}` : `${sender}-${index}`;
        if (random.chance(0.1)) return sampleAt(kind, name, timestampMs - random.logarithmic(1, latenessMsMax));
        const sample = sampleAt(kind, name, timestampMs);
        return random.chance(0.1) ? withExemplar(sample) : sample;
      });
      const texts = series.flatMap(promtoolTexts);
      this.book.send(texts);
      await client.write(tenant, series).then(
        () => this.book.acknowledge(texts),
        // Unavailable, or of a range that is being cut: what was stored of it may be there.
        () => {},
      );
      await sleep(random.whole(20, 200));
    }
  }
}

function isListening(address: string): Promise<boolean> {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Looks from now on whether a journal holds anything; the answer ends it. */
function watchJournal(tenantDir: string): () => Promise<boolean> {
  const dir = join(tenantDir, journalName);
  const before = journalBytes(dir);
  let [found, isOver] = [false, false];
  const watching = (async () => {
    while (!isOver && !found) {
      found = journalBytes(dir) > before;
      await sleep(2);
    }
  })();
  return async () => {
    isOver = true;
    await watching;
    return found;
  };
}

const journalBytes = (dir: string): number =>
  namesIn(dir).reduce((sum, name) => sum + (statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0), 0);

/** The moment to kill, after a start. */
function momentOfStart(
  aim: 'start' | 'replay',
  { tenantDir, random }: { tenantDir: string; random: Random },
): () => Promise<void> {
  const delayMs = aim === 'start' ? random.logarithmic(20, 900) : random.pick([0, 0, 5, 25]);
  const journal = join(tenantDir, journalName);
  const before = journalBytes(journal);
  return async () => {
    if (aim === 'replay')
      for (const end = Date.now() + aimMsMax; Date.now() < end && journalBytes(journal) === before;) await sleep(1);
    await sleep(delayMs);
  };
}

/** Resolves at the moment to kill. */
async function momentOf(
  aim: Exclude<Aim, 'start' | 'replay'>,
  { tenantDir, random }: { tenantDir: string; random: Random },
): Promise<void> {
  if (aim === 'any') return sleep(random.logarithmic(50, 3000));
  const before = new Set(namesIn(tenantDir).filter(isBlock));
  const isThere = {
    cut: () => remainsIn(tenantDir, '').includes('cut'),
    // A new block is there: its samples leave the head, and the log begins a new segment.
    truncate: () => namesIn(tenantDir).some((name) => isBlock(name) && !before.has(name)),
    checkpoint: () => remainsIn(tenantDir, '').includes('checkpoint'),
    upload: () => remainsIn(tenantDir, '').includes('upload'),
  }[aim];
  for (const end = Date.now() + aimMsMax; Date.now() < end && !isThere();) await sleep(2);
  await sleep(random.chance(0.5) ? 0 : random.whole(0, 25));
}

function remainsIn(tenantDir: string, bucketDir: string): Remains[] {
  const found: Remains[] = [];
  if (journalBytes(join(tenantDir, journalName)) > 0) found.push('replay');
  if (namesIn(tenantDir).some((name) => name.endsWith('.tmp-for-creation'))) found.push('cut');
  if (namesIn(join(tenantDir, 'wal')).some((name) => /^checkpoint\.\d+\.tmp/.test(name))) found.push('checkpoint');
  const isUploading = namesIn(join(tenantDir, 'thanos/upload')).length > 0;
  const isHalfUploaded = namesIn(bucketDir).some((id) => isBlock(id) && !existsSync(join(bucketDir, id, 'meta.json')));
  if (isUploading || isHalfUploaded) found.push('upload');
  return found;
}

const isBlock = (name: string): boolean => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(name);

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/**
 * Every sample that promtool finds, and those of the journal, which it does not know. Blocks of the bucket never change: they are read once.
 *
 * Reading a log, promtool takes the end of the newest block for that of the newest block that was cut, also when it holds out-of-order samples: those
 * blocks are read by themselves.
 */
class DirectoryReader {
  readonly #lab: Lab;
  readonly #inBucket = new Set<string>();
  readonly #read = new Set<string>();

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  async read({ tenantDir, bucketDir }: { tenantDir?: string; bucketDir: string }): Promise<Set<string>> {
    const fresh = listBucket(bucketDir).filter(({ id }) => !this.#read.has(id));
    await this.#dump(
      fresh.map(({ dir }) => dir),
      this.#inBucket,
    );
    for (const { id } of fresh) this.#read.add(id);
    const found = new Set(this.#inBucket);
    if (tenantDir === undefined) return found;
    const blocks = listBucket(tenantDir);
    const isLate = (dir: string): boolean => readFileSync(join(dir, 'meta.json'), 'utf8').includes('from-out-of-order');
    const logs = ['wal', 'wbl', 'chunks_head'].map((name) => join(tenantDir, name)).filter((dir) => existsSync(dir));
    const inOrder = blocks.map(({ dir }) => dir).filter((dir) => !isLate(dir));
    await this.#dump([...inOrder, ...logs], found);
    await this.#dump(
      blocks.map(({ dir }) => dir).filter((dir) => isLate(dir)),
      found,
    );
    await readJournal(nodeVfs, join(tenantDir, journalName), found);
    return found;
  }

  async #dump(dirs: readonly string[], into: Set<string>): Promise<void> {
    const copy = join(this.#lab.dir, 'copy');
    mkdirSync(join(copy, 'wal'), { recursive: true }); // promtool opens no database without a log.
    for (const dir of dirs) cpSync(dir, join(copy, basename(dir)), { recursive: true });
    await readWithPromtool(copy, into);
    rmSync(copy, { recursive: true });
  }
}
