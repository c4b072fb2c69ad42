import { endToEnd } from '../lab.js';
import { killRepeatedly } from './kill-campaign.js';
import { sampleKinds } from './make-samples.js';

const isLong = process.env['GAUNTLET_LONG'] !== undefined;
const kills = Number(process.env['GAUNTLET_KILLS'] ?? (isLong ? 200 : 6));
const seed = Number(process.env['GAUNTLET_SEED'] ?? Date.now() % 1_000_000);

endToEnd(
  `an ingester killed ${kills} times while it writes, cuts, truncates, checkpoints and uploads loses nothing acknowledged and invents nothing`,
  { needs: ['promtool'], timeoutMs: 60_000 + kills * 30_000 },
  async (lab) => {
    const report = await killRepeatedly(lab, {
      seed,
      kills,
      killsPerCheck: 10,
      kinds: sampleKinds,
      onProgress: (line) => isLong && process.stderr.write(`GAUNTLET_SEED=${seed}: ${line}\n`),
    });
    if (isLong) process.stderr.write(`${JSON.stringify(report)}\n`);
    expect(report).toMatchObject({ seed, kills, lost: [], invented: [], broken: [] });
    expect(report.acknowledged).toBeGreaterThan(kills * 100);
  },
);
