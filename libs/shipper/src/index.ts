export {
  createShipper,
  type Shipper,
  type ShipperBacklog,
  type ShipperCounters,
  type ShipperOptions,
  type SyncResult,
} from './shipper.js';
export { ShipError } from './shipper-error.js';
