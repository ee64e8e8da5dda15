/* Characters of a text that cannot be seen, or look like a space and are none. Pure functions. */

const INVISIBLE = /(?![ \n])[\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;

/** @type {Record<string, string>} */
const NAMES = {
  "\0": "NUL",
  "\t": "tab",
  "\u00a0": "no-break space",
  "\u00ad": "soft hyphen",
  "\u034f": "combining grapheme joiner",
  "\u061c": "Arabic letter mark",
  "\u200b": "zero-width space",
  "\u200c": "zero-width non-joiner",
  "\u200d": "zero-width joiner",
  "\u200e": "left-to-right mark",
  "\u200f": "right-to-left mark",
  "\u2028": "line separator",
  "\u2029": "paragraph separator",
  "\u202a": "left-to-right embedding",
  "\u202b": "right-to-left embedding",
  "\u202c": "end of embedding",
  "\u202d": "left-to-right override",
  "\u202e": "right-to-left override",
  "\u202f": "narrow no-break space",
  "\u2060": "word joiner",
  "\u2066": "left-to-right isolate",
  "\u2067": "right-to-left isolate",
  "\u2068": "first strong isolate",
  "\u2069": "end of isolate",
  "\u3000": "ideographic space",
  "\u3164": "Hangul filler",
  "\ufeff": "byte order mark",
};
/** @type {[kind: RegExp, name: string][]} */
const KINDS = [
  [/\p{Cc}/u, "control character"],
  [/\p{Cs}/u, "half a surrogate pair"],
  [/\p{Z}/u, "other space"],
  [/\p{Variation_Selector}/u, "variation selector"],
  [/[\u{e0000}-\u{e007f}]/u, "tag character"],
];

/** @typedef {{ character: string, name: string, code: string, count: number }} Found */

/**
 * The invisible characters of a text with their numbers, in the order of their first appearance.
 *
 * @param {string} text
 * @returns {Found[]}
 */
export function listInvisible(text) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const [character] of text.matchAll(INVISIBLE)) {
    counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  return [...counts].map(([character, count]) => ({
    character,
    name: nameCharacter(character),
    code: codeOf(character),
    count,
  }));
}

/**
 * Where the character stands next, at `from` or after it, or else first of all; -1 if nowhere.
 *
 * @param {string} text
 * @param {string} character
 * @param {number} from
 */
export function findNext(text, character, from) {
  const next = findWhole(text, character, from);
  return next < 0 ? findWhole(text, character, 0) : next;
}

/**
 * Half a surrogate pair is not found within a whole one.
 *
 * @param {string} text
 * @param {string} character
 * @param {number} from
 */
function findWhole(text, character, from) {
  for (let at = text.indexOf(character, from); at >= 0; at = text.indexOf(character, at + 1)) {
    const isPart = character.length === 1 && /\p{Cs}/u.test(character) && isPaired(text, at);
    if (!isPart) return at;
  }
  return -1;
}

/**
 * @param {string} text
 * @param {number} at
 */
function isPaired(text, at) {
  const code = /** @type {number} */ (text.codePointAt(at));
  const before = at > 0 ? /** @type {number} */ (text.codePointAt(at - 1)) : 0;
  return code > 0xffff || before > 0xffff;
}

/** @param {string} character */
function nameCharacter(character) {
  return (
    NAMES[character] ??
    KINDS.find(([kind]) => kind.test(character))?.[1] ??
    "invisible character"
  );
}

/** @param {string} character */
function codeOf(character) {
  const code = /** @type {number} */ (character.codePointAt(0));
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}
