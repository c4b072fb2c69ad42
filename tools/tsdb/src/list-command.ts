import { type BlockMeta, parseBlockMeta } from '@gauntlet/block';
import { isUlid } from '@gauntlet/model';
import type { Vfs } from '@gauntlet/vfs';
import type { ListArguments } from './tsdb-arguments.js';
import type { Terminal } from './verify-command.js';

interface ListedBlock {
  readonly id: string;
  readonly meta: BlockMeta;
  readonly bytes: number;
}

const header = ['BLOCK ULID', 'MIN TIME', 'MAX TIME', 'DURATION', 'NUM SAMPLES', 'NUM CHUNKS', 'NUM SERIES', 'SIZE'];

/** Prints a tenant's blocks in the columns of `promtool tsdb list`. */
export async function listCommand(
  { dir, humanReadable }: ListArguments,
  vfs: Vfs,
  { line }: Terminal,
): Promise<number> {
  const blocks = await findBlocks(vfs, dir);
  const rows = blocks.map(({ id, meta, bytes }) => [
    id,
    humanReadable ? dateText(meta.minTime) : String(meta.minTime),
    humanReadable ? dateText(meta.maxTime) : String(meta.maxTime),
    durationText(meta.maxTime - meta.minTime),
    String(meta.stats.numSamples ?? 0),
    String(meta.stats.numChunks ?? 0),
    String(meta.stats.numSeries ?? 0),
    humanReadable ? bytesText(bytes) : String(bytes),
  ]);
  for (const text of columns([header, ...rows])) line(text);
  return 0;
}

/** By time, as the database orders them. */
async function findBlocks(vfs: Vfs, dir: string): Promise<ListedBlock[]> {
  const blocks: ListedBlock[] = [];
  for (const { name, kind } of await vfs.readDir(dir)) {
    if (kind !== 'directory' || !isUlid(name) || (await vfs.stat(`${dir}/${name}/meta.json`)) === undefined) continue;
    const meta = parseBlockMeta(Buffer.from(await vfs.readFile(`${dir}/${name}/meta.json`)).toString('utf8'));
    blocks.push({ id: meta.ulid, meta, bytes: await sizeOf(vfs, `${dir}/${name}`) });
  }
  return blocks.sort((a, b) => a.meta.minTime - b.meta.minTime);
}

/** Index, chunks, tombstones and meta.json; whatever else lies there does not count. */
async function sizeOf(vfs: Vfs, dir: string): Promise<number> {
  let bytes = 0;
  for (const name of ['index', 'tombstones', 'meta.json']) bytes += (await vfs.stat(`${dir}/${name}`))?.size ?? 0;
  if ((await vfs.stat(`${dir}/chunks`)) === undefined) return bytes;
  for (const { name } of await vfs.readDir(`${dir}/chunks`))
    bytes += (await vfs.stat(`${dir}/chunks/${name}`))?.size ?? 0;
  return bytes;
}

/** Columns of at least 13 characters, two spaces apart, the last one without an end. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((_, column) => Math.max(11, ...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]! + 2))).join(''),
  );
}

/** `2023-11-14 22:13:20 +0000 UTC`, to the second: promtool cuts milliseconds off. */
function dateText(timeMs: number): string {
  return new Date(Math.floor(timeMs / 1000) * 1000).toISOString().replace('T', ' ').replace('.000Z', ' +0000 UTC');
}

/** `1h58m40s`, `2h0m0.001s`, `1ms` */
export function durationText(milliseconds: number): string {
  if (milliseconds < 0) return `-${durationText(-milliseconds)}`;
  if (milliseconds === 0) return '0s';
  if (milliseconds < 1000) return `${milliseconds}ms`;
  const hours = Math.floor(milliseconds / 3_600_000);
  const minutes = Math.floor(milliseconds / 60_000) % 60;
  const seconds = `${(milliseconds % 60_000) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

/** `14KiB339B` */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let text = '';
  for (let rest = bytes, unit = 0; rest > 0 && unit < units.length; rest = Math.floor(rest / 1024), unit += 1) {
    const count = unit === units.length - 1 ? rest : rest % 1024;
    if (count > 0) text = `${count}${units[unit]}${text}`;
  }
  return text === '' ? '0B' : text;
}
