import { constants, setPriority } from 'node:os';
import { serveHeavyWork } from '@gauntlet/tsdb';
import { nodeVfs } from '@gauntlet/vfs';

// The thread that writes blocks and checkpoints: the ingest thread hands it snapshots of heads. Where processors are short, writes go first; on Linux a
// priority is that of the thread, elsewhere it would be that of the process.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
serveHeavyWork(nodeVfs);
