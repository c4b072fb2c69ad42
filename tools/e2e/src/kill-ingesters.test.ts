import { join } from 'node:path';
import { endToEnd, waitFor } from './lab.js';
import { promtoolDump } from './promtool.js';
import { remoteWrite, type Answer } from './remote-write-client.js';
import { SampleLedger, sampleRound } from './sample-ledger.js';
import { startIngester, startRouter, type Ingester } from './servers.js';

const senders = 4;
const series = 50;

/** Writes without a pause until it is told to stop, each sender its own series, and keeps every answer. */
class Traffic {
  readonly ledger = new SampleLedger();
  readonly answers: { atMs: number; endMs: number; answer: Answer }[] = [];
  readonly #running: Promise<unknown>;
  #over = false;

  constructor(url: string) {
    this.#running = Promise.all(Array.from({ length: senders }, (_, sender) => this.#send(url, sender)));
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#running;
  }

  /** The answers to requests that started after one moment and ended before the other. */
  between(fromMs: number, toMs = Infinity): Answer[] {
    return this.answers.filter(({ atMs, endMs }) => atMs >= fromMs && endMs <= toMs).map(({ answer }) => answer);
  }

  async #send(url: string, sender: number): Promise<void> {
    for (let round = 0, lastMs = 0; !this.#over; round++) {
      lastMs = Math.max(lastMs + 1, Date.now());
      const body = sampleRound({ kind: `kill_${sender}`, series, timestampMs: lastMs, value: round });
      const atMs = Date.now();
      const answer = await remoteWrite(url, body);
      this.answers.push({ atMs, endMs: Date.now(), answer });
      if (answer.status === 200) this.ledger.add(body);
    }
  }
}

const statuses = (answers: readonly Answer[]): number[] => [...new Set(answers.map(({ status }) => status))];

endToEnd(
  'one of three ingesters killed: no write fails; two: every write gets 503; afterwards every accepted sample is on two of three',
  { needs: ['promtool'], timeoutMs: 90_000 },
  async (lab) => {
    let ingesters: Ingester[] = await Promise.all(['one', 'two', 'three'].map((name) => startIngester(lab, { name })));
    const router = await startRouter(lab, { ingesters: ingesters.map(({ grpc }) => grpc), replicationFactor: 3 });
    const traffic = new Traffic(router.remoteWriteUrl);
    const after = async (count: number): Promise<void> => {
      const fromMs = Date.now();
      await waitFor(() => traffic.between(fromMs).length >= count, {
        timeoutMs: 20_000,
        what: `${count} more answers`,
      });
    };

    await after(40);
    await ingesters[0]?.child.stop({ signal: 'SIGKILL' });
    await after(80);
    expect(statuses(traffic.between(0))).toEqual([200]);

    await ingesters[1]?.child.stop({ signal: 'SIGKILL' });
    const twoDownMs = Date.now();
    await after(40);
    expect(statuses(traffic.between(twoDownMs, Date.now()))).toEqual([503]);

    const alive = ingesters[2] as Ingester;
    const restarted = await Promise.all(ingesters.slice(0, 2).map((ingester) => ingester.restart()));
    ingesters = [...restarted, alive];
    await waitFor(() => traffic.answers.at(-1)?.answer.status === 200, {
      timeoutMs: 20_000,
      what: 'writes to succeed again',
    });
    await after(40);
    await traffic.stop();

    // Killed once more, all at once: what counts is in their logs, not in what an orderly end would still write.
    await Promise.all(ingesters.map(({ child }) => child.stop({ signal: 'SIGKILL' })));
    const dumps = [];
    for (const { dataDir } of ingesters) dumps.push(await promtoolDump(join(dataDir, 'default-tenant')));
    expect(traffic.ledger.count).toBeGreaterThan(160 * series);
    expect(traffic.ledger.missing(dumps, 2).slice(0, 5)).toEqual([]);
  },
);
