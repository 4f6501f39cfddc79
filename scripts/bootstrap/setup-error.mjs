/** Something about the machine or the checkout that a person has to put right; the message says how. */
export class SetupError extends Error {
  name = 'SetupError';
}

/** What to tell a person about a failed file operation. */
export function explainFileError(error, what) {
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `no permission to write ${what} (${error.code}). Make the folder writable for this user, or copy it to one that is.`;
    case 'ENOSPC':
      return `the disk is full: ${what} could not be written. Free some space and start again.`;
    default:
      return `${what} could not be written: ${error.message}`;
  }
}
