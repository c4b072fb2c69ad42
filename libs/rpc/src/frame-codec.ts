/**
 * Framed snappy (stream identifier, chunks, CRC-32C), handed in by the app, since this library knows no format.
 */
export interface FrameCodec {
  /** The bytes as one framed stream. */
  encode(bytes: Uint8Array): Buffer;
  /** Throws an `OperationalError` for anything that is no framed stream, or that would be longer than `bytesMax`. */
  decode(bytes: Uint8Array, bytesMax: number): Buffer;
}
