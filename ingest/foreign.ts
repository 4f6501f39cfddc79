import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { listsIn } from './read/lists.ts';
import { headOf } from './read/text.ts';

const asTable = 'write a table with the columns question, options, answer and, for pictures, image';
const byClass = `put the pictures into a folder for each class, or ${asTable}`;

interface Form {
  name: string;
  advice: string;
  /** `head`: how the file begins; `has`: whether the document holds lists of objects by all these names. */
  is: (head: string, has: (...names: string[]) => boolean) => boolean;
}

const key = (name: string) => new RegExp(`"${name}"\\s*:`);
const holds = (head: string, ...names: string[]) => names.every((name) => key(name).test(head));

/** What other programs write that asks no questions with options; the first that fits. */
const forms: readonly Form[] = [
  {
    name: 'an export of Label Studio',
    advice: `its answers lie in "annotations"; export it as CSV or JSON-MIN and say in a mapping which column is the answer (answer: choice) and what the choices are (choices: […])`,
    is: (head) => holds(head, 'from_name', 'to_name', 'result') || holds(head, 'annotations', 'completed_by'),
  },
  {
    name: 'a file of SQuAD',
    advice: `its answers are places in a text, and it has no options; ${asTable}`,
    is: (head) => holds(head, 'paragraphs', 'qas'),
  },
  {
    name: 'a project of the VGG Image Annotator',
    advice: `it marks regions of pictures and asks nothing; ${byClass}`,
    is: (head) =>
      holds(head, '_via_img_metadata') ||
      (holds(head, 'filename', 'regions') && (holds(head, 'file_attributes') || holds(head, 'fileref'))),
  },
  {
    name: 'a file of LabelMe',
    advice: `it marks shapes in a picture and asks nothing; ${byClass}`,
    is: (head) => holds(head, 'shapes', 'points') && (holds(head, 'flags') || holds(head, 'imagePath')),
  },
  {
    name: 'a file of COCO',
    advice: `it lists pictures with boxes or captions and asks nothing; ${byClass}`,
    is: (head, has) =>
      !has('questions') &&
      (has('annotations', 'categories') ||
        has('images', 'categories') ||
        (has('images', 'annotations') && holds(head, 'file_name'))),
  },
];

/** Says of a JSON file of a known form that holds no questions what it is, and what to do. @throws GuardError BadInput */
export async function refuseForeign(path: string, encoding: string | undefined): Promise<void> {
  if (!/\.(json|jsonl|ndjson)(\.gz)?$/i.test(path)) return;
  const head = await headOf(path, encoding);
  const mayHoldLists = /\.json(\.gz)?$/i.test(path) && /^\s*\{/.test(head);
  const lists = mayHoldLists ? await listsIn(path, encoding) : new Map<string, number>();
  const found = forms.find(({ is }) => is(head, (...names) => names.every((name) => lists.has(name))));
  if (!found) return;
  const beside = 'If it only lies beside the data, name the files of the data instead of the folder';
  throw new GuardError(ErrorCode.BadInput, `${path}: is ${found.name}: ${found.advice}. ${beside}`);
}
