import assert from "node:assert/strict";
import { test } from "node:test";

import { Journal } from "../../../../static/js/lab/playground/journal.js";

/** A journal with a clock that only `pass` moves. */
function begin(text = "") {
  let time = 0;
  const journal = new Journal({ text, ranges: [], source: "" }, () => time);
  return { journal, pass: (milliseconds) => (time += milliseconds) };
}

const type = (journal, text) => journal.note({ text, ranges: [], source: "" }, { isTyped: true });

test("letters typed without a pause are one step", () => {
  const { journal, pass } = begin("a");
  for (const text of ["ab", "abc"]) type(journal, text);
  pass(701);
  type(journal, "abcd");

  assert.equal(journal.undo().text, "abc");
  assert.equal(journal.undo().text, "a");
  assert.equal(journal.undo(), null);
});

test("what is undone can be redone until something else is done", () => {
  const { journal } = begin("a");
  type(journal, "ab");
  journal.undo();

  assert.equal(journal.redo().text, "ab");
  assert.equal(journal.redo(), null);

  journal.undo();
  type(journal, "ac");

  assert.equal(journal.canRedo, false);
  assert.equal(journal.undo().text, "a");
});

test("a run is a step of its own, with its place in the tree", () => {
  const { journal } = begin("a");
  const run = { id: "1", url: "/1", eventsUrl: "/1/e", notesUrl: "/1/n", promptLength: 1, model: "m" };
  journal.note({ text: "a b", ranges: [[1, 3]], source: "1", run });
  type(journal, "a bc");

  assert.deepEqual(journal.undo(), { text: "a b", ranges: [[1, 3]], source: "1", run });
  assert.deepEqual(journal.undo(), { text: "a", ranges: [], source: "" });
});

test("a run that generates nothing is a step, too", () => {
  const { journal } = begin("a");
  journal.note({ text: "a", ranges: [], source: "1", run: { id: "1" } });

  assert.equal(journal.undo().run, undefined);
});

test("a state does not change with the ranges it was made from", () => {
  const { journal } = begin();
  const ranges = [[0, 1]];
  journal.note({ text: "a", ranges, source: "" });
  ranges[0][1] = 9;
  type(journal, "ab");

  assert.deepEqual(journal.undo().ranges, [[0, 1]]);
});

test("the oldest states are forgotten, the newest never", () => {
  const { journal } = begin("first");
  for (let step = 0; step < 300; step += 1) journal.note({ text: `${step}`, ranges: [], source: "" });
  assert.equal(journal.states.length, 200);
  assert.equal(journal.undo().text, "298");

  journal.note({ text: "x".repeat(6_000_000), ranges: [], source: "" });
  assert.equal(journal.canUndo, false);
});
