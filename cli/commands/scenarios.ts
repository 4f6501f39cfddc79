import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { ScenarioPack } from '../../schemas/scenario.ts';
import { checkOutFolder } from '../../store/index.ts';
import { type CommonFlags, positive, whole, withCommonFlags } from '../flags.ts';
import { shownPath } from '../hints.ts';
import type { Output } from '../output.ts';
import { previewText } from '../views/scenarios.ts';
import { table } from '../views/table.ts';
import { handle } from './command.ts';

interface PreviewFlags extends CommonFlags {
  pack: string;
  benchmark?: string;
  model?: string;
  n: number;
  seed: number;
  out?: string;
}

export function addScenarios(program: Command): void {
  const scenarios = program
    .command('scenarios')
    .description('scenario packs: the misinformation of a business, put beside its own samples');
  const list = withCommonFlags(
    scenarios.command('list').description('the packs that come with this program, and what they hold'),
  );
  handle<CommonFlags>(list, listPacks);
  const check = withCommonFlags(
    scenarios
      .command('check')
      .description('reads packs and says what is wrong in them')
      .argument('<pack...>', 'files (YAML or JSON), or names of packs that come with this program'),
  );
  handle<CommonFlags>(check, checkPacks);
  const preview = withCommonFlags(
    scenarios
      .command('preview')
      .description('what a pack makes of given samples, pictures included')
      .requiredOption('--pack <file or name>', 'the scenario pack')
      .option('--benchmark <folder>', 'the samples (default: those that come with this program)')
      .option(
        '--model <folder>',
        'make the pictures in the size that this model takes (default: 56 x 56, grey)',
      )
      .addOption(new Option('--n <samples>', 'samples a scenario').argParser(positive).default(3))
      .addOption(new Option('--seed <number>', 'of every random choice').argParser(whole).default(7))
      .option('--out <folder>', 'write a page (index.html) and the pictures there (default: text alone)'),
  );
  handle<PreviewFlags>(preview, runPreview);
}

const summaryOf = ({ description, license, name, owner, perturbs, scenarios }: ScenarioPack) => ({
  name,
  description,
  owner,
  license,
  perturbs,
  scenarios: scenarios.map(({ name, hinted, weight, severity = null }) => ({
    name,
    hinted,
    weight,
    severity,
  })),
});

async function show(names: readonly string[], output: Output): Promise<undefined> {
  const { readPack } = await import('../../ingest/index.ts');
  const packs: ScenarioPack[] = [];
  for (const name of names) packs.push(await readPack(name));
  output.result({ packs: packs.map(summaryOf) }, () => {
    const rows = packs.map(({ description, name, perturbs, scenarios }) => [
      name,
      perturbs,
      String(scenarios.length),
      description,
    ]);
    return table(['pack', 'perturbs', 'scenarios', 'what'], rows, [2]);
  });
}

async function listPacks(_flags: CommonFlags, output: Output): Promise<undefined> {
  const { shippedPacks } = await import('../../ingest/index.ts');
  return show(await shippedPacks(), output);
}

function checkPacks(_flags: CommonFlags, output: Output, packs: string[]): Promise<undefined> {
  return show(packs, output);
}

async function runPreview(flags: PreviewFlags, output: Output): Promise<undefined> {
  const { previewPack, writePreview } = await import('../scenario-preview.ts');
  if (flags.out !== undefined) await checkOutFolder(flags.out);
  const preview = await previewPack(flags);
  const files = flags.out === undefined ? null : await writePreview(preview, resolve(flags.out));
  const scenarios = preview.scenarios.map(({ samples, ...scenario }) => ({
    ...scenario,
    samples: samples.map((sample) => ({
      ...sample,
      image: sample.image && (files?.pictures.get(sample) ?? `${sample.image.bytes.length} bytes`),
    })),
  }));
  const { pack } = preview;
  const forPeople = scenarios.map(({ samples, ...scenario }) => ({
    ...scenario,
    samples: samples.map(({ image, ...sample }) => ({
      ...sample,
      image: files && image ? shownPath(image) : image,
    })),
  }));
  output.result({ pack: summaryOf(pack), scenarios, page: files?.page ?? null }, () =>
    [previewText(pack.name, forPeople), ...(files ? ['', `Page ${shownPath(files.page)}`] : [])].join('\n'),
  );
}
