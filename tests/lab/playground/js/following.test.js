import assert from "node:assert/strict";
import { test } from "node:test";

import { Leader } from "../../../../static/js/lab/playground/following/leader.js";
import { Tab } from "../../../../static/js/lab/playground/following/tab.js";

const RUN = "11111111-1111-4111-8111-111111111111";
const OTHER = "22222222-2222-4222-8222-222222222222";

/** Channels of one name; a message comes to all the others a moment later. */
class Air {
  constructor() {
    this.channels = new Set();
  }

  join() {
    const channel = {
      onmessage: null,
      close: () => this.channels.delete(channel),
      postMessage: (message) => {
        const data = structuredClone(message);
        for (const other of this.channels) {
          if (other !== channel) queueMicrotask(() => other.onmessage?.({ data }));
        }
      },
    };
    this.channels.add(channel);
    return channel;
  }
}

/** A server with the tokens of some runs; each request is a connection that tests drive. */
class Server {
  constructor() {
    this.connections = [];
    this.refusal = 0;
    this.open = async (runs) => {
      const connection = { runs: Object.fromEntries(runs), waiting: [], isOpen: true };
      this.connections.push(connection);
      await undefined;
      if (this.refusal) return { stream: null, status: this.refusal };
      connection.close = () => {
        connection.isOpen = false;
        connection.fail?.(new Error("closed"));
      };
      connection.next = async () => {
        if (connection.waiting.length > 0) return connection.waiting.shift();
        return new Promise((resolve, fail) => Object.assign(connection, { resolve, fail }));
      };
      return { stream: connection, status: 200 };
    };
  }

  get last() {
    return this.connections.at(-1);
  }

  /** The runs of every connection, with the ids that it began after. */
  get asked() {
    return this.connections.map(({ runs }) => runs);
  }

  get open_count() {
    return this.connections.filter(({ isOpen }) => isOpen).length;
  }
}

/** Send one event over a connection. */
function send(connection, run, id, event = "delta", data = { id }) {
  const message = { id: `${run}:${id}`, event, data: JSON.stringify(data) };
  const { resolve } = connection;
  delete connection.resolve;
  if (resolve) resolve(message);
  else connection.waiting.push(message);
}

/** Everything that happens by itself has happened. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

function lead(air, server, pause = () => new Promise(setImmediate)) {
  return new Leader(air.join(), { open: server.open, pause });
}

/** A tab that follows a run, and what it got. */
function follow(air, { tab = new Tab(air.join(), () => {}), run = RUN, opened = null } = {}) {
  const got = [];
  const follower = tab.follow(
    run,
    {
      onEvent: (name, data) => got.push(data.id || name),
      onInterrupted: () => got.push("interrupted"),
      onRefused: (status) => got.push(status),
    },
    opened,
  );
  return { tab, got, follower };
}

test("tabs share one connection, and each gets its own runs", async () => {
  const [air, server] = [new Air(), new Server()];
  lead(air, server);
  const one = follow(air);
  await settle();
  send(server.last, RUN, "1-0");
  await settle();
  const two = follow(air, { run: OTHER });
  await settle();
  send(server.last, RUN, "2-0");
  send(server.last, OTHER, "1-0");
  await settle();

  assert.deepEqual(server.asked, [{ [RUN]: "" }, { [RUN]: "1-0", [OTHER]: "" }]);
  assert.equal(server.open_count, 1);
  assert.deepEqual([one.got, two.got], [["1-0", "2-0"], ["1-0"]]);
});

test("the old connection delivers until the new one does", async () => {
  const [air, server] = [new Air(), new Server()];
  const answers = [];
  const leader = lead(air, server);
  const one = follow(air);
  await settle();
  const { open } = server;
  leader.open = (runs) => new Promise((resolve) => answers.push(() => resolve(open(runs))));
  const [old] = server.connections;
  follow(air, { run: OTHER });
  await settle();
  send(old, RUN, "1-0");
  await settle();
  assert.deepEqual([one.got, old.isOpen], [["1-0"], true]);
  answers[0]();
  await settle();
  // The new connection was asked for before the first event came.
  send(server.last, RUN, "1-0");
  send(server.last, RUN, "2-0");
  await settle();

  assert.equal(old.isOpen, false);
  assert.deepEqual(one.got, ["1-0", "2-0"]);
});

test("when the leader goes, the next one continues without gap or repetition", async () => {
  const [air, server] = [new Air(), new Server()];
  const first = lead(air, server);
  const one = follow(air);
  const two = follow(air, { run: OTHER });
  await settle();
  send(server.last, RUN, "5-0");
  send(server.last, RUN, "5-1");
  send(server.last, OTHER, "10-0");
  await settle();
  first.close();
  assert.equal(server.open_count, 0);
  lead(air, server);
  await settle();

  assert.deepEqual(server.last.runs, { [RUN]: "5-1", [OTHER]: "10-0" });
  send(server.last, RUN, "5-2", "done");
  send(server.last, OTHER, "10-1");
  await settle();
  assert.deepEqual([one.got, two.got], [["5-0", "5-1", "5-2"], ["10-0", "10-1"]]);
});

test("a second tab reads a run from its beginning, and the first gets nothing twice", async () => {
  const [air, server] = [new Air(), new Server()];
  lead(air, server);
  const one = follow(air);
  await settle();
  send(server.last, RUN, "1-0");
  await settle();
  const two = follow(air);
  await settle();
  assert.deepEqual(server.last.runs, { [RUN]: "" });
  for (const id of ["1-0", "2-0"]) send(server.last, RUN, id);
  send(server.last, RUN, "", "done");
  await settle();

  assert.deepEqual([one.got, two.got], [["1-0", "2-0", "done"], ["1-0", "2-0", "done"]]);
  assert.deepEqual([server.open_count, server.connections.length], [0, 2]);
});

test("a run is read again from the beginning, without what was on its way", async () => {
  const [air, server] = [new Air(), new Server()];
  lead(air, server);
  const one = follow(air);
  await settle();
  send(server.last, RUN, "1-0");
  await settle();
  one.got.length = 0;
  send(server.last, RUN, "9-0");
  one.follower.restart();
  await settle();
  assert.deepEqual([one.got, server.last.runs], [[], { [RUN]: "" }]);
  send(server.last, RUN, "1-0");
  await settle();

  assert.deepEqual(one.got, ["1-0"]);
});

test("a run's own stream is read until the shared one has the run, then closed", async () => {
  const [air, server] = [new Air(), new Server()];
  const opened = await server.open(new Map());
  const { stream } = opened;
  send(stream, RUN, "1-0");
  stream.next = ((next) => async () => ({ ...(await next()), id: "1-0" }))(stream.next);
  const one = follow(air, { opened: stream });
  await settle();
  assert.deepEqual([one.got, stream.isOpen], [["1-0"], true]);
  lead(air, server);
  await settle();
  assert.deepEqual([server.last.runs, stream.isOpen], [{ [RUN]: "1-0" }, false]);
  send(server.last, RUN, "2-0", "done");
  await settle();

  assert.deepEqual(one.got, ["1-0", "2-0"]);
});

test("six own streams are not held while the leader waits for a connection", async () => {
  const [air, server] = [new Air(), new Server()];
  const timers = [];
  const tab = new Tab(air.join(), (callback) => timers.push(callback));
  const { stream } = await server.open(new Map());
  follow(air, { tab, opened: stream });
  timers[0]();
  assert.equal(stream.isOpen, true, "nobody leads yet");
  const leader = new Leader(air.join(), { open: () => new Promise(() => {}), pause: settle });
  await settle();
  timers[0]();

  assert.deepEqual([stream.isOpen, leader.isOpening], [false, true]);
});

test("a lost connection is opened again after each run's last id; only then is it called lost", async () => {
  const [air, server] = [new Air(), new Server()];
  const pauses = [];
  lead(air, server, async (failures) => pauses.push(failures));
  const one = follow(air);
  await settle();
  send(server.last, RUN, "1-0");
  await settle();
  const { open } = server;
  let isDown = true;
  server.last.fail(new Error("lost"));
  await settle();
  assert.deepEqual([pauses, server.last.runs, one.got], [[0], { [RUN]: "1-0" }, ["1-0"]]);

  const leader = lead(air, { open: async (...all) => (isDown ? Promise.reject(new Error("down")) : open(...all)) },
    async (failures) => {
      pauses.push(failures);
      isDown = failures < 2;
    });
  await settle();
  assert.deepEqual(pauses, [0, 0, 1, 2]);
  assert.deepEqual(one.got, ["1-0", "interrupted", "interrupted"]);
  assert.equal(leader.isOpening, false);
});

test("a refusal ends what is followed, and an unknown run alone", async () => {
  const [air, server] = [new Air(), new Server()];
  lead(air, server);
  const one = follow(air);
  const two = follow(air, { run: OTHER });
  await settle();
  send(server.last, OTHER, "", "missing");
  await settle();
  assert.deepEqual([one.got, two.got, server.open_count], [[], [404], 1]);
  server.refusal = 401;
  const three = follow(air, { run: OTHER });
  await settle();

  assert.deepEqual([one.got, three.got], [[401], [401]]);
  assert.equal(server.connections.length, 3);
});

test("signing out ends every tab's runs, and a page that leaves ends its own", async () => {
  const [air, server] = [new Air(), new Server()];
  lead(air, server);
  const one = follow(air);
  const two = follow(air, { run: OTHER });
  await settle();
  two.tab.leave();
  await settle();
  assert.equal(server.open_count, 1);
  one.tab.refuse(401);
  await settle();

  assert.deepEqual([one.got, server.open_count], [[401], 0]);
});

test("of forty runs, thirty-two are followed, and the next as soon as one has ended", async () => {
  const [air, server] = [new Air(), new Server()];
  lead(air, server);
  const ids = Array.from({ length: 40 }, (_, n) => RUN.replace(/^../, String(n + 10)));
  const followed = ids.map((run) => follow(air, { run }));
  await settle();
  assert.deepEqual(Object.keys(server.last.runs), ids.slice(0, 32));
  send(server.last, ids[0], "1-0", "done");
  await settle();

  assert.deepEqual(Object.keys(server.last.runs), ids.slice(1, 33));
  assert.deepEqual(followed[0].got, ["1-0"]);
});
