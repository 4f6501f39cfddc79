import { existsSync } from 'node:fs';
import { install } from './debian.ts';

/** What Debian's browser ships: a Vulkan driver that computes on the processor. */
const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';
const loaders = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib/aarch64-linux-gnu/libvulkan.so.1'];

const installed = () => existsSync(driver) && loaders.some((path) => existsSync(path));

/**
 * The software driver's file for VK_ICD_FILENAMES, or null where it is absent. In CI it is installed, and a failed
 * installation is an error: there the WebGPU tests are never left out.
 */
export function findSoftwareVulkan(): string | null {
  if (!installed() && process.env.CI) install('chromium', 'libvulkan1');
  if (installed()) return driver;
  if (process.env.CI) throw new Error(`${driver} or libvulkan.so.1 is absent after the installation`);
  return null;
}
