import assert from "node:assert/strict";
import { test } from "node:test";

import {
  boundEntropy,
  findLevel,
  LEVELS,
  listAlternatives,
  SCALES,
  spell,
  splitLines,
  summarise,
  toSurprisal,
  writeNumber,
  writeProbability,
} from "../../../../static/js/lab/playground/tokens/measures.js";

const NEVER = -Infinity;
const [HALF, QUARTER, EIGHTH] = [1 / 2, 1 / 4, 1 / 8].map(Math.log);

/** A token with id 1; by default nothing is known of it. */
function read(changes = {}) {
  return { id: 1, start: 0, end: 1, logprob: null, rank: null, top: [], ...changes };
}

/** As many equally likely tokens as `number` says, and no other. */
function spread(number) {
  const top = Array.from({ length: number }, (_, id) => [id, -Math.log(number)]);
  return read({ logprob: -Math.log(number), rank: 1, top });
}

test("a log-probability is natural, a surprisal is in bits", () => {
  assert.equal(toSurprisal(EIGHTH), 3);
});

test("a certain token has a surprisal of zero, without a sign", () => {
  assert.equal(toSurprisal(0), 0);
});

test("an impossible token has an endless surprisal, and so has every text with it", () => {
  assert.equal(toSurprisal(NEVER), Infinity);
  assert.deepEqual(summarise([read({ logprob: -1 }), read({ logprob: NEVER })]), {
    tokens: 2,
    mean: -Infinity,
    perplexity: Infinity,
  });
});

test("a token among the alternatives is listed once", () => {
  const top = [[7, HALF], [1, QUARTER]];

  assert.deepEqual(listAlternatives(read({ logprob: QUARTER, rank: 2, top })), {
    rows: [{ id: 7, logprob: HALF, rank: 1 }, { id: 1, logprob: QUARTER, rank: 2 }],
    sum: 0.75,
    other: 0.25,
  });
});

test("a token beyond the alternatives is listed after them, with its own rank", () => {
  const top = [[7, HALF], [8, QUARTER]];

  assert.deepEqual(listAlternatives(read({ logprob: EIGHTH, rank: 40, top })), {
    rows: [
      { id: 7, logprob: HALF, rank: 1 },
      { id: 8, logprob: QUARTER, rank: 2 },
      { id: 1, logprob: EIGHTH, rank: 40 },
    ],
    sum: 0.875,
    other: 0.125,
  });
});

test("an unknown rank is 0", () => {
  assert.deepEqual(listAlternatives(read({ logprob: HALF })).rows, [{ id: 1, logprob: HALF, rank: 0 }]);
});

test("a token without a log-probability is not listed", () => {
  assert.deepEqual(listAlternatives(read()), { rows: [], sum: 0, other: 1 });
});

test("rounding never leaves less than nothing for other tokens", () => {
  const { sum, other } = listAlternatives(read({ top: [[7, 0], [8, QUARTER]] }));

  assert.deepEqual([sum, other], [1.25, 0]);
});

test("entropy counts all unlisted tokens as one", () => {
  // 1/2 × 1 bit, 1/4 × 2 bits, and the last quarter × 2 bits.
  assert.equal(boundEntropy(read({ id: 7, logprob: HALF, top: [[7, HALF], [8, QUARTER]] })), 1.5);
  assert.equal(boundEntropy(read({ top: [[7, HALF]] })), 1);
});

test("entropy counts the token itself if it is not among the alternatives", () => {
  assert.equal(boundEntropy(read({ logprob: QUARTER, top: [[7, HALF]] })), 1.5);
});

test("a certain token has no entropy, and an impossible one adds none", () => {
  assert.equal(boundEntropy(read({ logprob: 0, top: [[1, 0]] })), 0);
  assert.equal(boundEntropy(read({ logprob: 0, top: [[1, 0], [7, NEVER]] })), 0);
  assert.equal(boundEntropy(read({ logprob: NEVER, top: [[7, HALF]] })), 1);
});

test("entropy is unknown without alternatives", () => {
  assert.equal(boundEntropy(read({ logprob: HALF })), null);
});

test("each scale has the same number of levels", () => {
  assert.equal(LEVELS, 7);
  for (const { bounds } of Object.values(SCALES)) assert.equal(bounds.length, LEVELS);
});

const AT_BOUNDS = {
  rank: [
    [1, 0], [2, 1], [3, 2], [4, 2], [5, 3], [9, 3], [10, 4], [49, 4], [50, 5], [199, 5], [200, 6],
    [999, 6], [1000, 7], [250_000, 7],
  ],
  probability: [
    [1, 0], [0.901, 0], [0.899, 1], [0.701, 1], [0.699, 2], [0.5, 2], [0.499, 3], [0.25, 3],
    [0.249, 4], [0.101, 4], [0.099, 5], [0.031, 5], [0.029, 6], [0.011, 6], [0.009, 7], [0, 7],
  ],
  surprisal: [
    [0, 0], [0.49, 0], [0.5, 1], [0.99, 1], [1, 2], [1.99, 2], [2, 3], [3.99, 3], [4, 4], [5.99, 4],
    [6, 5], [7.99, 5], [8, 6], [10.99, 6], [11, 7], [Infinity, 7],
  ],
};
const FROM = {
  rank: (rank) => read({ rank }),
  probability: (probability) => read({ logprob: probability ? Math.log(probability) : NEVER }),
  surprisal: (bits) => read({ logprob: bits === Infinity ? NEVER : -bits * Math.LN2 }),
};
for (const [mode, cases] of Object.entries(AT_BOUNDS)) {
  test(`levels of ${mode} begin at their bounds`, () => {
    assert.deepEqual(cases.map(([value]) => [value, findLevel(FROM[mode](value), mode)]), cases);
  });
}

test("levels of entropy begin at their bounds", () => {
  const levels = [1, 2, 4, 8, 16, 32].map((number) => findLevel(spread(number), "entropy"));
  assert.deepEqual(levels, [0, 2, 4, 5, 6, 7]);

  // 0.469 bits, 0.544 bits, exactly 1.5 bits
  const likeliest = [[[7, Math.log(0.9)]], [[7, Math.log(0.875)]], [[7, HALF], [8, QUARTER]]];
  assert.deepEqual(likeliest.map((top) => findLevel(read({ top }), "entropy")), [0, 1, 3]);
});

test("a token without numbers has no level", () => {
  const levels = Object.keys(SCALES).map((mode) => findLevel(read(), mode));

  assert.deepEqual(levels, [null, null, null, null]);
});

test("the legend writes bounds as people do", () => {
  const written = Object.values(SCALES).map(({ bounds, unit, write }) => [...bounds.map(write), unit]);

  assert.deepEqual(written, [
    ["90", "70", "50", "25", "10", "3", "1", "%"],
    ["2", "3", "5", "10", "50", "200", "1,000", ""],
    ["0.5", "1", "1.5", "2", "3", "4", "5", "bits"],
    ["0.5", "1", "2", "4", "6", "8", "11", "bits"],
  ]);
});

test("perplexity is exp(-mean) of the tokens that have a log-probability", () => {
  const readings = [null, -1, -4, -4].map((logprob) => read({ logprob }));

  assert.deepEqual(summarise(readings), { tokens: 3, mean: -3, perplexity: Math.exp(3) });
});

test("an even choice of two has a perplexity of 2", () => {
  assert.equal(summarise([read({ logprob: HALF })]).perplexity, 2);
});

test("there is no mean of nothing", () => {
  assert.equal(summarise([]), null);
  assert.equal(summarise([read()]), null);
});

/** The ids of each line's tokens, which begin at `starts`. */
function splitIds(text, starts) {
  const readings = starts.map((start, id) => read({ id, start }));
  return splitLines(text, readings).map((line) => [line.text, ...line.readings.map(({ id }) => id)]);
}

test("a token belongs to the line in which it begins", () => {
  assert.deepEqual(splitIds("ab\n\ncd", [0, 1, 2, 3, 4, 5]), [["ab", 0, 1, 2], ["", 3], ["cd", 4, 5]]);
});

test("a token over several lines leaves the next one empty", () => {
  assert.deepEqual(splitIds("a\nb\nc", [0, 4]), [["a", 0], ["b"], ["c", 1]]);
});

test("a token at the end of the text belongs to its last line", () => {
  assert.deepEqual(splitIds("a\n", [0, 1, 2, 2]), [["a", 0, 1], ["", 2, 3]]);
});

test("an empty text is one line", () => {
  assert.deepEqual(splitIds("", []), [[""]]);
  assert.deepEqual(splitIds("", [0]), [["", 0]]);
});

test("probabilities keep their digits", () => {
  const written = [1, 0.613, 0.0001, 0.00009, 4.1e-9, 0].map(writeProbability);

  assert.deepEqual(written, ["100.00 %", "61.30 %", "0.01 %", "9.0e-3 %", "4.1e-7 %", "0 %"]);
});

test("numbers have a true minus sign", () => {
  assert.equal(writeNumber(-1.5), "−1.5000");
  assert.equal(writeNumber(2.25, 1), "2.3");
  assert.equal(writeNumber(0), "0.0000");
  assert.equal(writeNumber(-Infinity), "−∞");
  assert.equal(writeNumber(Infinity), "∞");
});

const SPELLINGS = [
  [" the", "·the"],
  ["a\n\tb\r", "a↵→b␍"],
  ["\u00a0", "⟨U+00A0⟩"],
  ["\u2003", "⟨U+2003⟩"],
  ["\ufeff", "⟨U+FEFF⟩"],
  ["\0", "⟨U+0000⟩"],
  ["a\u202eb", "a⟨U+202E⟩b"],
  ["👩\u200d🔬", "👩⟨U+200D⟩🔬"],
  ["\ud83d", "⟨U+D83D⟩"],
  ["\ude00x", "⟨U+DE00⟩x"],
  ["\ue000", "⟨U+E000⟩"],
  ["\u{10ffff}", "⟨U+10FFFF⟩"],
  ["😀 é e\u0301 语 �", "😀·é·e\u0301·语·�"],
  ["<|endoftext|>", "<|endoftext|>"],
];
for (const [name, spelling] of SPELLINGS) {
  test(`a token is spelt ${spelling}`, () => assert.equal(spell(name), spelling));
}

test("part of a character is spelt as its bytes", () => {
  assert.equal(spell([0xf0, 0x9f]), "0xF0 0x9F");
  assert.equal(spell([0x0a]), "0x0A");
});

test("an unknown token is spelt as a question mark", () => {
  assert.equal(spell(undefined), "?");
});
