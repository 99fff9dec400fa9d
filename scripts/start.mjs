// The demo: builds the worker, runs it in the real Workers runtime between a commercetools sandbox with a sample shop
// and a Klaviyo sandbox, pushes the shop through it, makes a change without a push (the worker's feed finds it),
// imports the shop, prints what Klaviyo received, and stays up.
//
//   npm start [-- --once]     --once: end after printing

import { installNpmPackages, npmPackagesAreStale } from "./lib/npm.mjs";
import { requireNode } from "./lib/prerequisites.mjs";
import { IS_RELEASE } from "./lib/project.mjs";
import { asProgram, Failure, say } from "./lib/run.mjs";

async function demo({ once }) {
  await ensureWorker();
  // What these import is installed by that.
  const { startCommercetools } = await import("../sandbox/commercetools/server.mjs");
  const { change } = await import("../sandbox/commercetools/notifications.mjs");
  const { sampleShop } = await import("../sandbox/shop/index.mjs");
  const { startKlaviyo } = await import("../sandbox/klaviyo/server.mjs");
  const { settingsFor, startWorker } = await import("../sandbox/worker.mjs");
  const { changeUnpushed, drained, feedBegun, importShop, pushShop, received } = await import(
    "../sandbox/demo.mjs"
  );

  // It takes any token, so that a change by hand needs none.
  const commercetools = await startCommercetools({ auth: false });
  const klaviyo = await startKlaviyo();
  const settings = {
    ...settingsFor(commercetools, klaviyo),
    PREFERRED_LOCALE: "en",
    PREFERRED_CURRENCY: "EUR",
    PRODUCT_URL_TEMPLATE: "https://shop.example.com/{{locale}}/p/{{productSlug}}",
    CONFIG: JSON.stringify({ feed: { mode: "only", everySeconds: 2 } }),
  };
  const worker = await startWorker({ settings, port: await freePort(8787) });
  say(`commercetools sandbox: ${commercetools.url}`);
  say(`Klaviyo sandbox: ${klaviyo.url} (state: ${klaviyo.url}/sandbox/state)`);
  say(`worker: ${worker.url}`);

  await feedBegun(worker.url);
  const refused = await pushShop(worker.url, (line) => say(line));
  const { deadLetters } = await drained(worker.url, (line) => say(line));
  await changeUnpushed(commercetools, klaviyo.store, (line) => say(line));
  const incomplete = await importShop(worker.url, (line) => say(line));
  console.log(received(klaviyo.store));
  if (klaviyo.violations.length > 0 || refused > 0 || deadLetters > 0 || incomplete > 0) {
    throw new Failure("the worker did not deliver the shop as it should");
  }
  if (once) {
    await worker.close();
    await Promise.all([klaviyo.close(), commercetools.close()]);
    return;
  }
  const { PUSH_TOKEN, ADMIN_TOKEN } = settings;
  const [customer, other] = sampleShop().customers;
  const notification = change("ResourceUpdated", { typeId: "customer", id: customer.id });
  const update = { version: other.version, actions: [{ action: "setLocale", locale: "fr" }] };
  console.log(`
It stays up until Ctrl-C. The dashboard:
  ${worker.url}/   the admin token: ${ADMIN_TOKEN}
Push something yourself:
  curl -i '${worker.url}/?token=${PUSH_TOKEN}' -d '${JSON.stringify(notification)}'
Or push nothing: change something in commercetools, and see it arrive at Klaviyo within a minute by the feed
  curl '${commercetools.url}/${commercetools.projectKey}/customers/${other.id}' -H 'Content-Type: application/json' -d '${JSON.stringify(update)}'
  curl -H 'Authorization: Bearer ${ADMIN_TOKEN}' ${worker.url}/feed
Import all orders once more, and see how far it is:
  curl -X POST -H 'Authorization: Bearer ${ADMIN_TOKEN}' ${worker.url}/sync/orders
  curl -H 'Authorization: Bearer ${ADMIN_TOKEN}' ${worker.url}/sync/status
See what was kept for a person:
  curl -H 'Authorization: Bearer ${ADMIN_TOKEN}' ${worker.url}/dead-letters`);
}

/** Makes sure that build/ holds the worker, and that the npm packages of package-lock.json are installed. */
async function ensureWorker() {
  if (IS_RELEASE) {
    requireNode();
    if (npmPackagesAreStale()) await installNpmPackages();
  } else {
    // The archive of a release does not contain it.
    const { build } = await import("./build.mjs");
    await build();
  }
}

/** The preferred port if it is free, else any. */
async function freePort(preferred) {
  const { createServer } = await import("node:net");
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(0));
    probe.listen(preferred, "127.0.0.1", () => probe.close(() => resolve(preferred)));
  });
}

await asProgram(import.meta.url, (args) => demo({ once: args.includes("--once") }));
