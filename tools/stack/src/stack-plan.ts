import { join } from 'node:path';

/** A process of the stack and where it listens. */
export interface MemberPlan {
  readonly name: string;
  readonly app: 'router' | 'ingester';
  readonly http: string;
  readonly ports: readonly PortUse[];
  readonly flags: readonly string[];
}
export interface PortUse {
  readonly port: number;
  readonly use: string;
}
export interface StackPlan {
  readonly members: readonly MemberPlan[];
  readonly remoteWriteUrl: string;
  readonly bucketDir: string;
  readonly logDir: string;
  readonly dirs: readonly string[];
}

/** Who listens where, with which flags. The router has Thanos' own ports; ingesters follow in tens. */
export function planStack({ dataDir, portOffset }: { dataDir: string; portOffset: number }): StackPlan {
  const at = (port: number): string => `127.0.0.1:${port + portOffset}`;
  const bucketDir = join(dataDir, 'bucket');
  const ingesters = [1, 2, 3].map((number): MemberPlan & { grpc: string } => {
    const grpcPort = 10_901 + number * 10;
    const tsdb = join(dataDir, `ingester-${number}`);
    return {
      name: `ingester-${number}`,
      app: 'ingester',
      http: at(grpcPort + 1),
      grpc: at(grpcPort),
      ports: [
        { port: grpcPort + portOffset, use: `gRPC of ingester-${number}` },
        { port: grpcPort + 1 + portOffset, use: `HTTP of ingester-${number}` },
        { port: grpcPort + 2 + portOffset, use: `remote write of ingester-${number}` },
      ],
      flags: [
        `--grpc-address=${at(grpcPort)}`,
        `--http-address=${at(grpcPort + 1)}`,
        `--remote-write.address=${at(grpcPort + 2)}`,
        `--tsdb.path=${tsdb}`,
        `--label=replica="ingester-${number}"`,
        `--objstore.config=${JSON.stringify({ type: 'FILESYSTEM', config: { directory: bucketDir } })}`,
      ],
    };
  });
  const router: MemberPlan = {
    name: 'router',
    app: 'router',
    http: at(10_902),
    ports: [
      { port: 19_291 + portOffset, use: 'remote write of the router' },
      { port: 10_901 + portOffset, use: 'gRPC of the router' },
      { port: 10_902 + portOffset, use: 'HTTP of the router' },
    ],
    flags: [
      `--remote-write.address=${at(19_291)}`,
      `--grpc-address=${at(10_901)}`,
      `--http-address=${at(10_902)}`,
      '--label=router="local"',
      `--receive.hashrings=${JSON.stringify([{ hashring: 'local', endpoints: ingesters.map(({ grpc }) => grpc) }])}`,
      '--receive.hashrings-algorithm=ketama',
      '--receive.replication-factor=3',
    ],
  };
  return {
    members: [...ingesters, router],
    remoteWriteUrl: `http://${at(19_291)}/api/v1/receive`,
    bucketDir,
    logDir: join(dataDir, 'logs'),
    dirs: [bucketDir, join(dataDir, 'logs'), ...[1, 2, 3].map((number) => join(dataDir, `ingester-${number}`))],
  };
}

/** What is printed once everything runs. */
export function welcomeText({ members, remoteWriteUrl, bucketDir, logDir }: StackPlan): string {
  return [
    `remote write   ${remoteWriteUrl}`,
    ...members.map(({ name, http }) => `${name.padEnd(14)} http://${http}/metrics   http://${http}/-/ready`),
    `bucket         ${bucketDir}`,
    `logs           ${logDir}`,
    '',
    'To send from a Prometheus of your own, add this to its configuration:',
    '',
    '  remote_write:',
    `    - url: ${remoteWriteUrl}`,
    '',
    'Ctrl-C flushes, uploads and ends everything.',
  ].join('\n');
}
