import assert from "node:assert/strict";
import { test } from "node:test";

import { EventParser } from "../../../../static/js/lab/playground/stream.js";

/** All messages of chunks that arrive one after the other. */
function parse(...chunks) {
  const parser = new EventParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
}

const TWO = 'id: 1-0\nevent: delta\ndata: {"text":"a: b"}\n\n: alive\n\nid: 2-0\nevent: done\ndata: {}\n\n';
const MESSAGES = [
  { id: "1-0", event: "delta", data: '{"text":"a: b"}' },
  { id: "2-0", event: "done", data: "{}" },
];

test("messages of one chunk come in order", () => {
  assert.deepEqual(parse(TWO), MESSAGES);
});

test("it does not matter where the input is cut", () => {
  for (let cut = 0; cut <= TWO.length; cut += 1) {
    assert.deepEqual(parse(TWO.slice(0, cut), TWO.slice(cut)), MESSAGES);
  }
  assert.deepEqual(parse(...TWO), MESSAGES);
});

test("an incomplete message waits for its rest", () => {
  const parser = new EventParser();

  assert.deepEqual(parser.push("data: a\n"), []);
  assert.deepEqual(parser.push(""), []);
  assert.deepEqual(parser.push("\ndata: b"), [{ id: "", event: "message", data: "a" }]);
  assert.deepEqual(parser.push("c\n\n"), [{ id: "", event: "message", data: "bc" }]);
  assert.equal(parser.rest, "");
});

test("a message does not inherit from the one before it", () => {
  assert.deepEqual(parse("id: 1\nevent: delta\ndata: a\n\ndata: b\n\n")[1], {
    id: "", event: "message", data: "b",
  });
});

test("several lines of data are joined by line breaks", () => {
  assert.equal(parse("data: a\ndata: b\ndata:c\n\n")[0].data, "a\nb\nc");
});

test("one space after the colon is not part of the value", () => {
  assert.equal(parse("data:  a \n\n")[0].data, " a ");
  assert.equal(parse("data:a\n\n")[0].data, "a");
});

test("of two ids or names, the last counts", () => {
  assert.deepEqual(parse("id: 1\nevent: a\nid: 2\nevent: b\ndata: x\n\n"), [
    { id: "2", event: "b", data: "x" },
  ]);
});

test("comments, unknown fields and lines without a colon are ignored", () => {
  assert.deepEqual(parse(": data\n:data: x\nretry: 10\nDATA: x\ndata\ndatas\ndata: a\n\n"), [
    { id: "", event: "message", data: "a" },
  ]);
});

test("a message without data is dropped", () => {
  assert.deepEqual(parse("\n\nid: 1\nevent: done\n\n: alive\n\ndata: a\n\n"), [
    { id: "", event: "message", data: "a" },
  ]);
});
