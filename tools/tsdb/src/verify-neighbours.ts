import type { BlockMeta } from '@gauntlet/block';
import type { Reporter } from './finding.js';

export interface BlockInPlace {
  /** Of its directory. */
  readonly name: string;
  readonly meta: BlockMeta;
}

const outOfOrder = 'from-out-of-order';

/** Invariant 26: blocks beside each other. Only blocks of one producer are compared: a bucket holds those of many. */
export function verifyNeighbours(blocks: readonly BlockInPlace[], report: Reporter): void {
  const present = new Set(blocks.map(({ name }) => name));
  for (const { name, meta } of blocks) {
    const parents = (meta.compaction.parents ?? []).map(({ ulid }) => ulid);
    for (const parent of parents.filter((ulid) => present.has(ulid)))
      report.warning(26, `${name}/meta.json`, `its parent ${parent} is still there`);
  }
  const classes = new Map<string, BlockInPlace[]>();
  for (const block of blocks) {
    const key = classOf(block.meta);
    classes.set(key, [...(classes.get(key) ?? []), block]);
  }
  for (const members of classes.values()) verifyClass(members, report);
}

function verifyClass(members: BlockInPlace[], report: Reporter): void {
  members.sort((a, b) => a.meta.minTime - b.meta.minTime);
  let last: BlockInPlace | undefined;
  for (const block of members) {
    const { minTime, maxTime, compaction } = block.meta;
    if (last !== undefined && minTime < last.meta.maxTime) {
      const found = `[${minTime}, ${maxTime}) overlaps ${last.name}, [${last.meta.minTime}, ${last.meta.maxTime})`;
      // Every compaction of out-of-order samples makes a block for each window that it finds some in.
      if (compaction.hints?.includes(outOfOrder))
        report.info(26, block.name, `${found}; both hold out-of-order samples`);
      else report.warning(26, block.name, found);
    }
    if (last === undefined || maxTime > last.meta.maxTime) last = block;
  }
}

function classOf({ compaction, thanos }: BlockMeta): string {
  const labels = Object.entries(thanos?.labels ?? {}).sort();
  return JSON.stringify([[...(compaction.hints ?? [])].sort(), labels, thanos?.downsample.resolution ?? 0]);
}
