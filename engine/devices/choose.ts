import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Device, DeviceChoice } from '../../schemas/device.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { threadEntry } from '../thread.ts';
import { usableSet } from './cuda/installed.ts';
import { oldestDriver } from './cuda/pins.ts';

const run = promisify(execFile);
const timeoutMs = 30_000;

const advice: Record<Exclude<Device, 'cuda'>, string> = {
  cpu: 'install again: npm ci',
  webgpu:
    'it needs a GPU with a Vulkan, Metal or D3D12 driver (Debian and Ubuntu: `apt-get install libvulkan1 mesa-vulkan-drivers`, or ' +
    "the GPU maker's driver)",
};

function adviceFor(device: Device): string {
  if (device !== 'cuda') return advice[device];
  const needs = `it needs Linux x64 and an NVIDIA GPU with a driver of version ${oldestDriver} or later`;
  const installed = usableSet() !== null;
  return installed
    ? needs
    : `${needs}, and libraries that are installed by choice: modality-guard device install cuda`;
}

/** Whether a device computes here, and why not. */
export interface DeviceState {
  works: boolean;
  /** Empty where it works; else the provider's own words, and how to get the device. */
  reason: string;
}

/** Tries a device with a small computation, in a process of its own. */
export async function probeDevice(device: Device): Promise<DeviceState> {
  const entry = fileURLToPath(threadEntry(import.meta.url, './probe.thread.ts'));
  try {
    await run(process.execPath, [entry, device], { timeout: timeoutMs });
    return { works: true, reason: '' };
  } catch (error) {
    const { stdout, signal } = error as { stdout?: string; signal?: string };
    const words = signal ? `no answer (${signal})` : lastSentence(stdout ?? '');
    return { works: false, reason: [words, adviceFor(device)].filter(Boolean).join('; ') };
  }
}

/** ONNX Runtime puts source positions before what it has to say, and of CUDA's errors behind it. */
function lastSentence(message: string): string {
  const line = message.trim().split('\n')[0] ?? '';
  const [ofCuda] = /CUDA failure \d+: [^;]*[^; ]/.exec(line) ?? [];
  if (ofCuda) return ofCuda;
  return (line.split(/ was false\. |\) : /).at(-1) ?? line).slice(0, 160);
}

/**
 * The device that is meant. Throws GuardError UNAVAILABLE where the one that was named does not compute here; the message
 * says how to get it.
 */
export async function chooseDevice(choice: DeviceChoice): Promise<Device> {
  if (choice === 'cpu') return choice;
  if (choice === 'auto') {
    if ((await probeDevice('cuda')).works) return 'cuda';
    return !onlySoftware() && (await probeDevice('webgpu')).works ? 'webgpu' : 'cpu';
  }
  const { works, reason } = await probeDevice(choice);
  if (works) return choice;
  const what = `the device '${choice}' does not compute here: ${reason}. Or choose another: --device auto takes the best that works`;
  throw new GuardError(ErrorCode.Unavailable, what);
}

/** Vulkan drivers that compute on the processor. */
const SOFTWARE = /swiftshader|lvp|lavapipe|llvmpipe/i;

/** True where WebGPU can only be a program: slower than the processor's own provider. */
export function onlySoftware(): boolean {
  const { platform, env } = process;
  if (platform !== 'linux') return false;
  const named = env.VK_DRIVER_FILES ?? env.VK_ICD_FILENAMES;
  if (named) return named.split(':').every((path) => SOFTWARE.test(path));
  return (
    !entries('/dev').some((name) => /^(nvidia\d|dxg$)/.test(name)) &&
    !entries('/dev/dri').some((name) => name.startsWith('render'))
  );
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
