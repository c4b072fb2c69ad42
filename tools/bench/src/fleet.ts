import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts, findPeer } from '@gauntlet/base/testing';
import { Child, type OrphanGuard } from '@gauntlet/stack-tool';
import { type Maker } from './bench-arguments.js';

/** A router and its ingesters, ready for load. */
export interface Fleet {
  readonly router: Child;
  readonly ingesters: readonly Child[];
  readonly url: URL;
  stop(): Promise<void>;
}

export interface FleetPlan {
  readonly maker: Maker;
  readonly replicationFactor: number;
  readonly dir: string;
  readonly appsDir: string;
  readonly guard: OrphanGuard;
}

/** As many ingesters as there are copies, so that each of them takes every sample. */
export async function startFleet({ maker, replicationFactor, dir, appsDir, guard }: FleetPlan): Promise<Fleet> {
  const children: Child[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.stop({ signal: 'SIGKILL' })));
  };
  const start = async (
    name: string,
    role: 'router' | 'ingester',
    flags: (ports: readonly number[]) => string[],
  ): Promise<{ child: Child; ports: number[] }> => {
    const ports = await findFreePorts(4);
    const [command, ...first] =
      maker === 'thanos'
        ? [findPeer('thanos') ?? 'thanos', 'receive', `--receive.capnproto-address=127.0.0.1:${ports[3]}`]
        : [process.execPath, join(appsDir, role, 'main.js')];
    mkdirSync(dir, { recursive: true });
    const listen = [
      `--http-address=127.0.0.1:${ports[0]}`,
      `--grpc-address=127.0.0.1:${ports[1]}`,
      `--label=replica="${name}"`,
    ];
    if (role === 'router' || maker === 'thanos') listen.push(`--remote-write.address=127.0.0.1:${ports[2]}`);
    const child = new Child({
      name,
      command: command as string,
      args: [...first, ...listen, ...flags(ports)],
      logFile: join(dir, `${name}.log`),
      guard,
    });
    children.push(child);
    await untilReady(child, ports[0] as number);
    return { child, ports };
  };
  try {
    const ingesters = [];
    for (let k = 0; k < replicationFactor; k++)
      ingesters.push(await start(`ingester-${k}`, 'ingester', () => [`--tsdb.path=${join(dir, `data-${k}`)}`]));
    const endpoints = ingesters.map(({ ports }) => `127.0.0.1:${ports[1]}`);
    const router = await start('router', 'router', () => [
      `--receive.hashrings=${JSON.stringify([{ endpoints }])}`,
      '--receive.hashrings-algorithm=ketama',
      `--receive.replication-factor=${replicationFactor}`,
    ]);
    return {
      router: router.child,
      ingesters: ingesters.map(({ child }) => child),
      url: new URL(`http://127.0.0.1:${router.ports[2]}/api/v1/receive`),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function untilReady(child: Child, port: number): Promise<void> {
  for (const end = Date.now() + readyMsMax; Date.now() < end && !child.ending; await sleep(100)) {
    const response = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined);
    if (response?.ok) return;
  }
  throw new Error(
    `Cannot start ${child.name}: it ${child.ending ? 'ended' : 'did not become ready'}\n${child.lastLogLines(10)}`,
  );
}

const readyMsMax = 30_000;
