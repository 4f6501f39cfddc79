/**
 * A process of its own, because what is opened stays: opens the libraries named by its arguments, in this order. Prints what the
 * loader said of each as a JSON list; null: it is there.
 */
import { openLibrary } from './open-library.ts';

process.stdout.write(JSON.stringify(process.argv.slice(2).map(openLibrary)));
