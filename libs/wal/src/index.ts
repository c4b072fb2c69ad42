export { type WalOptions, type WalPosition, type WalWriter } from './wal.js';
