// The browser for the tests of the dashboard: Debian's chromium, or the one that CHROMIUM_BIN names.
//
//   node scripts/chromium.mjs     installs it, if it is missing

import { aptInstall } from "./lib/apt.mjs";
import { asProgram, capture, Failure, say } from "./lib/run.mjs";

const PACKAGE = "chromium";

/** The browser's program. */
export const CHROMIUM = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";

/** Installs the browser if it is missing. Throws a Failure that says what is needed if that is impossible. */
export async function ensureChromium() {
  if (isThere()) return;
  if (process.env.CHROMIUM_BIN) throw new Failure(`CHROMIUM_BIN does not run: ${CHROMIUM}`);
  try {
    await aptInstall(PACKAGE);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(help(error.message));
  }
  if (!isThere()) throw new Failure(help(`${CHROMIUM} does not run`));
}

function isThere() {
  return capture(CHROMIUM, ["--version"]) !== null;
}

function help(reason) {
  return `the dashboard's tests need a browser, and it cannot be installed: ${reason}
Needed is one of these:
- Debian's package: apt-get install ${PACKAGE}
- another Chromium, named by the variable CHROMIUM_BIN`;
}

await asProgram(import.meta.url, async () => {
  await ensureChromium();
  say(`chromium: ${capture(CHROMIUM, ["--version"])}`);
});
