// What pages keep in this browser. All names share a prefix, so that signing out finds them.

export const PREFIX = "gatehouse.";
const SIGN_OUT = `${PREFIX}sign-out`;

/** Erase all of it, for this tab and every other. */
export function forgetAll() {
  if ("BroadcastChannel" in window) new BroadcastChannel(SIGN_OUT).postMessage(null);
  for (const storage of [sessionStorage, localStorage]) {
    for (const name of Object.keys(storage)) {
      if (name.startsWith(PREFIX)) storage.removeItem(name);
    }
  }
}

/**
 * Call back when another tab has erased what is kept under this name.
 *
 * @param {string} name
 * @param {() => void} callback
 */
export function onForgotten(name, callback) {
  addEventListener("storage", (event) => {
    const isErased = event.key === null || (event.key === name && event.newValue === null);
    if (isErased) callback();
  });
}

/**
 * Call back when the person signs out in any other tab.
 *
 * @param {() => void} callback
 */
export function onSignOut(callback) {
  new BroadcastChannel(SIGN_OUT).onmessage = callback;
}
