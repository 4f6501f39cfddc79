// Trains as the serialised task in the file says, with the compiled code, and prints the largest memory of the process in MB.
import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import { trainRobust } from '../../dist/training/index.js';

const { losses } = await trainRobust(deserialize(readFileSync(process.argv[2])));
process.stdout.write(JSON.stringify({ losses, peakMB: process.resourceUsage().maxRSS / 1024 }));
