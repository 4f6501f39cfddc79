import { kindOf, type Task } from '../schemas/task.ts';
import type { Draft } from './draft.ts';

/** What tells a row's task: the name it has already, its fields, its kind. */
type Row = Pick<Draft, 'fields' | 'taskKind'> & { task?: string };

const matches = ({ match }: Task, fields: Record<string, string>) =>
  match !== undefined && Object.entries(match).every(([field, value]) => fields[field] === value);

/** The task that a row belongs to: the one it names, one whose fields match, else one of its kind (or the only one) that takes all rows. */
export function taskOf(row: Row, tasks: readonly Task[]): Task | undefined {
  const named = tasks.find(({ name }) => name === row.task);
  if (named) return named;
  const matched = tasks.find((task) => matches(task, row.fields ?? {}));
  if (matched) return matched;
  const open = tasks.filter((task) => task.match === undefined);
  return (
    open.find(({ decides }) => kindOf[decides] === row.taskKind) ?? (open.length === 1 ? open[0] : undefined)
  );
}

/** The draft with its task's name and kind: a task says which modality decides, whatever the data's format says. */
export function withTask(draft: Draft, tasks: readonly Task[]): Draft {
  const task = taskOf(draft, tasks);
  return task ? { ...draft, task: task.name, taskKind: kindOf[task.decides] } : draft;
}
