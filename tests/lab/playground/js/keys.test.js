import assert from "node:assert/strict";
import { test } from "node:test";

import { splitKeys } from "../../../../static/js/lab/playground/keys.js";

test("each computer gets its own keys", () => {
  const run = "Control+Shift+Enter Meta+Shift+Enter";

  assert.deepEqual(splitKeys(run, false), ["Ctrl", "Shift", "Enter"]);
  assert.deepEqual(splitKeys(run, true), ["⌘", "⇧", "↵"]);
});

test("a shortcut without a main key is the same everywhere", () => {
  assert.deepEqual(splitKeys("Escape", true), ["Esc"]);
  assert.deepEqual(splitKeys("?", false), ["?"]);
  assert.deepEqual(splitKeys("", false), []);
});
