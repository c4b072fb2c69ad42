import type { ByteSource } from '@gauntlet/block';
import type { Vfs, VfsFile } from '@gauntlet/vfs';
import { KiB } from '@gauntlet/base';

/** What a walk through a file reads at once. */
const windowBytes = 256 * KiB;

/**
 * A file, read in windows, for who walks through it from front to back. It holds one window, or what was asked for when that is
 * more; bytes it gave stay valid.
 */
export class FileSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #file: VfsFile;
  #window: Uint8Array = new Uint8Array();
  #from = 0;

  private constructor(name: string, file: VfsFile, size: number) {
    this.name = name;
    this.size = size;
    this.#file = file;
  }

  /** @param name for messages */
  static async open(vfs: Vfs, path: string, name: string): Promise<FileSource> {
    const file = await vfs.open(path, 'read');
    return new FileSource(name, file, await file.size());
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (offset < this.#from || offset + length > this.#from + this.#window.length) {
      const wanted = Math.min(Math.max(length, windowBytes), this.size - offset);
      const bytes = new Uint8Array(Math.max(0, wanted));
      const read = await this.#file.read(bytes, offset);
      this.#window = bytes.subarray(0, read);
      this.#from = offset;
    }
    return this.#window.subarray(offset - this.#from, offset - this.#from + length);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
