/** A longer copy of a column that is full. It grows by a quarter: columns are long, and what they do not use is lost. */
export function grown<T extends Uint32Array | Float64Array | Uint16Array>(column: T): T {
  const longer = new (column.constructor as new (length: number) => T)(Math.max(256, Math.ceil(column.length * 1.25)));
  longer.set(column as never);
  return longer;
}
