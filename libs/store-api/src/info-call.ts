import { canonicalLabels } from '@gauntlet/model';
import { announcedMaxTimeMs } from './choose-tenants.js';
import { MessageWriter } from './message-writer.js';
import { StoreNotReadyError } from './store-error.js';
import type { TenantReader, TenantReaders } from './tenant-reader.js';

/** Info.Info (spec/receive.md 5.3): who we are, and which labels and times each tenant's store has. */
export function answerInfo(readers: TenantReaders): Uint8Array {
  if (!readers.isReady) throw new StoreNotReadyError('Not ready');
  const tenants = readers.all();
  const info = new MessageWriter();
  // A label set is the same bytes as canonical labels.
  const labelSets = tenants.map(({ externalLabels }) => canonicalLabels(externalLabels));
  for (const labels of distinct(labelSets)) info.bytes(1, labels);
  info.string(2, 'receive');
  info.message(3, (store) => {
    writeRange(store, { minTimeField: 1, minTimeMs: announcedMinTimeMs(tenants) });
    store.bool(3, true); // Sharding.
    store.bool(5, true); // Without replica labels.
    for (const [index, { minTimeMs }] of tenants.entries()) {
      store.message(6, (database) => {
        database.bytes(1, labelSets[index]!);
        writeRange(database, { minTimeField: 2, minTimeMs });
      });
    }
  });
  // Messages without fields say that the services are there.
  info.bytes(7, new Uint8Array());
  info.bytes(9, new Uint8Array());
  return info.view();
}

/** Who has no tenants, as a router, is asked for any time. */
function announcedMinTimeMs(tenants: readonly TenantReader[]): number {
  return tenants.length === 0 ? -Infinity : tenants.reduce((min, { minTimeMs }) => Math.min(min, minTimeMs), Infinity);
}

function writeRange(
  message: MessageWriter,
  { minTimeField, minTimeMs }: { readonly minTimeField: number; readonly minTimeMs: number },
): void {
  message.int64(minTimeField, minTimeMs);
  message.int64(minTimeField + 1, announcedMaxTimeMs);
}

function distinct(all: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(all.map((bytes) => [Buffer.from(bytes).toString('latin1'), bytes])).values()];
}
