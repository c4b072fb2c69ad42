import type { RequestLimitName, WriteLimits } from '@gauntlet/limits';
import type { TenantId } from '@gauntlet/model';
import { bodyTooLarge, RequestRefusedError } from './errors.js';

/** What a request of a tenant may bring, as it was when the request arrived. */
export class RequestBounds {
  readonly #limits: WriteLimits;
  readonly #tenant: TenantId;
  readonly #max: Readonly<Record<RequestLimitName, number>>;

  constructor(limits: WriteLimits, tenant: TenantId) {
    const { bodyBytesMax, seriesMax, samplesMax } = limits.forTenant(tenant);
    this.#limits = limits;
    this.#tenant = tenant;
    this.#max = { body_size: bodyBytesMax, series: seriesMax, samples: samplesMax };
  }

  /** Of the decompressed body. */
  get bodyBytesMax(): number {
    return this.#max.body_size > 0 ? this.#max.body_size : Infinity;
  }

  /** What does not compress grows a little; more than this cannot become a body within the limit. */
  get compressedBytesMax(): number {
    return this.bodyBytesMax + Math.ceil(this.bodyBytesMax / 6) + 64;
  }

  /** @throws RequestRefusedError */
  check(name: RequestLimitName, count: number): void {
    const max = this.#max[name];
    if (max <= 0 || count <= max) return;
    this.#limits.reportHit(this.#tenant, name, count - max);
    throw refusals[name]();
  }
}

const refusals: Readonly<Record<RequestLimitName, () => RequestRefusedError>> = {
  body_size: bodyTooLarge,
  series: () => new RequestRefusedError('SERIES_TOO_MANY', 'too many timeseries'),
  samples: () => new RequestRefusedError('SAMPLES_TOO_MANY', 'too many samples'),
};
