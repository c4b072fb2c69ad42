import { accessSync, constants } from 'node:fs';
import { delimiter, resolve } from 'node:path';

/** Real programs that our code is tried with. */
export type Peer = 'prometheus' | 'promtool' | 'thanos' | 'minio';

/** With `GAUNTLET_REQUIRE_PEERS=1` a peer that is not there fails its tests instead of skipping them. */
export const peersRequired = process.env['GAUNTLET_REQUIRE_PEERS'] === '1';

/** Where a peer's program is: in `PEERS_DIR`, else on the `PATH`. */
export function findPeer(peer: Peer): string | undefined {
  const folders = [process.env['PEERS_DIR'] ?? '', ...(process.env['PATH'] ?? '').split(delimiter)].filter(
    (folder) => folder !== '',
  );
  return folders.map((folder) => resolve(folder, peer)).find(isExecutable);
}

/** As `findPeer`; but a peer that is nowhere is reported on stderr, and is an error when peers are required. */
export function peerOrSkip(peer: Peer): string | undefined {
  const program = findPeer(peer);
  if (program !== undefined) return program;
  if (peersRequired)
    throw new Error(`Cannot find ${peer}: neither in PEERS_DIR nor on the PATH, and GAUNTLET_REQUIRE_PEERS=1`);
  process.stderr.write(`skipped: tests against ${peer}, which is neither in PEERS_DIR nor on the PATH\n`);
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
