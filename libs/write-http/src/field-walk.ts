import { invariant } from '@gauntlet/base';

/** Walks over the fields of a protobuf message that a scan has found sound. One walk serves many messages, and makes no objects. */
export class FieldWalk {
  /** Of the field that the walk is at: its number, where its tag begins, where its content begins (if it has a length), and where it ends. */
  number = 0;
  start = 0;
  contentStart = 0;
  end = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #messageEnd = 0;

  enter(bytes: Uint8Array, from: number, to: number): void {
    this.#bytes = bytes;
    this.end = from;
    this.#messageEnd = to;
  }

  next(): boolean {
    this.start = this.end;
    if (this.start >= this.#messageEnd) return false;
    let type = this.#tag();
    const { number } = this;
    for (let depth = 0; ; type = this.#tag()) {
      if (type === 0) this.#varint();
      else if (type === 1) this.end += 8;
      else if (type === 2) this.#skipContent();
      else if (type === 3) depth += 1;
      else if (type === 4) depth -= 1;
      else this.end += 4;
      invariant(depth >= 0 && this.end <= this.#messageEnd, 'a scanned message has whole fields');
      if (depth === 0) break;
    }
    this.number = number;
    return true;
  }

  /** @returns the wire type. Numbers keep their low 32 bits, which together with the type's are in the first five bytes. */
  #tag(): number {
    const start = this.end;
    const type = this.#varint() & 7;
    let number = 0;
    for (let at = start, scale = 1; at < this.end && at < start + 5; at += 1, scale *= 128)
      number += (this.#bytes[at]! & 0x7f) * scale;
    this.number = Math.floor(number / 8) % 2 ** 32;
    return type;
  }

  #skipContent(): void {
    const length = this.#varint();
    this.contentStart = this.end;
    this.end += length;
  }

  /** The low 32 bits of a varint: all of a length within a message. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.end];
      invariant(byte !== undefined, 'a scanned message has whole fields');
      this.end += 1;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    invariant(false, 'a scanned message has varints of ten bytes at most');
  }
}
