import { kindOf, type Task } from '../schemas/task.ts';
import type { Draft } from './draft.ts';

/** What tells a row's task: the name it has already, its fields, its kind. */
type Row = Pick<Draft, 'fields' | 'taskKind'> & { task?: string };

const matches = ({ match }: Task, fields: Record<string, string>) =>
  match !== undefined && Object.entries(match).every(([field, value]) => fields[field] === value);

/** The task of a sample whose kind is settled: of the tasks of that kind the one it names, one whose fields match, else one that takes all. */
export function taskOf(row: Row, tasks: readonly Task[]): Task | undefined {
  const ofKind = tasks.filter(({ decides }) => kindOf[decides] === row.taskKind);
  return claimed(row, ofKind) ?? ofKind.find(({ match }) => match === undefined);
}

const claimed = (row: Row, tasks: readonly Task[]) =>
  tasks.find(({ name }) => name === row.task) ?? tasks.find((task) => matches(task, row.fields ?? {}));

/** The only task that takes all rows takes those of other kinds too. */
function openToAll(tasks: readonly Task[]): Task | undefined {
  const [open, another] = tasks.filter(({ match }) => match === undefined);
  return another ? undefined : open;
}

/** The draft with its task's name and kind: a task says which modality decides, whatever the data's format says. */
export function withTask(draft: Draft, tasks: readonly Task[]): Draft {
  const task = claimed(draft, tasks) ?? taskOf(draft, tasks) ?? openToAll(tasks);
  return task ? { ...draft, task: task.name, taskKind: kindOf[task.decides] } : draft;
}
