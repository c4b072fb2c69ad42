import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts, findPeer } from '@gauntlet/base/testing';
import { Child, type OrphanGuard } from '@gauntlet/stack-tool';
import { type Maker } from './bench-arguments.js';

/** A router and its ingesters, ready for load. */
export interface Fleet {
  readonly router: Member;
  readonly ingesters: readonly Member[];
  /** Remote write to the router. */
  readonly url: URL;
  /** Remote write to each ingester without the router, for itself alone. */
  readonly ingesterUrls: readonly URL[];
  stop(): Promise<void>;
}

export interface FleetPlan {
  readonly maker: Maker;
  readonly replicationFactor: number;
  readonly dir: string;
  readonly appsDir: string;
  readonly guard: OrphanGuard;
  /** Of each ingester, beside those that every one has. */
  readonly ingesterFlags?: readonly string[];
}

/** A program at its addresses and on its directory, which may be ended and started again. */
export class Member {
  readonly name: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  /** Where its data is, when it has any. */
  readonly dataDir: string;
  readonly #start: (logFile: string) => Child;
  readonly #logDir: string;
  #starts = 0;
  #child: Child | undefined;

  constructor(
    place: Pick<Member, 'name' | 'httpPort' | 'grpcPort' | 'dataDir'> & { readonly logDir: string },
    start: (logFile: string) => Child,
  ) {
    this.name = place.name;
    this.httpPort = place.httpPort;
    this.grpcPort = place.grpcPort;
    this.dataDir = place.dataDir;
    this.#logDir = place.logDir;
    this.#start = start;
  }

  /** Once more, when it has ended. Does not wait until it is ready. */
  start(): Child {
    this.#starts += 1;
    this.#child = this.#start(join(this.#logDir, `${this.name}-${this.#starts}.log`));
    return this.#child;
  }

  get child(): Child {
    if (this.#child === undefined) throw new Error(`Cannot use ${this.name}: it was not started`);
    return this.#child;
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Of the run that was started last. */
  get logFile(): string {
    return this.child.logFile;
  }

  async untilReady(msMax = readyMsMax): Promise<void> {
    for (const end = Date.now() + msMax; Date.now() < end && !this.child.ending; await sleep(20))
      if (await isReady(this.httpPort)) return;
    throw new Error(
      `Cannot start ${this.name}: it ${this.child.ending ? 'ended' : 'did not become ready'}\n${this.child.lastLogLines(10)}`,
    );
  }

  async metrics(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.httpPort}/metrics`, { signal: AbortSignal.timeout(30_000) });
    return response.text();
  }

  async stop(how?: { signal?: NodeJS.Signals; graceMs?: number }): Promise<void> {
    await this.#child?.stop(how);
  }
}

/** As many ingesters as there are copies, so that each of them takes every sample. */
export async function startFleet({
  maker,
  replicationFactor,
  dir,
  appsDir,
  guard,
  ingesterFlags = [],
}: FleetPlan): Promise<Fleet> {
  const members: Member[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.stop({ signal: 'SIGKILL' })));
  };
  const start = async (
    name: string,
    role: 'router' | 'ingester',
    flags: (dataDir: string) => readonly string[],
  ): Promise<{ member: Member; writePort: number }> => {
    const ports = await findFreePorts(4);
    const [httpPort, grpcPort, writePort, capnprotoPort] = ports as [number, number, number, number];
    const [command, ...first] =
      maker === 'thanos'
        ? [findPeer('thanos') ?? 'thanos', 'receive', `--receive.capnproto-address=127.0.0.1:${capnprotoPort}`]
        : [process.execPath, join(appsDir, role, 'main.js')];
    mkdirSync(dir, { recursive: true });
    const listen = [
      `--http-address=127.0.0.1:${httpPort}`,
      `--grpc-address=127.0.0.1:${grpcPort}`,
      `--remote-write.address=127.0.0.1:${writePort}`,
      `--label=replica="${name}"`,
    ];
    const dataDir = join(dir, `data-${name}`);
    const args = [...first, ...listen, ...flags(dataDir)];
    const member = new Member(
      { name, httpPort, grpcPort, dataDir, logDir: dir },
      (logFile) => new Child({ name, command: command as string, args, logFile, guard }),
    );
    members.push(member);
    member.start();
    await member.untilReady();
    return { member, writePort };
  };
  try {
    const ingesters: Member[] = [];
    const ingesterUrls: URL[] = [];
    for (let k = 0; k < replicationFactor; k++) {
      const { member, writePort } = await start(`ingester-${k}`, 'ingester', (dataDir) => [
        `--tsdb.path=${dataDir}`,
        ...ingesterFlags,
      ]);
      ingesters.push(member);
      ingesterUrls.push(writeUrl(writePort));
    }
    const endpoints = ingesters.map(({ grpcPort }) => `127.0.0.1:${grpcPort}`);
    const { member: router, writePort } = await start('router', 'router', () => [
      `--receive.hashrings=${JSON.stringify([{ endpoints }])}`,
      '--receive.hashrings-algorithm=ketama',
      `--receive.replication-factor=${replicationFactor}`,
    ]);
    return { router, ingesters, url: writeUrl(writePort), ingesterUrls, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const writeUrl = (port: number): URL => new URL(`http://127.0.0.1:${port}/api/v1/receive`);

export async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/-/ready`, { signal: AbortSignal.timeout(2000) }).catch(
    () => undefined,
  );
  return response?.ok ?? false;
}

const readyMsMax = 30_000;
