// The steps of the demo with the sample shop: it notifies the worker, as commercetools would, makes a change without a
// notification, imports the shop, and describes what Klaviyo holds afterwards.

import { change, message, pubsub } from "./commercetools/notifications.mjs";
import { sampleShop } from "./shop/index.mjs";
import { ADMIN_TOKEN, PUSH_TOKEN } from "./worker.mjs";

/** Pushes all that the shop has and did; says how many were refused. */
export async function pushShop(workerUrl, say) {
  const shop = sampleShop();
  const about = (typeId, { id }) => ({ typeId, id });
  const transactions = shop.payments.flatMap((payment) =>
    payment.transactions.map((transaction) => ({ payment, transaction })),
  );
  const rounds = {
    categories: shop.categories.map((category) =>
      message("CategoryCreated", about("category", category), { category }),
    ),
    products: shop.products.map((product) =>
      message("ProductPublished", about("product", product)),
    ),
    customers: shop.customers.map((customer) =>
      change("ResourceCreated", about("customer", customer)),
    ),
    "new orders": shop.orders.map((order) =>
      message("OrderCreated", about("order", order), { order: { ...order, orderState: "Open" } }),
    ),
    "order states": shop.orders.map((order) => {
      const { orderState, lastModifiedAt: createdAt } = order;
      return message("OrderStateChanged", about("order", order), { orderState }, { createdAt });
    }),
    "payment transactions": transactions
      .filter(({ payment }) => isOrdered(shop, payment))
      .map(({ payment, transaction }) =>
        message("PaymentTransactionAdded", about("payment", payment), { transaction }),
      ),
  };
  let refused = 0;
  for (const [what, notifications] of Object.entries(rounds)) {
    const statuses = [];
    for (const notification of notifications) statuses.push(await push(workerUrl, notification));
    refused += statuses.filter((status) => status !== 204 && status !== 202).length;
    say(`pushed ${notifications.length} ${what}: ${counted(statuses)}`);
  }
  return refused;
}

/** How long the feed may take, on a machine that does much else. */
const FEED_LIMIT_MS = 60_000;

/** Waits until the worker reads commercetools' Messages. */
export async function feedBegun(workerUrl) {
  // Who asks for its status starts it; in production the cron trigger does, each minute.
  await until("begin", async () => (await administer(workerUrl, "GET", "/feed")).cursor !== null);
}

/** Changes a customer without a push, and waits until the feed has brought that to Klaviyo. */
export async function changeUnpushed(commercetools, store, say) {
  const [{ id, firstName }] = sampleShop().customers;
  const renamed = `${firstName} Maria`;
  const { version } = commercetools.change("customer", id, { firstName: renamed });
  const resource = { typeId: "customer", id };
  const fields = { firstName: renamed };
  commercetools.tell("CustomerFirstNameSet", resource, fields, { resourceVersion: version });
  say("changed a customer's first name in commercetools, and pushed nothing");
  const took = await until(
    "bring it",
    () => store.profileByExternalId(id)?.attributes.first_name === renamed,
  );
  say(`the feed brought it to Klaviyo after ${took.toFixed(1)} s`);
}

/** The seconds until something holds of the feed. */
async function until(what, holds) {
  const began = performance.now();
  while (!(await holds())) {
    if (performance.now() - began > FEED_LIMIT_MS) {
      throw new Error(`the feed did not ${what} within ${FEED_LIMIT_MS / 1000} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return (performance.now() - began) / 1000;
}

/** Waits until what was parked, because of Klaviyo's rate limits, is through. */
export async function drained(workerUrl, say) {
  for (;;) {
    const { outbox } = await administer(workerUrl, "GET", "/sync/status");
    if (outbox.waiting === 0) return outbox;
    say(`${outbox.waiting} notifications are parked until Klaviyo has quota again`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Runs one import of every kind; says how many did not send all that they read. */
export async function importShop(workerUrl, say) {
  let incomplete = 0;
  for (const kind of ["categories", "products", "customers", "orders"]) {
    await administer(workerUrl, "POST", `/sync/${kind}`);
    let run;
    do {
      await new Promise((resolve) => setTimeout(resolve, 200));
      run = (await administer(workerUrl, "GET", `/sync/${kind}`)).current;
    } while (run.state === "running");
    const { state, read, sent, skipped, failed } = run;
    say(
      `import of ${kind} ${state}: ${read} read, ${sent} sent, ${skipped} skipped, ${failed} failed`,
    );
    if (state !== "completed" || failed > 0) incomplete += 1;
  }
  return incomplete;
}

/** What Klaviyo holds, as text. */
export function received(store) {
  const profiles = store.profiles().map(({ attributes: { email, external_id, phone_number } }) => ({
    profile: email,
    "external id": external_id ?? "–",
    phone: phone_number ?? "–",
  }));
  const events = store.events().map(({ metric, uniqueId, time, value, valueCurrency }) => ({
    metric,
    time: new Date(time).toISOString(),
    value,
    currency: valueCurrency,
    "unique id": uniqueId,
  }));
  return [
    `\nKlaviyo holds ${store.categories().length} categories, ${store.items().length} items with ` +
      `${store.variants().length} variants,`,
    `\n${profiles.length} profiles:`,
    table(profiles),
    `\nand ${events.length} events:`,
    table(events.sort((a, b) => a.time.localeCompare(b.time))),
  ].join("\n");
}

async function administer(workerUrl, method, path) {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const response = await fetch(workerUrl + path, { method, headers });
  return response.json();
}

async function push(workerUrl, notification) {
  const response = await fetch(workerUrl, {
    method: "POST",
    headers: { authorization: `Bearer ${PUSH_TOKEN}` },
    body: JSON.stringify(pubsub(notification)),
  });
  await response.arrayBuffer();
  return response.status;
}

function isOrdered(shop, { id }) {
  return shop.orders.some(({ paymentInfo }) =>
    paymentInfo?.payments.some((payment) => payment.id === id),
  );
}

function counted(statuses) {
  const counts = new Map();
  for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} × ${status}`).join(", ");
}

function table(rows) {
  const names = Object.keys(rows[0] ?? {});
  const widths = names.map((name) =>
    Math.max(...[...rows, { [name]: name }].map(cell(name).length)),
  );
  const line = (row) => names.map((name, n) => cell(name).text(row).padEnd(widths[n])).join("  ");
  const head = Object.fromEntries(names.map((name) => [name, name]));
  return [head, ...rows].map((row) => `  ${line(row)}`.trimEnd()).join("\n");
}

function cell(name) {
  const text = (row) => String(row[name] ?? "");
  return { text, length: (row) => text(row).length };
}
