import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPeer } from '@gauntlet/base/testing';
import { OrphanGuard } from '@gauntlet/stack-tool';
import { type Maker } from './bench-arguments.js';

/** Where the programs are. */
export interface BenchPlace {
  readonly appsDir: string;
  /** The program of a thread that reads. */
  readonly readerFile: string;
}

/** What every measurement needs. */
export interface BenchContext extends BenchPlace {
  readonly guard: OrphanGuard;
  /** Those whose programs are there. */
  readonly makers: readonly Maker[];
  readonly signal: AbortSignal;
  /** One measurement after the other; one that fails is reported, and costs no other one its row. */
  forEachMaker<T>(measure: (maker: Maker) => Promise<readonly T[]>): Promise<T[]>;
  /** Runs something in a directory that is gone afterwards. */
  inDirectory<T>(use: (dir: string) => Promise<T>): Promise<T>;
}

export function createBenchContext(
  wanted: readonly Maker[],
  { appsDir, readerFile, signal }: BenchPlace & { readonly signal: AbortSignal },
): BenchContext {
  const makers = wanted.filter((maker) => isThere(maker, appsDir));
  return {
    appsDir,
    readerFile,
    signal,
    makers,
    guard: new OrphanGuard('KILL'),
    async forEachMaker(measure) {
      const results = [];
      for (const maker of makers) {
        if (signal.aborted) break;
        try {
          results.push(...(await measure(maker)));
        } catch (error) {
          if (!signal.aborted) console.error(`${maker}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
      return results;
    },
    async inDirectory(use) {
      const dir = mkdtempSync(join(tmpdir(), 'gauntlet-bench-'));
      try {
        return await use(dir);
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
  };
}

function isThere(maker: Maker, appsDir: string): boolean {
  const found =
    maker === 'thanos'
      ? findPeer('thanos') !== undefined
      : ['router', 'ingester'].every((app) => existsSync(join(appsDir, app, 'main.js')));
  if (!found)
    console.error(
      maker === 'thanos'
        ? 'thanos is neither in PEERS_DIR nor in PATH: only ours is measured'
        : `Our apps are not in ${appsDir}: npm run build makes them`,
    );
  return found;
}
