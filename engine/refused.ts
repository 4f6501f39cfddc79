import { ErrorCode, GuardError } from '../schemas/errors.ts';

/** The engine cannot differentiate a graph; the message names file, node and operation. What needs no gradient still works. */
export class GraphRefused extends GuardError {
  constructor(message: string) {
    super(ErrorCode.BadModel, message);
  }
}
