import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Check } from './check.ts';

const run = promisify(execFile);
const timeoutMs = 30_000;

const advice: Record<string, string> = {
  webgpu: 'it needs a GPU with a Vulkan, Metal or D3D12 driver (Debian: libvulkan1 and the driver)',
  cuda: 'get it with: ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js',
};

/** Each execution provider, tried with a small computation. */
export function checkProviders(): Promise<Check[]> {
  return Promise.all(['cpu', 'webgpu', 'cuda'].map(checkProvider));
}

async function checkProvider(name: string): Promise<Check> {
  const entry = fileURLToPath(new URL('./provider-entry.js', import.meta.url));
  const check = { group: 'accelerators', name, needed: name === 'cpu' } as const;
  try {
    await run(process.execPath, [entry, name], { timeout: timeoutMs });
    return { ...check, ok: true, detail: 'works' };
  } catch (error) {
    const { stdout, signal } = error as { stdout?: string; signal?: string };
    const reason = signal ? `no answer (${signal})` : lastSentence(stdout ?? '');
    return { ...check, ok: false, detail: [reason, advice[name]].filter(Boolean).join('; ') };
  }
}

/** ONNX Runtime puts source positions before what it has to say. */
function lastSentence(message: string): string {
  const line = message.trim().split('\n')[0] ?? '';
  return (line.split(/ was false\. |\) : /).at(-1) ?? line).slice(0, 160);
}
