export { type Bucket, type ObjectAttributes, type ObjectSource } from './bucket.js';
