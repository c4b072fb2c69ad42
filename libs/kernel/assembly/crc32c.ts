// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), sixteen bytes a step by sixteen tables.

const tableCount: i32 = 16;
/** Table k, entry b: the checksum of byte b followed by k zero bytes. 16 KiB, filled when the module starts. */
const tables: usize = memory.data(16 * 256 * 4, 16);

function fillTables(): void {
  for (let byte: u32 = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >> 1) ^ (0x82f63b78 & (0 - (crc & 1)));
    store<u32>(tables + (byte << 2), crc);
  }
  for (let table: usize = 1; table < <usize>tableCount; table += 1) {
    for (let byte: usize = 0; byte < 256; byte += 1) {
      const before = load<u32>(tables + ((table - 1) << 10) + (byte << 2));
      store<u32>(tables + (table << 10) + (byte << 2), (before >> 8) ^ load<u32>(tables + ((before & 0xff) << 2)));
    }
  }
}
fillTables();

// @ts-ignore: decorator
@inline
function entry(table: usize, byte: u32): u32 {
  return load<u32>(tables + (table << 10) + ((byte & 0xff) << 2));
}

/** Checksum of `length` bytes at `at`, continuing from `crc`, the checksum of what came before (0 at the start). */
export function crc32c(crc: u32, at: usize, length: usize): u32 {
  const end = at + length;
  crc = ~crc;
  while (at + 16 <= end) {
    const a = load<u64>(at) ^ <u64>crc;
    const b = load<u64>(at, 8);
    const a0 = <u32>a;
    const a1 = <u32>(a >> 32);
    const b0 = <u32>b;
    const b1 = <u32>(b >> 32);
    crc =
      entry(15, a0) ^ entry(14, a0 >> 8) ^ entry(13, a0 >> 16) ^ entry(12, a0 >> 24) ^
      entry(11, a1) ^ entry(10, a1 >> 8) ^ entry(9, a1 >> 16) ^ entry(8, a1 >> 24) ^
      entry(7, b0) ^ entry(6, b0 >> 8) ^ entry(5, b0 >> 16) ^ entry(4, b0 >> 24) ^
      entry(3, b1) ^ entry(2, b1 >> 8) ^ entry(1, b1 >> 16) ^ entry(0, b1 >> 24);
    at += 16;
  }
  while (at < end) {
    crc = (crc >> 8) ^ entry(0, crc ^ <u32>load<u8>(at));
    at += 1;
  }
  return ~crc;
}
