export { benchTable, medianCell, type Cell } from './bench-table.js';
