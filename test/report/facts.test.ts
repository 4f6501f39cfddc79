import { describe, expect, it } from 'vitest';
import { shownAddress } from '../../models/index.ts';
import { diagnosisJUnit, diagnosisMarkdown, modelCard, renderDiagnosis } from '../../report/index.ts';
import { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { sampleDiagnosis } from './sample-diagnosis.ts';

const reason = 'gradients are out of reach through an endpoint';
const facts: Partial<DiagnosisReport> = {
  server: { url: 'https://models.example/v1', model: 'llava-hf', priced: true },
  endpoint: {
    samples: 3058,
    readFrom: { logprobs: 3000, text: 51, nothing: 7 },
    promptTokens: 912_345,
    completionTokens: 6116,
    cost: 1.25,
    asked: { from: '2026-11-30T01:00:00.000Z', to: '2026-11-30T01:20:00.000Z' },
    served: { models: ['llava-1.5-7b'], systemFingerprints: ['fp_77'] },
  },
  leftOut: [
    { taskKind: 'image_heavy', attack: 'strong', reason },
    { taskKind: 'image_heavy', attack: 'pgd', reason },
  ],
  tasks: [
    {
      name: 'claims',
      decides: 'image',
      owner: 'Ada <ada@example.org>',
      errorCost: 12,
      decisionsPerMonth: 900,
    },
    { name: 'returns' },
  ],
};
const report = DiagnosisReport.parse({ ...sampleDiagnosis(), ...facts });

const plain: Record<string, (of: DiagnosisReport) => string> = {
  HTML: (of) => renderDiagnosis(of).replaceAll('&lt;', '<').replaceAll('&gt;', '>'),
  Markdown: (of) => diagnosisMarkdown(of).replaceAll('\\', '').replaceAll('@\u200b', '@'),
  'model card': (of) => modelCard(of, 'set').replaceAll('\\', '').replaceAll('@\u200b', '@'),
  JUnit: (of) => diagnosisJUnit(of).replaceAll('&lt;', '<').replaceAll('&gt;', '>'),
  JSON: (of) => JSON.stringify(of),
};

describe.each(Object.entries(plain))('the %s', (form, say) => {
  it('names server, model, fingerprint, requests, tokens, cost, what was left out, tasks and owners', () => {
    const text = say(report);
    for (const fact of [
      'https://models.example/v1',
      'llava-hf',
      'llava-1.5-7b',
      'fp_77',
      '3058',
      '912345',
      '6116',
      '1.25',
      reason,
      'claims',
      'Ada <ada@example.org>',
      'returns',
    ])
      expect(text).toContain(fact);
    if (form !== 'JSON') expect(text).toMatch(/owner: not said/);
  });

  it('says that the cost is not known where no prices are set, and nothing of a folder', () => {
    const unpriced = { ...report, server: { ...report.server!, priced: false } };
    if (form !== 'JSON') {
      expect(say({ ...unpriced, endpoint: { ...report.endpoint!, cost: 0 } })).toContain(
        'not known: endpoint.json has no prices',
      );
      expect(say(sampleDiagnosis())).not.toMatch(/Tokens|has no prices|Attacks left out/);
    }
  });
});

it.each([
  ['http://127.0.0.1:8000/v1/', 'http://127.0.0.1:8000/v1'],
  ['https://me:secret@host/v1?key=abc#d', 'https://host/v1'],
  [
    'https://host/openai/deployments/gpt-4o-mini-2024-07-18/v1',
    'https://host/openai/deployments/gpt-4o-mini-2024-07-18/v1',
  ],
  ['https://gateway/0a1b2c3d4e5f60718293a4b5c6d7e8f9/openai', 'https://gateway/…/openai'],
  ['https://host/sk-proj-abcdef1234/v1', 'https://host/…/v1'],
])('shows the address %s without what could be a key', (address, shown) => {
  expect(shownAddress(address)).toBe(shown);
});
