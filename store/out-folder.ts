import { constants, existsSync, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

/** Says before the work that its result could not be written into the folder of `--out`. @throws GuardError BadInput, Storage */
export async function checkOutFolder(out: string): Promise<void> {
  const folder = resolve(out);
  let place = folder;
  while (!existsSync(place)) place = dirname(place);
  if (!statSync(place).isDirectory()) {
    const which = place === folder ? '' : `${place} `;
    throw new GuardError(
      ErrorCode.BadInput,
      `--out ${out}: ${which}is a file; name a folder, which is made where there is none`,
    );
  }
  await access(place, constants.W_OK).catch((cause) => {
    throw new GuardError(ErrorCode.Storage, `--out ${out}: nothing can be written in ${place}`, { cause });
  });
}
