import { serveHeavyWork } from '@gauntlet/tsdb';
import { nodeVfs } from '@gauntlet/vfs';

// The thread that writes blocks and checkpoints: the ingest thread hands it snapshots of heads.
serveHeavyWork(nodeVfs);
