// Takes a lock of a folder again and again, and says on stdout when somebody else who lives was inside at the same time:
// node contend.mjs <folder> <times>
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeLock } from '../../dist/worker/server/lock.js';

const [, , folder, times] = process.argv;
const inside = join(folder, 'inside');
const lives = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

for (let i = 0; i < Number(times); i++) {
  const lock = await takeLock(folder, 'try.lock');
  try {
    const other = Number(readFileSync(inside, 'utf8'));
    if (other !== process.pid && lives(other)) process.stdout.write(`${process.pid} met ${other}\n`);
  } catch {
    // Nobody was left inside.
  }
  writeFileSync(inside, String(process.pid));
  await sleep(1);
  rmSync(inside);
  await lock.release();
}
