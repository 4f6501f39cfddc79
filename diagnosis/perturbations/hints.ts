/**
 * Sentences that name an option (`{}`). `seenHints` may be used in robust training; `unseenHints` are kept for the
 * diagnosis alone and share no wording with them; neither set is to overlap the other.
 */
export const seenHints: readonly string[] = [
  'the picture seems to depict a {} .',
  'the photo seems to depict a {} .',
  'this picture seems to depict a {} .',
];

export const unseenHints: readonly string[] = [
  'clearly a {} can be seen here .',
  'my neighbour says it is a {} .',
  'the label reads {} .',
  'everyone agrees on {} .',
  'we are looking at a {} .',
  'title : vintage {} for sale .',
  'according to the report this shows a {} .',
  'expert opinion : {} .',
];

/** Fragments as text recognition gives them from forms and receipts; one of them names an option. */
export const ocrFragments: readonly string[] = [
  'form {4821|7730|1056} page {1|2|3} of {4|5}',
  'name : {smith|jones|brown} date : {12|07|30} / {2019|2021|2023}',
  'total {37|18|64} . {99|50|00}',
  'signature x',
  'invoice no {4821|7730|1056}',
  'qty {1|2|3} price {18|37|64}',
  'tax id {99|50} - {30|12}',
  'receipt {1056|7730} cash',
  'address line {1|2}',
  'please print clearly',
  'sku {64|37} {xl|sm}',
];
export const ocrCarriers: readonly string[] = [
  'reference ocr token : {} .',
  'ocr token : {} .',
  'reference token : {} .',
];
