import type { AttachedChunk, ChunkSink, HeadChunk, SinkChunk } from '../head.js';
import { chunkSampleCount } from '@gauntlet/chunk';

/** Head chunk files as a list. */
export class MemorySink implements ChunkSink {
  hasRoom = true;
  readonly chunks: (SinkChunk & { readonly file: number; readonly offset: number })[] = [];
  file = 1;
  #offset = 8;

  append(chunk: SinkChunk) {
    const position = { file: this.file, offset: this.#offset };
    this.#offset += chunk.data.length + 33;
    this.chunks.push({ ...chunk, data: chunk.data.slice(), ...position });
    return position;
  }

  /** What a start finds. */
  attached(): AttachedChunk[] {
    return this.chunks.map(({ data, file, offset, ...chunk }) => ({
      ...chunk,
      position: { file, offset },
      dataLength: data.length,
      sampleCount: chunkSampleCount(chunk.encoding, data),
    }));
  }

  read({ file, offset }: NonNullable<HeadChunk['stored']>): Uint8Array {
    const found = this.chunks.find((chunk) => chunk.file === file && chunk.offset === offset);
    if (found === undefined) throw new Error(`no chunk at ${String(file)} ${String(offset)}`);
    return found.data;
  }
}
