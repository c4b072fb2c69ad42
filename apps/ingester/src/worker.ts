import { serveBlockCuts } from '@gauntlet/tsdb';
import { nodeVfs } from '@gauntlet/vfs';

// The thread that writes blocks: the ingest thread hands it snapshots of heads.
serveBlockCuts(nodeVfs);
