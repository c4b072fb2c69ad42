import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Peer } from '@gauntlet/base/testing';
import { peerCommand } from './servers.js';

/** Series as promtool writes them, `{__name__="up", job="x"}`, to samples in time order, `[timestampMs, value as text]`. */
export type Dump = Map<string, (readonly [timestampMs: number, value: string])[]>;

export interface DumpRange {
  readonly match?: string;
  readonly minTime?: number;
  readonly maxTime?: number;
}

/** All samples of a database directory, blocks and WAL. The directory is not changed; no process may have it open. */
export async function promtoolDump(dir: string, { match, minTime, maxTime }: DumpRange = {}): Promise<Dump> {
  const flags = [
    match === undefined ? [] : [`--match=${match}`],
    minTime === undefined ? [] : [`--min-time=${minTime}`],
    maxTime === undefined ? [] : [`--max-time=${maxTime}`],
  ].flat();
  return parseDump(await runPeer('promtool', ['tsdb', 'dump', ...flags, dir]));
}

export function parseDump(text: string): Dump {
  const dump: Dump = new Map();
  for (const line of text.split('\n')) {
    const match = /^(\{.*\}) (\S+) (-?\d+)$/.exec(line);
    if (!match) continue;
    const series = match[1] as string;
    const samples = dump.get(series) ?? [];
    samples.push([Number(match[3]), match[2] as string]);
    dump.set(series, samples);
  }
  for (const samples of dump.values()) samples.sort(([a], [b]) => a - b);
  return dump;
}

export const countSamples = (dump: Dump): number =>
  [...dump.values()].reduce((sum, samples) => sum + samples.length, 0);

/** What the second has otherwise, in words; empty when they agree. Kept short: a failing test would print thousands of lines. */
export function differences(expected: Dump, actual: Dump): string[] {
  const found: string[] = [];
  for (const series of new Set([...expected.keys(), ...actual.keys()])) {
    const want = JSON.stringify(expected.get(series) ?? []);
    const got = JSON.stringify(actual.get(series) ?? []);
    if (want !== got)
      found.push(
        `${series}: expected ${(expected.get(series) ?? []).length} samples ${want.slice(-120)}, found ${(actual.get(series) ?? []).length} ${got.slice(-120)}`,
      );
  }
  return found.length > 5 ? [...found.slice(0, 5), `and ${found.length - 5} more`] : found;
}

/** Runs a peer to its end and gives what it printed; throws with that when it fails. */
export async function runPeer(peer: Peer, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(peerCommand(peer)[0], args, { maxBuffer: 1 << 30, timeout: 60_000 });
  return stdout;
}
