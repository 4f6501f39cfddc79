import { devices } from '../../schemas/device.ts';
import type { Check } from './check.ts';

/** Each device, tried with a small computation. */
export async function checkProviders(): Promise<Check[]> {
  const { onlySoftware, probeDevice } = await import('../../engine/index.ts');
  return Promise.all(
    devices.map(async (name): Promise<Check> => {
      const { works, reason } = await probeDevice(name);
      const software = name === 'webgpu' && onlySoftware();
      const detail = software ? 'works on a software driver, slowly: taken only when asked for' : 'works';
      return {
        group: 'accelerators',
        name,
        needed: name === 'cpu',
        ok: works,
        detail: works ? detail : reason,
      };
    }),
  );
}
