import assert from "node:assert/strict";
import { test } from "node:test";

import { findEdit, moveRanges, findFirst } from "../../../../static/js/lab/playground/ranges.js";

const EDITS = [
  ["", "", [0, 0, 0]],
  ["abc", "abc", [3, 3, 3]],
  ["", "abc", [0, 0, 3]],
  ["abc", "", [0, 3, 0]],
  ["abc", "xabc", [0, 0, 1]],
  ["abc", "abcx", [3, 3, 4]],
  ["abc", "axbc", [1, 1, 2]],
  ["abc", "ac", [1, 2, 1]],
  ["abcd", "axyd", [1, 3, 3]],
  ["abc", "xyz", [0, 3, 3]],
  // Of equal characters, the last is the new or the missing one.
  ["aa", "aaa", [2, 2, 3]],
  ["aaa", "aa", [2, 3, 2]],
  ["abab", "ababab", [4, 4, 6]],
];
for (const [before, after, [start, endBefore, endAfter]] of EDITS) {
  test(`the edit from "${before}" to "${after}"`, () => {
    assert.deepEqual(findEdit(before, after), { start, endBefore, endAfter });
  });
}

const MOVES = [
  ["text typed before a completion moves it", "aabb", "xaabb", [[2, 4]], [[3, 5]]],
  ["text typed at its beginning does not belong to it", "aabb", "aaxbb", [[2, 4]], [[3, 5]]],
  ["text typed at its end does not belong to it", "aabb", "aabbx", [[2, 4]], [[2, 4]]],
  ["text typed inside it belongs to it", "aabcb", "aabxcb", [[2, 5]], [[2, 6]]],
  ["text removed before it moves it", "abcc", "acc", [[2, 4]], [[1, 3]]],
  ["text removed after it leaves it", "aabbc", "aabb", [[2, 4]], [[2, 4]]],
  ["text removed inside it shortens it", "aabcd", "aabd", [[2, 5]], [[2, 4]]],
  ["its beginning can be removed", "abcd", "abd", [[2, 4]], [[2, 3]]],
  ["its end can be removed", "aabbcc", "aac", [[2, 6]], [[2, 3]]],
  ["its beginning can be removed with text before it", "abcdef", "aef", [[2, 6]], [[1, 3]]],
  ["its end can be removed with text after it", "abcdef", "abf", [[1, 4]], [[1, 2]]],
  ["it can be removed as a whole", "aabbc", "aac", [[2, 4]], []],
  ["it can be removed with text on both sides", "aabbcc", "acc", [[2, 4]], []],
  ["text that replaces a completion does not belong to it", "aabbcc", "aaxycc", [[2, 4]], []],
  ["text that replaces its end and more does not belong to it", "abcdef", "abxyf", [[1, 4]], [[1, 2]]],
  ["text that replaces its beginning and more does not belong to it", "abCDEf", "aXYZWEf", [[2, 5]], [[5, 6]]],
  ["text that replaces its beginning does not belong to it", "abcdEf", "abxyEf", [[2, 5]], [[4, 5]]],
  ["text removed between two keeps them apart", "abcdef", "abef", [[0, 2], [4, 6]], [[0, 2], [2, 4]]],
  ["text removed across two shortens both", "abcdef", "abf", [[0, 3], [3, 6]], [[0, 2], [2, 3]]],
  ["each is judged by itself", "abcdef", "xyzdef", [[0, 2], [4, 6]], [[4, 6]]],
  ["nothing happened", "abcd", "abcd", [[1, 3]], [[1, 3]]],
];
for (const [name, before, after, ranges, expected] of MOVES) {
  test(name, () => assert.deepEqual(moveRanges(ranges, findEdit(before, after)), expected));
}

test("the first place from which on something holds is found", () => {
  for (const first of [0, 1, 4, 7, 8]) assert.equal(findFirst(8, (place) => place >= first), first);
  assert.equal(findFirst(0, () => true), 0);
});
