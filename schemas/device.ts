import { z } from 'zod';

/** Where graphs are computed. */
export const devices = ['cpu', 'webgpu', 'cuda'] as const;
export const Device = z.enum(devices);
export type Device = z.infer<typeof Device>;

/** `auto`: CUDA where it is installed and works, else WebGPU on a real adapter, else the processor. */
export const DeviceChoice = z.enum(['auto', ...devices]);
export type DeviceChoice = z.infer<typeof DeviceChoice>;
