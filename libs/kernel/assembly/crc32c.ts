// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), sixteen bytes a step by sixteen tables.
//
// Each step waits for the one before, so long runs are cut into lanes whose steps do not wait for each other. Their
// checksums are put together by what a lane of zero bytes does to a checksum, which is linear, hence four more tables.

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

/** Bytes of one lane. Shorter ones pay for putting together, longer ones leave more to the slow rest. */
const laneBytes: usize = 1024;
/** Table k, entry b: what becomes of the checksum b << 8k over a lane of zero bytes. */
const laneTables: usize = memory.data(4 * 256 * 4, 16);

function fillLaneTables(): void {
  for (let bit: u32 = 0; bit < 32; bit += 1) {
    let crc: u32 = 1 << bit;
    for (let at: usize = 0; at < laneBytes; at += 16) crc = step(crc, 0, 0);
    const table = laneTables + (<usize>(bit >> 3) << 10);
    const low: usize = 1 << (bit & 7);
    for (let byte: usize = 0; byte < low; byte += 1) store<u32>(table + ((low + byte) << 2), load<u32>(table + (byte << 2)) ^ crc);
  }
}

fillTables();
fillLaneTables();

/** What becomes of `crc` over a lane of zero bytes. */
// @ts-ignore: decorator
@inline
function passLane(crc: u32): u32 {
  return (
    load<u32>(laneTables + ((crc & 0xff) << 2)) ^
    load<u32>(laneTables + (((crc >> 8) & 0xff) << 2), 1024) ^
    load<u32>(laneTables + (((crc >> 16) & 0xff) << 2), 2048) ^
    load<u32>(laneTables + ((crc >> 24) << 2), 3072)
  );
}

// @ts-ignore: decorator
@inline
function entry(table: usize, byte: u32): u32 {
  return load<u32>(tables + (table << 10) + ((byte & 0xff) << 2));
}

/** Moves `crc` over sixteen bytes. */
// @ts-ignore: decorator
@inline
function step(crc: u32, first: u64, second: u64): u32 {
  const a0 = <u32>first ^ crc;
  const a1 = <u32>(first >> 32);
  const b0 = <u32>second;
  const b1 = <u32>(second >> 32);
  return (
    entry(15, a0) ^ entry(14, a0 >> 8) ^ entry(13, a0 >> 16) ^ entry(12, a0 >> 24) ^
    entry(11, a1) ^ entry(10, a1 >> 8) ^ entry(9, a1 >> 16) ^ entry(8, a1 >> 24) ^
    entry(7, b0) ^ entry(6, b0 >> 8) ^ entry(5, b0 >> 16) ^ entry(4, b0 >> 24) ^
    entry(3, b1) ^ entry(2, b1 >> 8) ^ entry(1, b1 >> 16) ^ entry(0, b1 >> 24)
  );
}

/** Checksum of `length` bytes at `at`, continuing from `crc`, the checksum of what came before (0 at the start). */
export function crc32c(crc: u32, at: usize, length: usize): u32 {
  const end = at + length;
  crc = ~crc;
  while (at + 3 * laneBytes <= end) {
    let second: u32 = 0;
    let third: u32 = 0;
    const laneEnd = at + laneBytes;
    while (at < laneEnd) {
      crc = step(crc, load<u64>(at), load<u64>(at, 8));
      second = step(second, load<u64>(at, laneBytes), load<u64>(at, laneBytes + 8));
      third = step(third, load<u64>(at, 2 * laneBytes), load<u64>(at, 2 * laneBytes + 8));
      at += 16;
    }
    crc = passLane(passLane(crc) ^ second) ^ third;
    at += 2 * laneBytes;
  }
  while (at + 16 <= end) {
    crc = step(crc, load<u64>(at), load<u64>(at, 8));
    at += 16;
  }
  while (at < end) {
    crc = (crc >> 8) ^ entry(0, crc ^ <u32>load<u8>(at));
    at += 1;
  }
  return ~crc;
}
