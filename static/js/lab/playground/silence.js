/* Notices that nothing comes over a run's connection, not even the server's word on a silent engine. */

/* The server speaks after 8 s, and tells a waiting run its place every 1.5 s. */
const SILENT_MS = 13_000;
const LOOK_MS = 1000;

export class Silence {
  /**
   * @param {(message: string) => void} onSilent
   * @param {object} [clock]
   * @param {() => number} clock.now In milliseconds.
   * @param {(callback: () => void, milliseconds: number) => number} clock.repeat
   * @param {(timer: number) => void} clock.stop
   */
  constructor(onSilent, clock) {
    this.onSilent = onSilent;
    this.clock = clock ?? {
      now: () => performance.now(),
      repeat: (callback, milliseconds) => window.setInterval(callback, milliseconds),
      stop: (timer) => clearInterval(timer),
    };
    this.heardAt = 0;
    /** @type {number | null} */
    this.timer = null;
  }

  start() {
    this.stop();
    this.hear();
    this.timer = this.clock.repeat(() => this.look(), LOOK_MS);
  }

  hear() {
    this.heardAt = this.clock.now();
  }

  look() {
    const silent = this.clock.now() - this.heardAt;
    if (silent < SILENT_MS) return;
    const seconds = Math.floor(silent / 1000);
    this.onSilent(`Nothing has come from Gatehouse for ${seconds} s. The run continues; this page keeps trying.`);
  }

  stop() {
    if (this.timer !== null) this.clock.stop(this.timer);
    this.timer = null;
  }
}
