import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '@gauntlet/stack-tool';
import { listBucket } from '../bucket-blocks.js';
import { connectIngester, type IngesterClient } from '../ingester-client.js';
import type { Lab } from '../lab.js';
import { startIngester, type Ingester } from '../servers.js';
import { sampleAt, type SampleKind } from './make-samples.js';
import { promtoolTexts, readWithPromtool } from './promtool-samples.js';
import { randomOf, type Random } from './random.js';
import { SampleBook, type Verdict } from './sample-book.js';

const tenant = 'default-tenant';
const senders = 4;
const seriesPerSender = 100;
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
type Aim = 'start' | 'any' | 'cut' | 'truncate' | 'checkpoint' | 'upload';
const aims: readonly Aim[] = ['start', 'any', 'any', 'cut', 'truncate', 'checkpoint', 'upload'];

/** What a kill left half done. */
type Remains = 'start' | 'cut' | 'checkpoint' | 'upload';

export interface CampaignReport extends Verdict {
  readonly seed: number;
  readonly kills: number;
  readonly interrupted: Readonly<Record<Remains, number>>;
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
  const interrupted = { start: 0, cut: 0, checkpoint: 0, upload: 0 };
  let spawned: (child: Child) => void = () => {};
  let ingester = await startIngester(lab, {
    name: 'one',
    bucketDir,
    blockDuration: '2s',
    flags: ['--tsdb.retention=20s'],
    onSpawn: (child) => spawned(child),
  });
  const tenantDir = join(ingester.dataDir, tenant);
  traffic.connect(ingester);

  const check = async (kill: number): Promise<Verdict> => {
    const found = await readCopy(lab, [tenantDir, bucketDir]);
    const verdict = book.judge(found);
    const { lost, invented } = verdict;
    plan.onProgress(
      `${kill} of ${plan.kills} kills: ${book.acknowledged} samples acknowledged, ${found.size} found, ${lost.length} lost, ` +
        `${invented.length} invented; half done: ${JSON.stringify(interrupted)}`,
    );
    return verdict;
  };

  for (let kill = 1; kill <= plan.kills; kill++) {
    const aim = random.pick(aims);
    if (aim !== 'start') await momentOf(aim, { tenantDir, random });
    traffic.disconnect();
    await ingester.child.stop({ signal: 'SIGKILL' });
    if (aim === 'start') {
      // Another one is started only to be killed, before it is ready as a rule.
      const delayMs = random.logarithmic(20, 900);
      spawned = (child) => void sleep(delayMs).then(() => child.signal('SIGKILL'));
      const started = await ingester.restart().catch(() => undefined);
      if (started === undefined) interrupted.start += 1;
      await started?.child.ended;
      spawned = () => {};
    }
    for (const what of remainsIn(tenantDir, bucketDir)) interrupted[what] += 1;
    if (kill % plan.killsPerCheck === 0 || kill === plan.kills) {
      const verdict = await check(kill);
      if (verdict.lost.length + verdict.invented.length > 0) return report(verdict, kill);
    }
    ingester = await ingester.restart();
    traffic.connect(ingester);
  }

  await momentOf('any', { tenantDir, random });
  await traffic.stop();
  const ending = await ingester.child.stop();
  if (ending.code !== 0) throw new Error(`The ingester ended with ${ending.signal ?? ending.code}`);
  return report(book.judge(await readCopy(lab, [bucketDir])), plan.kills);

  function report(verdict: Verdict, kills: number): CampaignReport {
    return { seed: plan.seed, kills, interrupted, sent: book.sent, acknowledged: book.acknowledged, ...verdict };
  }
}

/** Senders that write without a pause whenever there is somebody to write to, each its own series. */
class Traffic {
  readonly book = new SampleBook();
  #client: IngesterClient | undefined;
  #isOver = false;
  #timestampMs = 0;
  readonly #running: Promise<unknown>;

  constructor(kinds: readonly SampleKind[], random: Random) {
    const seeds = Array.from({ length: senders }, () => random.whole(0, 2 ** 31));
    this.#running = Promise.all(seeds.map((seed, sender) => this.#send(sender, kinds, randomOf(seed))));
  }

  connect(ingester: Ingester): void {
    this.#client = connectIngester(ingester);
  }

  /** What is under way may still be acknowledged. */
  disconnect(): void {
    const client = this.#client;
    this.#client = undefined;
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
      const series = Array.from({ length: seriesPerSender }, (_, index) =>
        // A tenth of them are replaced every half minute.
        sampleAt(
          kinds[index % kinds.length] as SampleKind,
          index % 10 === 0 ? `${sender}-${index}-${generation}` : `${sender}-${index}`,
          timestampMs,
        ),
      );
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

/** Resolves at the moment to kill. */
async function momentOf(aim: Aim, { tenantDir, random }: { tenantDir: string; random: Random }): Promise<void> {
  if (aim === 'any' || aim === 'start') return sleep(random.logarithmic(50, 3000));
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

/** Every sample that promtool finds in directories of blocks, one of which may hold a log. */
async function readCopy(lab: Lab, dirs: readonly string[]): Promise<Set<string>> {
  const copy = join(lab.dir, 'copy');
  mkdirSync(join(copy, 'wal'), { recursive: true }); // promtool opens no database without a log.
  for (const dir of dirs) {
    const complete = listBucket(dir).map(({ id }) => id);
    const log = namesIn(dir).filter((name) => ['wal', 'wbl', 'chunks_head'].includes(name));
    for (const name of [...complete, ...log]) cpSync(join(dir, name), join(copy, name), { recursive: true });
  }
  const found = new Set<string>();
  await readWithPromtool(copy, found);
  rmSync(copy, { recursive: true });
  return found;
}
