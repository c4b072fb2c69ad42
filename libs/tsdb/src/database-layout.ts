/** Parts of a tenant's directory besides its blocks (spec/tsdb.md 0.1). */
export const walDir = (dir: string): string => `${dir}/wal`;
export const wblDir = (dir: string): string => `${dir}/wbl`;
export const headChunksDir = (dir: string): string => `${dir}/chunks_head`;
