import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { discovered } from './agent-cases.js';

export const agentConfigDir = join(__dirname, '../../testdata/prometheus-agent');

interface AgentConfig {
  readonly global: object;
  readonly scrape_configs: readonly ScrapeConfig[];
  readonly remote_write: readonly { readonly url: string; readonly tls_config?: object }[];
}
interface ScrapeConfig {
  readonly job_name: string;
  readonly static_configs?: readonly StaticConfig[];
}
interface StaticConfig {
  readonly targets: readonly string[];
  readonly labels?: object;
}

export interface Surroundings {
  /** Put on every series. */
  readonly agent: string;
  /** URL of the proxy that knows the hosts. */
  readonly network: string;
  /** Where `remote-write-tls/`, `remote-write-auth/` and `token` are. */
  readonly secretsDir: string;
  readonly isScraping: boolean;
}

/**
 * A configuration as its file has it, in surroundings without a cluster. URLs, queues, rules and headers stay. Other than in the file are the
 * way to hosts, where secrets lie, who tells of targets, and how often they are scraped.
 */
export function agentConfig(file: string, { agent, network, secretsDir, isScraping }: Surroundings): object {
  const text = readFileSync(join(agentConfigDir, `${file}.yml`), 'utf8')
    .replaceAll('/etc/remote-write-', `${secretsDir}/remote-write-`)
    .replaceAll('/var/run/secrets/kubernetes.io/serviceaccount', secretsDir);
  const { global, scrape_configs, remote_write } = parse(text) as AgentConfig;
  const authority = { ca_file: `${secretsDir}/remote-write-tls/ca.crt` };
  return {
    global: { ...global, scrape_interval: '500ms', scrape_timeout: '500ms' },
    scrape_configs: scrape_configs.map((job) => {
      const targets = job.static_configs ?? (discovered[job.job_name] as StaticConfig[]);
      return {
        ...job,
        kubernetes_sd_configs: [],
        proxy_url: network,
        static_configs: isScraping ? targets.map((one) => ({ ...one, labels: { ...one.labels, agent } })) : [],
      };
    }),
    remote_write: remote_write.map((queue) => ({
      ...queue,
      proxy_url: network,
      // Without one a public authority is meant, which is none of the test's.
      ...(queue.url.startsWith('https:') ? { tls_config: queue.tls_config ?? authority } : {}),
    })),
  };
}
