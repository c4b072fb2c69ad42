import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

/** An app as its users start it: one file, bundled anew so that no earlier build is tested. */
export interface BundledApp {
  /** Runs it to its end, which has 20 s to come. */
  run(...args: string[]): SpawnSyncReturns<string>;
  remove(): void;
}

/** @param entry the app's `main.ts` */
export function bundleApp(entry: string): BundledApp {
  const dir = mkdtempSync(join(tmpdir(), 'app-'));
  const main = join(dir, 'main.js');
  buildSync({
    entryPoints: [entry],
    outfile: main,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    packages: 'bundle',
    loader: { '.node': 'copy' },
    logLevel: 'error',
  });
  return {
    run: (...args) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', timeout: 20_000 }),
    remove: () => rmSync(dir, { recursive: true }),
  };
}
