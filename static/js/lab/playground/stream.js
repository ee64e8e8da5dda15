/* Follows runs: all tabs of a person over one connection, because a browser opens only six to a site. */

import { onSignOut, PREFIX } from "../../kept.js";
import { followAlone } from "./following/alone.js";
import { openEvents, pause } from "./following/events.js";
import { Leader } from "./following/leader.js";
import { Tab } from "./following/tab.js";

export { EventParser, EventStream } from "./following/events.js";

/** @import { EventStream } from "./following/events.js" */
/** @import { Handlers } from "./following/tab.js" */
/** @typedef {import("./following/tab.js").Follower} Follower */

const RUN = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
/* How long a leader may be silent; a phone's browser halts the tabs that are not in sight. */
const PATIENCE_MS = 3000;

/** @type {Tab | null} */
let tab = null;

/**
 * Follows a run to its end, through lost connections. `opened` is an EventStream that already
 * delivers its events.
 *
 * @param {string} url
 * @param {Handlers} handlers
 * @param {EventStream | null} [opened]
 * @returns {Follower}
 */
export function followRun(url, handlers, opened = null) {
  const run = RUN.exec(url)?.[0];
  /** @type {HTMLElement | null} */
  const page = document.querySelector("[data-user]");
  const canShare = "locks" in navigator && "BroadcastChannel" in window;
  if (!run || !page || !canShare) return followAlone(url, handlers, opened);
  const all = new URL("../../../events/", new URL(url, location.href)).href;
  tab ??= join(`${PREFIX}runs.${page.dataset.user}`, all);
  return tab.follow(run, handlers, opened);
}

/**
 * @param {string} name Of the channel and the lock: one for each person.
 * @param {string} url Of the events of several runs.
 */
function join(name, url) {
  const joined = new Tab(new BroadcastChannel(name));
  let release = () => {};
  let wasSilent = false;

  /** @param {LockOptions} [options] */
  function lead(options = {}) {
    /** @type {Leader | undefined} */
    let leader;
    navigator.locks
      .request(name, options, () => {
        leader = new Leader(new BroadcastChannel(name), {
          open: (runs, request) => openEvents(`${url}?runs=${writeRuns(runs)}`, request),
          pause,
        });
        return new Promise((resolve) => (release = () => resolve(leader?.close())));
      })
      // Another tab took the lock from a leader that was silent.
      .catch(() => leader?.close());
  }

  function watch() {
    const isSilent = joined.followings.size > 0 && !document.hidden && !joined.isHeard;
    if (isSilent && wasSilent) lead({ steal: true });
    else if (isSilent) joined.channel.postMessage({ kind: "ping" });
    wasSilent = isSilent && !wasSilent;
    joined.isHeard = false;
  }

  lead();
  setInterval(watch, PATIENCE_MS);
  onSignOut(() => joined.refuse(401));
  addEventListener("pagehide", () => {
    joined.leave();
    release();
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    lead();
    joined.announce();
  });
  return joined;
}

/** @param {Map<string, string>} runs */
function writeRuns(runs) {
  return [...runs].map(([run, after]) => (after ? `${run}:${after}` : run)).join(",");
}
