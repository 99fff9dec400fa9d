// Polls, never twice at once. While the page is hidden it polls rarely; when the page becomes
// visible it polls at once.

/** The pause between two rounds while the page is hidden, in ms. */
const HIDDEN = 60_000;

/**
 * Returns a function that polls now; its promise resolves at the end. `ask` returns the ms until the next
 * round, or null for none until the function is called.
 */
export function poll(ask) {
  let timer = null;
  let under = null;
  let again = false;

  function now() {
    again = true;
    under ??= rounds().finally(() => {
      under = null;
    });
    return under;
  }

  async function rounds() {
    clearTimeout(timer);
    timer = null;
    let pause = null;
    while (again) {
      again = false;
      pause = await ask();
    }
    if (pause !== null) timer = setTimeout(now, document.hidden ? Math.max(pause, HIDDEN) : pause);
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && timer !== null) now();
  });
  return now;
}
