import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTestAuthority } from '@gauntlet/tls/testing';
import { seriesText } from './crash/sample-text.js';
import { endToEnd, waitFor, type Lab } from './lab.js';
import { agentCases, agentFamilies, targetSeries, type AgentCase, type ServedSeries } from './senders/agent-cases.js';
import { agentConfig, agentConfigDir } from './senders/agent-config.js';
import { serveIngress, type Ingress } from './senders/ingress.js';
import { serveNames } from './senders/name-network.js';
import { serveScrapes, type ScrapeTarget } from './senders/scrape-target.js';
import { sentCounts } from './senders/sent-counts.js';
import { replicaLabel, storedExemplars, storedSamples } from './senders/stored-series.js';
import type { TestServer } from './senders/test-server.js';
import { startIngester, startPrometheus, startRouter, targetsAtOnce, type Ingester, type Server } from './servers.js';

const roundsMin = 5;
const login = { username: 'remote-write', password: 'example-password' };
const token = 'token-of-a-service-account';
const names = {
  balancer: 'thanos-receive-lb.monitoring.svc.cluster.local',
  ingress: 'thanos-receive.monitoring.svc.cluster.local',
  router: 'thanos-routing-receiver.monitor.svc.cluster.local',
};
const tenants = [...new Set(agentCases.flatMap((one) => Object.keys(one.tenants)))];

test('every configuration has a case', () => {
  const files = readdirSync(agentConfigDir).map((name) => name.replace('.yml', ''));
  expect(agentCases.map(({ file }) => file).sort()).toEqual(files.sort());
});

endToEnd(
  'agents with the queues, rules, tenants and certificates of the guides fail no sample, and all of it is where it belongs',
  { needs: ['prometheus'], timeoutMs: 90_000 },
  async (lab) => {
    const { servers, stack } = await startStack(lab);
    try {
      const agents = await Promise.all(agentCases.map((one) => startAgent(lab, one, stack, servers)));
      await Promise.all(agents.map((agent) => agent.scraped()));
      for (const agent of agents) agent.stopScrapes();
      await Promise.all(agents.map(({ server }) => settled(server)));
      const isComplete = async (ingester: Ingester): Promise<boolean> => {
        const stored = await readAll(ingester);
        return agents.every(({ differences }) => differences(stored).length === 0);
      };
      // The longest a queue waits for a batch to fill is ten seconds. What was in vain is told below.
      await waitFor(() => isComplete(stack.ingesters[0] as Ingester), { timeoutMs: 25_000, what: 'all samples' }).catch(
        () => undefined,
      );
      const counts = new Map<string, number[]>();
      for (const { one, server } of agents) {
        const { appended, exemplarsAppended, queues } = await sentCounts(server);
        for (const { sent, filtered, exemplars, failures } of queues) {
          expect([one.file, failures, sent + filtered]).toEqual([one.file, [], appended]);
          if (one.exemplars) expect([one.file, exemplars]).toEqual([one.file, exemplarsAppended]);
        }
        counts.set(
          one.file,
          queues.map(({ sent }) => sent),
        );
      }
      for (const ingester of stack.ingesters) {
        await waitFor(() => isComplete(ingester), { timeoutMs: 5000, what: 'the last replica' }).catch(() => undefined);
        const stored = await readAll(ingester);
        expect(agents.flatMap(({ differences }) => differences(stored)).slice(0, 10)).toEqual([]);
        for (const { one } of agents)
          expect([one.file, Object.keys(one.tenants).map((tenant) => countOf(one, stored.get(tenant)))]).toEqual([
            one.file,
            counts.get(one.file),
          ]);
        const exemplars = await storedExemplars(ingester, 'default-tenant');
        expect(exemplars.length).toBeGreaterThanOrEqual(roundsMin);
        expect(exemplars.filter((text) => !text.includes('"agent":"remote-write-2"'))).toEqual([]);
      }
      expect({ passed: stack.guarded.passed > 0, refused: stack.guarded.refused }).toEqual({
        passed: true,
        refused: 0,
      });
    } finally {
      await Promise.all(servers.map((server) => server.close()));
    }
  },
);

interface Stack {
  readonly ingesters: readonly Ingester[];
  /** Where routers and ingresses really are, for each agent: some bring no login, and are let in without. */
  readonly hostsFor: (one: AgentCase) => Readonly<Record<string, string>>;
  readonly guarded: Ingress;
  readonly secretsDir: string;
  readonly kubelet: { readonly cert: string; readonly key: string };
}

async function startStack(lab: Lab): Promise<{ servers: TestServer[]; stack: Stack }> {
  const authority = await createTestAuthority();
  const issue = (name: string) => authority.issue({ subject: `CN=${name}`, names: [{ type: 'dns', value: name }] });
  const [ingressPair, routerPair, agentPair, kubelet] = await Promise.all([
    issue(names.ingress),
    issue(names.router),
    authority.issue({ subject: 'CN=team-by-certificate' }),
    issue('node-1'),
  ]);
  const secretsDir = lab.folder('secrets');
  const secret = (name: string, content: string): string => {
    mkdirSync(join(secretsDir, name, '..'), { recursive: true });
    writeFileSync(join(secretsDir, name), content);
    return join(secretsDir, name);
  };
  const ca = secret('remote-write-tls/ca.crt', authority.cert);
  secret('remote-write-tls/tls.crt', agentPair.cert);
  secret('remote-write-tls/tls.key', agentPair.key);
  secret('remote-write-auth/username', login.username);
  secret('remote-write-auth/password', login.password);
  secret('token', token);

  const ingesters = await Promise.all(
    ['one', 'two', 'three'].map((name) =>
      startIngester(lab, { name, replicaLabel, flags: ['--tsdb.max-exemplars=10000'] }),
    ),
  );
  const behind = { ingesters: ingesters.map(({ grpc }) => grpc), replicationFactor: 3 };
  const [router, secureRouter] = await Promise.all([
    startRouter(lab, behind),
    startRouter(lab, {
      ...behind,
      name: 'secure-router',
      flags: [
        `--remote-write.server-tls-cert=${secret('router/tls.crt', routerPair.cert)}`,
        `--remote-write.server-tls-key=${secret('router/tls.key', routerPair.key)}`,
        `--remote-write.server-tls-client-ca=${ca}`,
        '--receive.tenant-certificate-field=commonName',
      ],
    }),
  ]);
  const backend = new URL(router.remoteWriteUrl).host;
  const guarded = await serveIngress({ ...ingressPair, backend, login });
  const open = await serveIngress({ ...ingressPair, backend });
  const hostsFor = ({ file }: AgentCase): Record<string, string> => ({
    [`${names.balancer}:19291`]: backend,
    [`${names.router}:19291`]: new URL(secureRouter.remoteWriteUrl).host,
    [`${names.ingress}:443`]: file.startsWith('queue-') ? open.address : guarded.address,
  });
  return { servers: [guarded, open], stack: { ingesters, hostsFor, guarded, secretsDir, kubelet } };
}

interface Agent {
  readonly one: AgentCase;
  readonly server: Server;
  scraped(): Promise<void>;
  stopScrapes(): void;
  /** How what is stored differs from what the targets showed and the configuration says. */
  differences(stored: Stored): string[];
}

async function startAgent(lab: Lab, one: AgentCase, stack: Stack, servers: TestServer[]): Promise<Agent> {
  const targets = await Promise.all(
    one.targets.map((target) =>
      serveScrapes(agentFamilies, target.isSecure ? { tls: stack.kubelet, bearer: token } : {}),
    ),
  );
  const hosts = Object.fromEntries(one.targets.map(({ host }, index) => [host, targets[index]?.address ?? '']));
  const network = await serveNames({ ...stack.hostsFor(one), ...hosts });
  servers.push(...targets, network);
  const { agent } = one;
  const configOf = (isScraping: boolean): object =>
    agentConfig(one.file, { agent, network: `http://${network.address}`, secretsDir: stack.secretsDir, isScraping });
  const server = await startPrometheus(lab, {
    name: one.file,
    mode: 'agent',
    dataDir: lab.folder(`${one.file}-data`),
    config: configOf(true),
    flags: [targetsAtOnce],
  });
  const roundsOf = (target: ScrapeTarget | undefined): number => target?.rounds('/metrics') ?? 0;
  return {
    one,
    server,
    scraped: async () => {
      await waitFor(() => targets.every((target) => roundsOf(target) >= roundsMin), {
        timeoutMs: 25_000,
        what: `${one.file} to scrape`,
      });
    },
    stopScrapes: () => server.reload(configOf(false)),
    differences: (stored) => {
      const series = one.targets.flatMap((target, index) =>
        targetSeries(one, target).map((each) => ({ each, rounds: roundsOf(targets[index]) })),
      );
      return tenants.flatMap((tenant) => {
        const belongs = one.tenants[tenant] ?? (() => false);
        const found = new Map([...(stored.get(tenant) ?? [])].filter(([text]) => isOf(one, text)));
        const flaws = series
          .filter(({ each }) => belongs(each.labels))
          .flatMap(({ each, rounds }) => {
            const text = seriesText(Object.entries(each.labels).sort(([a], [b]) => (a < b ? -1 : 1)));
            const flaw = flawOf(each, found.get(text) ?? [], rounds);
            found.delete(text);
            return flaw === undefined ? [] : [`${one.file}, ${tenant}: ${flaw} of ${text}`];
          });
        return [...flaws, ...[...found.keys()].map((text) => `${one.file}, ${tenant}: unexpected ${text}`)];
      });
    },
  };
}

/** Waits until an agent writes nothing down any more: stale markers come two intervals after the last scrape. */
async function settled(server: Server): Promise<void> {
  let last = { appended: -1, sinceMs: 0 };
  await waitFor(
    async () => {
      const { appended } = await sentCounts(server);
      if (appended !== last.appended) last = { appended, sinceMs: Date.now() };
      return Date.now() - last.sinceMs > 2000;
    },
    { timeoutMs: 15_000, what: `${server.child.name} to come to rest` },
  );
}

const isOf = ({ agent, external }: AgentCase, series: string): boolean =>
  series.includes(`agent="${agent}"`) && series.includes(`replica="${external['replica']}"`);

const countOf = (one: AgentCase, series: ReadonlyMap<string, readonly string[]> | undefined): number =>
  [...(series ?? [])].reduce((sum, [text, values]) => (isOf(one, text) ? sum + values.length : sum), 0);

/**
 * The values of most scrapes in their order, and then a stale marker. On a busy machine an agent gives up a scrape that was served, which leaves a gap with a stale
 * marker; and a reload at the moment of a scrape makes it write one more. What an agent has taken in is compared with what is stored by number.
 */
function flawOf({ valueAt }: ServedSeries, values: readonly string[], rounds: number): string | undefined {
  const scraped = values.filter((text) => text !== 'stale');
  const gaps = Math.max(0, rounds - scraped.length);
  // What an agent writes down of itself, it writes for scrapes in vain, too.
  if ((valueAt && scraped.length > rounds) || gaps > rounds / 2) return `${rounds} scrapes, but ${values.join(' ')}`;
  if (values.at(-1) !== 'stale' || values.length - scraped.length > 2 + gaps) return `no end after ${values.join(' ')}`;
  if (!valueAt) return undefined;
  let round = 0;
  const wrong = scraped.find((text) => {
    do round += 1;
    while (round <= rounds && Number.parseFloat(text) !== valueAt(round));
    return round > rounds;
  });
  return wrong === undefined ? undefined : `value ${wrong} in ${values.join(' ')}`;
}

/** By tenant and series, the values in the order of time. */
type Stored = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

async function readAll(ingester: Ingester): Promise<Stored> {
  const stored = new Map<string, Map<string, string[]>>();
  for (const tenant of tenants) {
    const series = new Map<string, string[]>();
    // Sorted as texts, and times have as many digits each.
    for (const sample of await storedSamples(ingester, tenant)) {
      const [, name = '', value = ''] = /^(\{.*\}) \d+ (.*)$/.exec(sample) ?? [];
      const values = series.get(name);
      if (values) values.push(value);
      else series.set(name, [value]);
    }
    stored.set(tenant, series);
  }
  return stored;
}
