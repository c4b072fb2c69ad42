import { DirectoryNode, type EntryEdit, FileNode, MemoryVfs, type Node } from './memory-vfs.js';
import { errnoError } from './errno.js';

type DataChange = { readonly position: number; readonly bytes: Uint8Array } | { readonly size: number };

interface Durable {
  bytes: Uint8Array;
  /** Changes since the last sync, oldest first. */
  readonly waiting: DataChange[];
}

/**
 * A simulated disk. It works like MemoryVfs until `powerLossAt` operations were begun; from then on every call fails with EIO,
 * and `afterPowerLoss` gives the disk as the next boot finds it:
 *
 * 1. data that `datasync` covered is there, as are names that `syncDir` covered;
 * 2. of later writes, truncations, creations, renames and removals any subset is there, in their order (a rename whole or not at all);
 * 3. a write that was not synced may be there in part; file space that was never written reads as zeros.
 */
export class CrashVfs extends MemoryVfs {
  #powerLossAt: number;
  readonly #data = new Map<FileNode, Durable>();
  readonly #entries = new Map<DirectoryNode, Map<string, Node>>();
  #waiting: (readonly EntryEdit[])[] = [];
  #syncsToLose = 0;
  /** Operations begun so far. */
  operations = 0;

  constructor(
    options: { readonly powerLossAt?: number; readonly nowMs?: () => number; readonly root?: DirectoryNode } = {},
  ) {
    super(options);
    this.#powerLossAt = options.powerLossAt ?? Infinity;
    this.#adopt(this.root);
  }

  /**
   * The next `count` datasyncs fail with EIO and, as Linux does, forget the data that they should have written: it can
   * still be read, but no later sync of the file makes it durable.
   */
  loseSyncs(count: number): void {
    this.#syncsToLose = count;
  }

  /** Lets the loss come after that many more operations, if it does not come sooner. */
  losePowerIn(operations: number): void {
    this.#powerLossAt = Math.min(this.#powerLossAt, this.operations + operations);
  }

  get powerIsOff(): boolean {
    return this.operations > this.#powerLossAt;
  }

  /** What is left, on a disk with power. The same seed gives the same rest. */
  afterPowerLoss(seed: number): CrashVfs {
    const random = randomOf(seed);
    // Per crash one mood, so that "everything survived" and "nothing did" come up as often as the mixtures.
    const keepShare = [0, 0.5, 0.9, 1][Math.floor(random() * 4)] ?? 1;
    const keeps = (): boolean => random() < keepShare;

    const entries = new Map([...this.#entries].map(([directory, names]) => [directory, new Map(names)]));
    for (const edits of this.#waiting) if (keeps()) applyEdits(entries, edits);

    const copies = new Map<Node, Node>();
    const copy = (node: Node): Node => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const made =
        node.kind === 'file'
          ? new FileNode(node.modifiedMs, this.#survivor(node, keeps, random))
          : new DirectoryNode(node.modifiedMs);
      copies.set(node, made);
      if (node.kind === 'directory') {
        for (const [name, child] of entries.get(node) ?? []) (made as DirectoryNode).entries.set(name, copy(child));
      }
      return made;
    };
    return new CrashVfs({ root: copy(this.root) as DirectoryNode, nowMs: this.nowMs });
  }

  protected override before(operation: string, path: string): void {
    this.operations += 1;
    if (this.powerIsOff) throw errnoError('EIO', operation, path);
  }

  protected override write(file: FileNode, bytes: Uint8Array, position: number): void {
    // The write that the power loss interrupts counts as begun; later ones do not happen.
    if (this.powerIsOff) return;
    super.write(file, bytes, position);
    // Not `slice`: that of a Buffer is a view, and the caller may reuse what it gave.
    this.#durable(file).waiting.push({ position, bytes: Uint8Array.from(bytes) });
  }

  protected override truncate(file: FileNode, size: number): void {
    super.truncate(file, size);
    this.#durable(file).waiting.push({ size });
  }

  protected override sync(file: FileNode): void {
    const durable = this.#durable(file);
    if (this.#syncsToLose > 0) {
      this.#syncsToLose -= 1;
      durable.waiting.length = 0;
      throw errnoError('EIO', 'fdatasync', '');
    }
    const settled = new FileNode(0, durable.bytes);
    for (const change of durable.waiting) applyChange(settled, change);
    durable.bytes = settled.contents.slice();
    durable.waiting.length = 0;
  }

  protected override edit(edits: readonly EntryEdit[]): void {
    super.edit(edits);
    this.#waiting.push(edits);
  }

  protected override syncEntries(directory: DirectoryNode): void {
    this.#waiting = this.#waiting.filter((edits) => {
      const covered = edits.some((edit) => edit.directory === directory);
      if (covered) applyEdits(this.#entries, edits);
      return !covered;
    });
  }

  #survivor(file: FileNode, keeps: () => boolean, random: () => number): Uint8Array {
    const { bytes, waiting } = this.#durable(file);
    const rest = new FileNode(0, bytes.slice());
    for (const change of waiting) {
      if (!keeps()) continue;
      applyChange(rest, random() < 0.5 ? change : torn(change, random));
    }
    return rest.contents.slice();
  }

  #durable(file: FileNode): Durable {
    let durable = this.#data.get(file);
    if (durable === undefined) this.#data.set(file, (durable = { bytes: new Uint8Array(), waiting: [] }));
    return durable;
  }

  /** Takes what a new disk starts with as durable. */
  #adopt(directory: DirectoryNode): void {
    this.#entries.set(directory, new Map(directory.entries));
    for (const node of directory.entries.values()) {
      if (node.kind === 'directory') this.#adopt(node);
      else this.#data.set(node, { bytes: node.contents.slice(), waiting: [] });
    }
  }
}

function applyEdits(entries: Map<DirectoryNode, Map<string, Node>>, edits: readonly EntryEdit[]): void {
  for (const { directory, name, node } of edits) {
    let names = entries.get(directory);
    if (names === undefined) entries.set(directory, (names = new Map()));
    if (node === undefined) names.delete(name);
    else names.set(name, node);
  }
}

function applyChange(file: FileNode, change: DataChange): void {
  if ('size' in change) file.truncate(change.size);
  else file.write(change.bytes, change.position);
}

/** A piece of a write: one end of it, cut anywhere. */
function torn(change: DataChange, random: () => number): DataChange {
  if ('size' in change) return change;
  const cut = Math.floor(random() * change.bytes.length);
  if (random() < 0.8) return { position: change.position, bytes: change.bytes.subarray(0, cut) };
  return { position: change.position + cut, bytes: change.bytes.subarray(cut) };
}

/** mulberry32: small, seeded, good enough to vary tests. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
