import assert from "node:assert/strict";
import { test } from "node:test";

import { Silence } from "../../../../static/js/lab/playground/silence.js";

/** A clock that tests move second by second. */
class Clock {
  constructor() {
    this.time = 0;
    this.timers = new Map();
  }

  now() {
    return this.time;
  }

  repeat(callback, milliseconds) {
    assert.equal(milliseconds, 1000);
    this.timers.set(this.timers.size + 1, callback);
    return this.timers.size;
  }

  stop(timer) {
    this.timers.delete(timer);
  }

  pass(seconds) {
    for (let second = 0; second < seconds; second += 1) {
      this.time += 1000;
      for (const callback of this.timers.values()) callback();
    }
  }
}

const sentence = (seconds) =>
  `Nothing has come from Gatehouse for ${seconds} s. The run continues; this page keeps trying.`;

test("a silent connection is named each second from the thirteenth on", () => {
  const [clock, said] = [new Clock(), []];
  const silence = new Silence((message) => said.push(message), clock);
  clock.pass(5);
  silence.start();
  clock.pass(12);
  assert.deepEqual(said, []);
  clock.pass(2);

  assert.deepEqual(said, [sentence(13), sentence(14)]);
});

test("whatever comes ends the silence, and nothing is said after the run", () => {
  const [clock, said] = [new Clock(), []];
  const silence = new Silence((message) => said.push(message), clock);
  silence.start();
  clock.pass(10);
  silence.hear();
  clock.pass(12);
  assert.deepEqual(said, []);
  silence.start();
  assert.equal(clock.timers.size, 1);
  silence.stop();
  clock.pass(60);

  assert.deepEqual(said, []);
});
