import { parentPort, workerData } from 'node:worker_threads';
import { runReader, type ReaderPlan } from './reader-thread.js';

// A thread that reads: in the thread that writes, what it takes would count as latency of writes.
if (parentPort) runReader(workerData as ReaderPlan, parentPort);
