/* Keys in words, from what `aria-keyshortcuts` says. */

/** @type {Record<string, string>} */
const NAMES = {
  Control: "Ctrl", Escape: "Esc", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓",
};
/** @type {Record<string, string>} */
const APPLE_NAMES = { ...NAMES, Meta: "⌘", Control: "⌃", Shift: "⇧", Alt: "⌥", Enter: "↵" };

/**
 * The keys of the shortcut that suits the person's computer: with the command key on Apple's.
 *
 * @param {string} shortcuts
 * @param {boolean} isApple
 * @returns {string[]}
 */
export function splitKeys(shortcuts, isApple) {
  const all = shortcuts.split(" ").filter(Boolean);
  const fitting = all.find((shortcut) => shortcut.includes("Meta+") === isApple) ?? all[0];
  if (!fitting) return [];
  return fitting.split("+").map((key) => (isApple ? APPLE_NAMES : NAMES)[key] ?? key);
}
