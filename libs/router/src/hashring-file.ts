import { MiB } from '@gauntlet/base';
import { readBoundedFile } from '@gauntlet/vfs';
import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';

const fileBytesMax = 64 * MiB;

/** A hashring file as a port: its bytes, and a hint when they may have changed. */
export interface HashringFile {
  readonly path: string;
  read(): Promise<Uint8Array>;
  /** Calls back after changes; may call too often, or never where the file system says nothing. */
  watch(onChange: () => void, onError: (error: unknown) => void): { close(): void };
}

/**
 * Watches the directory and not the file: Kubernetes swaps a symbolic link beside it, and editors replace it, and then a
 * watched file is one that nobody sees any more.
 */
export function nodeHashringFile(path: string): HashringFile {
  return {
    path,
    read: () => readBoundedFile(path, fileBytesMax),
    watch(onChange, onError) {
      const watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
        // `..data` is the link that Kubernetes swaps.
        if (name === null || name === basename(path) || name.startsWith('..')) onChange();
      });
      watcher.on('error', onError);
      return watcher;
    },
  };
}
