import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { scenarioFolder } from '../../data/folder.ts';
import {
  type CatalogueName,
  controlNameOf,
  imagePerturbations,
  type PerturbationName,
  removals,
  type Sample,
  TaskKind,
  textPerturbations,
} from '../../schemas/benchmark.ts';
import { type List, type Scenario, ScenarioPack, templatesIn, templatesOf } from '../../schemas/scenario.ts';
import { fieldsAsked } from './slots.ts';

/** A scenario at one severity. */
export interface Condition {
  name: PerturbationName;
  /** The tasks whose irrelevant modality it perturbs. */
  taskKind: TaskKind;
  scenario: Scenario;
  lists: Readonly<Record<string, List>>;
  severity: number;
  /** Of a control: the condition that it stands beside. */
  beside?: PerturbationName;
}

/** The neutral control of a condition; null for pictures, and where the scenario wants none. */
export function controlOf(condition: Condition): Condition | null {
  const { name, scenario, taskKind } = condition;
  if (taskKind !== TaskKind.ImageHeavy || !scenario.control) return null;
  return { ...condition, name: controlNameOf(name), beside: name };
}

/** A list of this name in a pack holds the sentences of its controls; else those of the catalogue are taken. */
const neutralList = 'neutral';

/** Sentences that say nothing about a picture and point to nothing. */
export function neutralSentences(lists: Condition['lists']): List {
  const { lists: own } = catalogue().text;
  return lists[neutralList] ?? own[neutralList] ?? own.facts!;
}

/** The packs whose scenarios are the catalogue; their conditions have no pack before their name. */
export const cataloguePacks = ['catalogue-text', 'catalogue-image'] as const;

/** Severity where a pack says none. */
const middleSeverity = 3;

/** Every condition of a pack, in its order. */
export function conditionsOf({ lists, name: pack, perturbs, scenarios }: ScenarioPack): Condition[] {
  const taskKind = perturbs === 'text' ? TaskKind.ImageHeavy : TaskKind.TextHeavy;
  const prefix = (cataloguePacks as readonly string[]).includes(pack) ? '' : `${pack}/`;
  return scenarios.flatMap((scenario): Condition[] => {
    const { name, severity = middleSeverity } = scenario;
    const common = { taskKind, scenario, lists };
    if (!Array.isArray(severity)) return [{ ...common, name: `${prefix}${name}`, severity }];
    return severity.map((one) => ({ ...common, name: `${prefix}${name}-${one}`, severity: one }));
  });
}

/** Why a condition may fit none of the samples: the fields that its texts ask for and none of them has, in words; '' for none. */
export function missingFields({ lists, scenario }: Condition, samples: readonly Sample[]): string {
  const { lines, picture = [], templates = [] } = scenario;
  const texts = [
    ...templatesOf(templates),
    ...templatesIn(picture),
    ...(lines ? templatesOf(lists[lines.of]!) : []),
  ];
  const there = new Set(samples.flatMap(({ fields = {} }) => Object.keys(fields)));
  const asked = new Set(texts.flatMap((text) => fieldsAsked(text, lists)));
  const missing = [...asked].filter((name) => !there.has(name));
  if (missing.length === 0) return '';
  const has = there.size > 0 ? [...there].join(', ') : 'none';
  return `its texts ask for the fields ${missing.join(', ')}, and the samples have ${has}: name them under "fields" of the mapping at ingest`;
}

function shipped(name: string): ScenarioPack {
  return ScenarioPack.parse(parse(readFileSync(join(scenarioFolder(), `${name}.yaml`), 'utf8')));
}

let packs: { text: ScenarioPack; image: ScenarioPack } | undefined;
/** The packs of the catalogue. */
export function catalogue(): { text: ScenarioPack; image: ScenarioPack } {
  packs ??= { text: shipped('catalogue-text'), image: shipped('catalogue-image') };
  return packs;
}

let byName: ReadonlyMap<string, Condition> | undefined;
/** The catalogue's condition, or control, of this name; undefined for `origin` and removals. */
export function catalogueCondition(name: PerturbationName): Condition | undefined {
  byName ??= new Map(
    Object.values(catalogue())
      .flatMap(conditionsOf)
      .flatMap((one) => [one, controlOf(one) ?? []].flat())
      .map((one) => [one.name, one]),
  );
  return byName.get(name);
}

/** The conditions that a kind of task is diagnosed under, `origin` first. */
export function conditionsFor(taskKind: TaskKind): CatalogueName[] {
  if (taskKind === TaskKind.ImageHeavy) return ['origin', ...textPerturbations];
  if (taskKind === TaskKind.TextHeavy) return ['origin', ...imagePerturbations];
  return ['origin'];
}

/** What is taken away to see whether the model guesses; null: both modalities are needed. */
export function removalFor(taskKind: TaskKind): (typeof removals)[number] | null {
  if (taskKind === TaskKind.ImageHeavy) return removals[0];
  return taskKind === TaskKind.TextHeavy ? removals[1] : null;
}

/** A list of the catalogue's texts. */
export function catalogueList(name: 'facts' | 'neutral' | 'rare' | 'forms'): List {
  return catalogue().text.lists[name]!;
}

/** The templates of one of the catalogue's texts, by family. */
export function catalogueTemplates(name: (typeof textPerturbations)[number]): List {
  return catalogue().text.scenarios.find((scenario) => scenario.name === name)?.templates ?? [];
}

/** Every template of the catalogue's texts, and every line that stands around one. */
export function catalogueTexts(): string[] {
  const { lists, scenarios } = catalogue().text;
  const templates = scenarios.flatMap((scenario) => templatesOf(scenario.templates ?? []));
  return [...templates, ...Object.values(lists).flatMap(templatesOf)];
}
