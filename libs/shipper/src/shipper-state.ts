import { replaceFileDurable, type Vfs } from '@gauntlet/vfs';
import { z } from 'zod';

export const stateFileName = 'thanos.shipper.json';
const stateVersion = 1;

const stateKeys = z.object({ version: z.literal(stateVersion), uploaded: z.array(z.string()).nullish() });

/** The blocks that the state file lists. Missing, unreadable or of another version, it is empty: the bucket is asked again. */
export async function readState(vfs: Vfs, dir: string): Promise<string[]> {
  try {
    return (
      stateKeys.parse(JSON.parse(Buffer.from(await vfs.readFile(`${dir}/${stateFileName}`)).toString())).uploaded ?? []
    );
  } catch {
    return [];
  }
}

/** Replaces the state file; after power loss it is the old one or the new one. */
export async function writeState(vfs: Vfs, dir: string, uploaded: readonly string[]): Promise<void> {
  await replaceFileDurable(
    vfs,
    `${dir}/${stateFileName}`,
    Buffer.from(JSON.stringify({ version: stateVersion, uploaded }, null, '\t')),
  );
}
