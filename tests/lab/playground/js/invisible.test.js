import assert from "node:assert/strict";
import { test } from "node:test";

import { findNext, listInvisible } from "../../../../static/js/lab/playground/invisible.js";

const NAMED = [
  ["\0", "NUL", "U+0000"],
  ["\t", "tab", "U+0009"],
  ["\u0007", "control character", "U+0007"],
  ["\u00a0", "no-break space", "U+00A0"],
  ["\u00ad", "soft hyphen", "U+00AD"],
  ["\u2003", "other space", "U+2003"],
  ["\u200b", "zero-width space", "U+200B"],
  ["\u200d", "zero-width joiner", "U+200D"],
  ["\u202e", "right-to-left override", "U+202E"],
  ["\u2067", "right-to-left isolate", "U+2067"],
  ["\u2061", "invisible character", "U+2061"],
  ["\ufe0f", "variation selector", "U+FE0F"],
  ["\ufeff", "byte order mark", "U+FEFF"],
  ["\ud800", "half a surrogate pair", "U+D800"],
  ["\u{e0041}", "tag character", "U+E0041"],
];
for (const [character, name, code] of NAMED) {
  test(`${code} is named`, () => {
    assert.deepEqual(listInvisible(`a${character}b`), [{ character, name, code, count: 1 }]);
  });
}

test("what can be seen is not listed, nor are spaces and line breaks", () => {
  assert.deepEqual(listInvisible("Où est-il ?\nمرحبا 你好 e\u0301 😀"), []);
});

test("each is counted, in the order of its first appearance", () => {
  const found = listInvisible("a\u00a0b\tc\u00a0\u00a0");
  assert.deepEqual(
    found.map(({ code, count }) => [code, count]),
    [["U+00A0", 3], ["U+0009", 1]],
  );
});

test("the search begins at the caret and comes round", () => {
  const text = "a\tb\tc";
  assert.deepEqual([0, 2, 4].map((from) => findNext(text, "\t", from)), [1, 3, 1]);
  assert.equal(findNext(text, "\0", 0), -1);
});

test("half a pair is not found within a whole one", () => {
  const half = "\ud83d";
  assert.equal(findNext(`😀 ${half}`, half, 0), 3);
  assert.equal(findNext("😀", "\ude00", 0), -1);
});
