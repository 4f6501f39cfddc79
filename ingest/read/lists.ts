import { textOf } from './text.ts';

/** Looks at the outermost object of a JSON text in pieces, and keeps nothing below it but the count of objects in its lists. */
class Outline {
  /** Lists of the document that hold objects: how many. */
  readonly lists = new Map<string, number>();
  private depth = 0;
  private inString = false;
  private escaped = false;
  /** The string that is read, of the outermost object alone. */
  private text = '';
  private name = '';
  private root = '';
  /** The value of `name` is a list. */
  private inList = false;

  piece(piece: string): void {
    for (const char of piece) this.take(char);
  }

  /** The document is no object, so that it has no lists by name. */
  get isOther(): boolean {
    return this.root !== '' && this.root !== '{';
  }

  private take(char: string): void {
    if (this.inString) this.inside(char);
    else if (char === '"') [this.inString, this.text] = [true, ''];
    else if (char === ':') {
      if (this.depth === 1) this.name = this.text;
    } else if (char === '{' || char === '[') this.open(char);
    else if (char === '}' || char === ']') this.depth--;
    else if (this.root === '' && char.trim() !== '') this.root = char;
  }

  private inside(char: string): void {
    if (this.escaped) this.escaped = false;
    else if (char === '\\') this.escaped = true;
    else if (char === '"') this.inString = false;
    if (this.depth === 1 && this.inString) this.text += char;
  }

  private open(char: string): void {
    if (this.root === '') this.root = char;
    if (this.depth === 1) this.inList = char === '[';
    if (this.depth === 2 && char === '{' && this.inList)
      this.lists.set(this.name, (this.lists.get(this.name) ?? 0) + 1);
    this.depth++;
  }
}

/** The lists of objects in a JSON document's outermost object, and how many each holds; without holding the document. */
export async function listsIn(file: string, encoding?: string): Promise<ReadonlyMap<string, number>> {
  const outline = new Outline();
  for await (const piece of textOf(file, encoding)) {
    outline.piece(piece);
    if (outline.isOther) break;
  }
  return outline.lists;
}
