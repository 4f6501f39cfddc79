/** One line of the doctor's answer. `needed`: without it nothing runs. */
export interface Check {
  group: 'runtime' | 'accelerators' | 'server' | 'network' | 'machine' | 'data';
  name: string;
  ok: boolean;
  needed: boolean;
  detail: string;
}
