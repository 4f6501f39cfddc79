import { describe, expect, it } from 'vitest';
import { compareAttacks, maskingChecks } from '../../diagnosis/index.ts';
import type { AttackPoint } from '../../schemas/report.ts';

const point = (given: Partial<AttackPoint>): AttackPoint => ({
  ...{ taskKind: 'image_heavy', attack: 'strong', eps: 0.01, accuracy: 0.5, changeRate: 0.5, n: 120 },
  ...given,
});

describe('points of sizes relative to the embeddings', () => {
  it('are paired by these, and examples of the base stand against their effect on the base', () => {
    const before = [
      point({ eps: 0.0101, epsRelative: 0.2, accuracy: 0.1 }),
      point({ eps: 0, epsRelative: 0, accuracy: 0.9 }),
    ];
    const after = [
      point({ eps: 0.0104, epsRelative: 0.2, accuracy: 0.4 }),
      point({ eps: 0, epsRelative: 0, accuracy: 0.8 }),
      point({ attack: 'transfer', eps: 0.0104, epsRelative: 0.2, accuracy: 0.7, origin: 0.2 }),
    ];
    expect(compareAttacks(before, after)).toMatchObject([
      { attack: 'strong', eps: 0, before: 0.9, after: 0.8 },
      { attack: 'strong', eps: 0.0101, epsRelative: 0.2, before: 0.1, after: 0.4 },
      { attack: 'transfer', epsRelative: 0.2, before: 0.2, after: 0.7 },
    ]);
    const other = point({ eps: 0.02, epsRelative: 0.4 });
    expect(() => compareAttacks(before, [...after, other])).toThrow(
      /image_heavy\/strong\/0.02 .* base model/,
    );
  });
});

describe('masked gradients', () => {
  const check = (strong: Partial<AttackPoint>, more: AttackPoint[] = []) =>
    maskingChecks([point({ eps: 0, bySearch: 0 }), point({ bySearch: 0, ...strong }), ...more], 'trained');
  const transfer = (accuracy: number) => point({ attack: 'transfer', accuracy, origin: 0 });

  it('are named where a search without them fools what they left, or examples of the base do', () => {
    expect(check({ bySearch: 0.1 })).toEqual([
      {
        ...{ taskKind: 'image_heavy', target: 'embeddings', model: 'trained', n: 120 },
        ...{ bySearch: 0.1, byTransfer: null, masked: true },
      },
    ]);
    expect(check({}, [transfer(0.4)])).toMatchObject([{ masked: true, byTransfer: expect.closeTo(0.1, 9) }]);
  });

  it('are not where a few further attempts find one or two more', () => {
    expect(check({ bySearch: 2 / 120 })).toMatchObject([{ masked: false }]);
    expect(check({}, [transfer(0.6)])).toMatchObject([{ masked: false, byTransfer: 0 }]);
    expect(maskingChecks([point({ attack: 'pgd' })], 'base')).toEqual([]);
  });
});
