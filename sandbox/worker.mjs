// Starts the built worker in the real Workers runtime (workerd, through Miniflare). For the demo
// and the tests; production is `wrangler deploy`.

import { fileURLToPath } from "node:url";
import { Log, LogLevel, Miniflare } from "miniflare";

const BUILD = fileURLToPath(new URL("../build/", import.meta.url));

/** As in wrangler.toml. */
export const COMPATIBILITY_DATE = "2026-04-01";

/** The secrets that the worker gets unless `settings` says otherwise. */
export const PUSH_TOKEN = "sandbox-push-token";
export const ADMIN_TOKEN = "sandbox-admin-token";
export const READ_TOKEN = "sandbox-read-token";

/** The settings that point the worker at the two sandboxes. */
export function settingsFor(commercetools, klaviyo) {
  const { clientId, secret, authUrl, apiUrl, scopes } = commercetools.credentials;
  return {
    CT_API_CLIENT: JSON.stringify({ clientId, secret }),
    CT_AUTH_URL: authUrl,
    CT_API_URL: apiUrl,
    CT_PROJECT_ID: commercetools.projectKey,
    CT_SCOPES: scopes,
    KLAVIYO_AUTH_KEY: klaviyo.key,
    KLAVIYO_API_URL: klaviyo.url,
    PUSH_TOKEN,
    ADMIN_TOKEN,
    READ_TOKEN,
  };
}

/**
 * Starts the worker with these settings; one that is `undefined` is left unset. `log` gets each
 * line that the worker prints. With `persist`, a folder, its storage outlives it. `internet`
 * answers what the worker asks of others; without it, they are asked. `entry`, the text of a module,
 * stands before the worker's own, which it imports as "./index.js"; `build` is the folder of another build. `tick` is the cron trigger,
 * `object` calls a Durable Object.
 */
export async function startWorker({
  settings,
  port = 0,
  persist,
  internet,
  entry,
  build = BUILD,
  compatibilityDate = COMPATIBILITY_DATE,
  log = () => {},
}) {
  const bindings = Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  );
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port,
    cf: false,
    log: new Log(LogLevel.ERROR),
    handleRuntimeStdio: (stdout, stderr) => {
      for (const stream of [stdout, stderr]) readLines(stream, log);
    },
    defaultPersistRoot: persist,
    compatibilityDate,
    modulesRoot: build,
    modules: [
      ...(entry ? [{ type: "ESModule", path: `${build}entry.js`, contents: entry }] : []),
      { type: "ESModule", path: `${build}index.js` },
      { type: "CompiledWasm", path: `${build}index_bg.wasm` },
    ],
    bindings,
    outboundService: internet,
    durableObjects: {
      OUTBOX: { className: "Outbox", useSQLite: true },
      IMPORT: { className: "Import", useSQLite: true },
      WATCH: { className: "Watch", useSQLite: true },
      FEED: { className: "Feed", useSQLite: true },
    },
  });
  const url = (await miniflare.ready).origin;
  return {
    url,
    tick: async () => (await miniflare.getWorker()).scheduled(),
    async object(binding, name, path, init) {
      const namespace = await miniflare.getDurableObjectNamespace(binding);
      return namespace.get(namespace.idFromName(name)).fetch(`https://object${path}`, init);
    },
    close: () => miniflare.dispose(),
  };
}

function readLines(stream, each) {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    lines.filter((line) => line !== "").forEach(each);
  });
}
