import assert from "node:assert/strict";
import { test } from "node:test";

import { Readings } from "../../../../static/js/lab/playground/tokens/readings.js";

/** What an event says of tokens with these pieces of text; their ids count from `first`. */
function say(pieces, first = 0) {
  const ids = pieces.map((_, index) => first + index);
  return {
    token_ids: ids,
    logprobs: ids.map((id) => [id, -id, 1, [[id, -id]]]),
    pieces,
    names: Object.fromEntries(ids.map((id) => [id, pieces[id - first]])),
  };
}

/** Readings of a completion that follows `length` characters. */
function begin(length, ...pieces) {
  const readings = new Readings();
  readings.cut(length);
  readings.append(say(pieces));
  return readings;
}

/** @param {Readings} readings */
function place({ list }) {
  return list.map(({ id, start, end }) => [id, start, end]);
}

test("a token's entry becomes its reading", () => {
  const readings = new Readings();
  readings.begin("/1/");
  readings.append({
    token_ids: [5],
    logprobs: [[5, -0.5, 2, [[6, -0.25], [5, -0.5]]]],
    pieces: ["abc"],
    names: {},
  });

  assert.deepEqual(readings.list, [
    { id: 5, start: 0, end: 3, logprob: -0.5, rank: 2, top: [[6, -0.25], [5, -0.5]],
      origin: { run: "/1/", part: "completion", index: 0 } },
  ]);
});

test("a token without an entry has no numbers", () => {
  const readings = new Readings();
  readings.append({ token_ids: [5, 6], logprobs: [null], pieces: ["a", "b"], names: {} });

  assert.deepEqual(readings.list, [
    { id: 5, start: 0, end: 1, logprob: null, rank: null, top: [], origin: null },
    { id: 6, start: 1, end: 2, logprob: null, rank: null, top: [], origin: null },
  ]);
});

test("tokens follow each other and the prompt, counted in UTF-16", () => {
  const readings = begin(10, "ab", "😀");
  readings.append(say(["c"], 2));

  assert.deepEqual(place(readings), [[0, 10, 12], [1, 12, 14], [2, 14, 15]]);
  assert.equal(readings.end, 15);
});

test("parts of a character have no width; the last one has it all", () => {
  assert.deepEqual(place(begin(0, "a", "", "", "😀")), [[0, 0, 1], [1, 1, 1], [2, 1, 1], [3, 1, 3]]);
});

test("nothing is read of a model whose tokenizer is unknown", () => {
  const readings = begin(0, "a");
  const { pieces, names, ...rest } = say(["b"], 1);
  readings.append(rest);
  readings.append({ ...rest, pieces });
  readings.append({ ...rest, names });

  assert.deepEqual(place(readings), [[0, 0, 1]]);
  assert.equal(readings.end, 1);
  assert.deepEqual([...readings.names.keys()], [0]);
});

test("names are texts or bytes, kept from event to event by number", () => {
  const readings = new Readings();
  const none = { token_ids: [], logprobs: [], pieces: [] };
  readings.append({ ...none, names: { 7: " a", 8: [0xf0, 0x9f] } });
  readings.append({ ...none, names: { 9: "b" } });

  assert.deepEqual([...readings.names], [[7, " a"], [8, [0xf0, 0x9f]], [9, "b"]]);
});

test("an edit removes the token that it touched, and those after it", () => {
  const after = [0, 1, 2, 3, 4, 5, 6].map((position) => {
    const readings = begin(0, "ab", "cd", "ef");
    readings.cut(position);
    return [readings.list.length, readings.end];
  });

  assert.deepEqual(after, [[0, 0], [0, 1], [1, 2], [1, 3], [2, 4], [2, 5], [3, 6]]);
});

test("an edit inside a character removes its token", () => {
  const readings = begin(0, "a", "😀", "b");
  readings.cut(2);

  assert.deepEqual(place(readings), [[0, 0, 1]]);
});

test("an edit after the end keeps every token, and the next one begins there", () => {
  const readings = begin(0, "ab");
  readings.cut(8);
  readings.append(say(["c"], 1));

  assert.deepEqual(place(readings), [[0, 0, 2], [1, 8, 9]]);
});

test("an edit keeps the names", () => {
  const readings = begin(0, "ab");
  readings.cut(0);

  assert.deepEqual([...readings.names], [[0, "ab"]]);
});

test("clearing forgets tokens and names", () => {
  const readings = begin(0, "ab");
  readings.clear();

  assert.deepEqual([readings.list, readings.names.size], [[], 0]);
});

test("the prompt's tokens replace all that was read, and the completion follows", () => {
  const readings = begin(0, "a", "b", "cd");
  readings.readPrompt(say(["ab", "cd"], 10));
  readings.append(say(["gh"], 1));

  assert.deepEqual(place(readings), [[10, 0, 2], [11, 2, 4], [1, 4, 6]]);
});

test("an edit forgets the parts of the character that it removed, but no special token", () => {
  const readings = new Readings();
  readings.append({ ...say(["", "", "", "😀"]), names: { 0: "</s>", 1: [240], 2: [159], 3: [152] } });
  readings.cut(0);

  assert.deepEqual(place(readings), [[0, 0, 0]]);
});

test("minus infinity is -9999 in JSON, and a line break of two characters is one here", () => {
  const readings = new Readings();
  readings.append({ ...say(["a\r\n", "b"]), logprobs: [[0, -9999, 1, [[5, -9999.0]]], [1, -1, 1, []]] });

  assert.deepEqual(place(readings), [[0, 0, 2], [1, 2, 3]]);
  assert.deepEqual([readings.list[0].logprob, readings.list[0].top], [-Infinity, [[5, -Infinity]]]);
});

test("a prompt without pieces changes nothing", () => {
  const readings = begin(2, "a");
  readings.readPrompt({ token_ids: [9, 9], logprobs: [] });

  assert.deepEqual(place(readings), [[0, 2, 3]]);
  assert.equal(readings.end, 3);
});

test("a position between two tokens belongs to the later one", () => {
  const readings = begin(2, "ab", "cd");

  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7].map((position) => readings.find(position)), [
    -1, -1, 0, 0, 1, 1, 1, -1,
  ]);
});

test("at a character of several tokens, the one that completes it is found", () => {
  const readings = begin(0, "a", "", "", "😀", "b");

  assert.deepEqual([0, 1, 2, 3, 4].map((position) => readings.find(position)), [0, 3, 3, 4, 4]);
});

test("no token is at a position between a run and the next", () => {
  const readings = begin(0, "ab");
  readings.cut(5);
  readings.append(say(["c"], 1));

  assert.deepEqual([2, 3, 4, 5, 6].map((position) => readings.find(position)), [0, -1, -1, 1, 1]);
});

test("nothing is found where nothing was read", () => {
  assert.equal(new Readings().find(0), -1);
});

test("each token knows its place in the run that it belongs to", () => {
  const readings = new Readings();
  readings.begin("/1/");
  readings.append(say(["a"], 0));
  readings.append(say(["b"], 1));
  readings.begin("/2/");
  readings.append(say(["c"], 2));

  assert.deepEqual(readings.list.map(({ origin }) => [origin.run, origin.part, origin.index]), [
    ["/1/", "completion", 0],
    ["/1/", "completion", 1],
    ["/2/", "completion", 0],
  ]);

  readings.readPrompt(say(["a", "b"], 0));

  assert.deepEqual(readings.list.map(({ origin }) => [origin.run, origin.part, origin.index]), [
    ["/2/", "prompt", 0],
    ["/2/", "prompt", 1],
  ]);
});
