import { kindOf, type Task } from '../schemas/task.ts';
import type { Draft } from './draft.ts';

const matches = ({ match }: Task, fields: Record<string, string>) =>
  match !== undefined && Object.entries(match).every(([field, value]) => fields[field] === value);

/** The task that a draft belongs to: one whose fields match, else one of its kind (or the only one) that takes all rows. */
function taskOf(draft: Draft, tasks: readonly Task[]): Task | undefined {
  const matched = tasks.find((task) => matches(task, draft.fields ?? {}));
  if (matched) return matched;
  const open = tasks.filter((task) => task.match === undefined);
  return (
    open.find(({ decides }) => kindOf[decides] === draft.taskKind) ??
    (open.length === 1 ? open[0] : undefined)
  );
}

/** The draft with its task's name and kind: a task says which modality decides, whatever the data's format says. */
export function withTask(draft: Draft, tasks: readonly Task[]): Draft {
  const task = taskOf(draft, tasks);
  return task ? { ...draft, task: task.name, taskKind: kindOf[task.decides] } : draft;
}
