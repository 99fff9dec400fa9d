// wrangler.toml as wrangler reads it, for each deployment that the pages offer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { unstable_readConfig as readConfig } from "wrangler";

const config = fileURLToPath(new URL("../../wrangler.toml", import.meta.url));

// A slot of a schedule is a minute.
for (const env of [undefined, "realtime", "bulk"]) {
  test(`the cron trigger of ${env ?? "the Worker"} comes every minute`, () => {
    const { triggers } = readConfig({ config, env }, { hideWarnings: true });
    assert.deepEqual(triggers, { crons: ["* * * * *"] });
  });
}
