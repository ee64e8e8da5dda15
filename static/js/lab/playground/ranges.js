/* Where completions are in the document, and how edits move them. Pure functions. */

/**
 * From its first character to the position after its last.
 * @typedef {[start: number, end: number]} Range
 *
 * @typedef {{ start: number, endBefore: number, endAfter: number }} Edit
 */

/**
 * The part that an edit replaced: [start, endBefore) became [start, endAfter).
 *
 * @param {string} before
 * @param {string} after
 * @returns {Edit}
 */
export function findEdit(before, after) {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let tail = 0;
  while (
    tail < shorter - start &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) {
    tail += 1;
  }
  return { start, endBefore: before.length - tail, endAfter: after.length - tail };
}

/**
 * The ranges after an edit. Text typed inside a completion belongs to it; text beside it does not.
 *
 * @param {Range[]} ranges
 * @param {Edit} edit
 */
export function moveRanges(ranges, edit) {
  const shift = edit.endAfter - edit.endBefore;
  /** @type {Range[]} */
  const moved = [];
  for (const [start, end] of ranges) {
    if (end <= edit.start) moved.push([start, end]);
    else if (start >= edit.endBefore) moved.push([start + shift, end + shift]);
    else {
      const from = start < edit.start ? start : edit.endAfter;
      const to = end > edit.endBefore ? end + shift : edit.start;
      if (to > from) moved.push([from, to]);
    }
  }
  return moved;
}

/**
 * The first of `length` places from which on `isReached` holds; `length` if there is none.
 *
 * @param {number} length
 * @param {(place: number) => boolean} isReached
 */
export function findFirst(length, isReached) {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isReached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
