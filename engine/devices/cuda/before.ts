// Evaluated before the binding is: engine/ort.ts imports it first.
import { loadRuntime } from './load.ts';

loadRuntime();
