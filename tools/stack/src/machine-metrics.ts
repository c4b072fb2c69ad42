import { readFileSync, statfsSync } from 'node:fs';
import { cpus, freemem, loadavg, totalmem, uptime } from 'node:os';
import { type ScrapedSample } from './text-format.js';

/** What the machine does, under the names that node_exporter uses. What a system does not tell is left out. */
export function readMachineMetrics(): ScrapedSample[] {
  const [load1, load5, load15] = loadavg();
  return [
    ...cpus().flatMap(({ times }, cpu) =>
      Object.entries(times).map(([mode, ms]) =>
        sample('node_cpu_seconds_total', ms / 1000, { cpu: String(cpu), mode: mode === 'sys' ? 'system' : mode }),
      ),
    ),
    sample('node_memory_MemTotal_bytes', totalmem()),
    sample('node_memory_MemFree_bytes', freemem()),
    sample('node_load1', load1 ?? 0),
    sample('node_load5', load5 ?? 0),
    sample('node_load15', load15 ?? 0),
    sample('node_boot_time_seconds', Math.round(Date.now() / 1000 - uptime())),
    ...fileSystem('/'),
    ...parseNetworkDevices(readOr('/proc/net/dev')),
    ...parseDisks(readOr('/proc/diskstats')),
  ];
}

/** Of /proc/net/dev: bytes and packets in both directions. */
export function parseNetworkDevices(text: string): ScrapedSample[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*([^\s:]+):\s*(.*)$/.exec(line);
    const fields = match?.[2]?.trim().split(/\s+/).map(Number) ?? [];
    if (!match || fields.length < 16) return [];
    const device = match[1] as string;
    return [
      sample('node_network_receive_bytes_total', fields[0] as number, { device }),
      sample('node_network_receive_packets_total', fields[1] as number, { device }),
      sample('node_network_transmit_bytes_total', fields[8] as number, { device }),
      sample('node_network_transmit_packets_total', fields[9] as number, { device }),
    ];
  });
}

/** Of /proc/diskstats: completed operations and bytes, in sectors of 512. */
export function parseDisks(text: string): ScrapedSample[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const device = fields[2];
    if (device === undefined || fields.length < 11 || /^(?:loop|ram)\d/.test(device)) return [];
    return [
      sample('node_disk_reads_completed_total', Number(fields[3]), { device }),
      sample('node_disk_read_bytes_total', Number(fields[5]) * 512, { device }),
      sample('node_disk_writes_completed_total', Number(fields[7]), { device }),
      sample('node_disk_written_bytes_total', Number(fields[9]) * 512, { device }),
    ];
  });
}

function fileSystem(mountpoint: string): ScrapedSample[] {
  try {
    const { bsize, blocks, bavail } = statfsSync(mountpoint);
    return [
      sample('node_filesystem_size_bytes', blocks * bsize, { mountpoint }),
      sample('node_filesystem_avail_bytes', bavail * bsize, { mountpoint }),
    ];
  } catch {
    return [];
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const sample = (name: string, value: number, labels: Record<string, string> = {}): ScrapedSample => ({
  name,
  value,
  labels,
});
