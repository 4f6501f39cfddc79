import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { modalityGuard, projectFolder } from './command.ts';

interface Answer {
  status: string;
  checks: { group: string; name: string; ok: boolean; needed: boolean; detail: string }[];
}

describe('doctor', () => {
  it('computes on the CPU, and says of the other providers whether they work or what they need', async () => {
    const { code, stdout } = await modalityGuard(['doctor', '--json'], { folder: await projectFolder() });
    const { status, checks } = JSON.parse(stdout) as Answer;
    const byName = new Map(checks.map((check) => [check.name, check]));
    expect(byName.get('cpu')).toMatchObject({ ok: true, detail: 'works' });
    for (const name of ['webgpu', 'cuda']) {
      const { ok, detail } = byName.get(name) as Answer['checks'][number];
      expect(detail).toMatch(ok ? /^works$/ : name === 'cuda' ? /ONNXRUNTIME_NODE_INSTALL=cuda12/ : /Vulkan/);
    }
    expect(checks.filter(({ needed, ok }) => needed && !ok)).toEqual([]);
    expect({ code, status }).toEqual({ code: 0, status: 'ok' });
    const sources = checks.filter(({ group }) => group === 'server').map(({ name }) => name);
    expect(sources[0]).toBe('TEMPORAL_ADDRESS');
    expect(sources).toHaveLength(6);
  });

  it('names what is missing and fails', async () => {
    const folder = await projectFolder();
    const { code, stdout } = await modalityGuard(['doctor', '--config', join(folder, 'none.json')], {
      folder,
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/PROBLEM\s+data\s+configuration\s+.*none\.json/);
    expect(stdout).toMatch(/1 things? needs? to be put right/);
  });
});
