// The ways by which data reach Klaviyo: how the work of each begins, and when it has ended.
//
// `begin` returns a promise for the senders' part: a broker repeats what is not accepted, an operator resumes what
// failed. Not here: the faults meanwhile (faults.mjs).

import { change, message } from "../sandbox/commercetools/notifications.mjs";
import { PUSH_TOKEN } from "../sandbox/worker.mjs";
import { eventually } from "../tests/eventually.mjs";
import { about } from "../tests/runtime/documents.mjs";
import { begin as beginFeed, feed } from "../tests/runtime/feeds.mjs";
import { isPlaced } from "./shop.mjs";

/** Small pages, so that a fault finds an import in the middle. */
const CONFIG = { import: { pageSize: 10 } };

/** As Google Pub/Sub waits for an answer before it sends again. */
const BROKER_WAITS_MS = 10_000;
const BROKER_PAUSE_MS = 300;
const BROKER_AT_ONCE = 6;

export const KINDS = ["categories", "products", "customers", "orders"];

const ALL = ["categories", "items", "profiles", "orders"];
const BRINGS = { products: "items", customers: "profiles" };

/** `brings` names what of commercetools has to be at Klaviyo in the end (cell.mjs). */
export const WAYS = {
  realtime: { brings: ALL, settings: { CONFIG: JSON.stringify(CONFIG) }, begin: pushAll },
  feed: {
    brings: ALL,
    settings: { ...feed(), CONFIG: JSON.stringify({ ...CONFIG, ...JSON.parse(feed().CONFIG) }) },
    prepare: beginFeed,
    begin: tellAll,
  },
  ...Object.fromEntries(
    KINDS.map((kind) => [
      `import of ${kind}`,
      {
        brings: [BRINGS[kind] ?? kind],
        settings: { CONFIG: JSON.stringify(CONFIG) },
        begin: (stack) => startImport(stack, kind),
        isDone: async (stack) => (await currentRun(stack, kind))?.state === "completed",
        mend: (stack) => resume(stack, kind),
      },
    ]),
  ),
};

/** What is told of the shop: each resource was changed, each order placed or in another state, each refund made. */
export function tellings({ categories, products, customers, orders, payments }) {
  const changed = (typeId) => (document) => ({ change: [typeId, document] });
  return [
    ...categories.map(changed("category")),
    ...products.map(changed("product")),
    ...customers.map(changed("customer")),
    ...orders.map((order) => {
      const { orderState } = order;
      return isPlaced(order)
        ? { message: ["OrderCreated", about("order", order), { order }] }
        : { message: ["OrderStateChanged", about("order", order), { orderState }] };
    }),
    ...payments.flatMap((payment) =>
      payment.transactions
        .filter(({ type }) => type === "Refund")
        .map((transaction) => ({
          message: ["PaymentTransactionAdded", about("payment", payment), { transaction }],
        })),
    ),
  ];
}

/** The answers are added to `answers`. */
async function pushAll(stack, { shop, spreadMs, answers }) {
  const notifications = tellings(shop).map(({ change: changed, message: told }) =>
    told
      ? message(told[0], told[1], told[2])
      : change("ResourceUpdated", about(changed[0], changed[1])),
  );
  const began = performance.now();
  let next = 0;
  const sender = async () => {
    for (;;) {
      const n = next;
      next += 1;
      if (n >= notifications.length) return;
      const due = began + (spreadMs * n) / notifications.length;
      await pause(Math.max(0, due - performance.now()));
      await deliver(stack, notifications[n], answers);
    }
  };
  await Promise.all(Array.from({ length: BROKER_AT_ONCE }, sender));
}

/** As a broker does: again and again, until it is taken. */
export async function deliver(stack, notification, answers) {
  for (;;) {
    const answer = await send(stack, notification).catch(() => undefined);
    if (answer) answers.push(answer);
    if ([200, 202, 204].includes(answer?.status)) return;
    await pause(BROKER_PAUSE_MS);
  }
}

async function send(stack, notification) {
  const response = await fetch(stack.worker.url, {
    method: "POST",
    headers: { authorization: `Bearer ${PUSH_TOKEN}` },
    body: JSON.stringify(notification),
    signal: AbortSignal.timeout(BROKER_WAITS_MS),
  });
  return { status: response.status, text: await response.text() };
}

/** Nobody pushes: commercetools has messages, and documents of a new version. */
async function tellAll({ commercetools, told: which }, { shop, spreadMs }) {
  const all = tellings(shop).filter((telling) => which !== "messages" || telling.message);
  all.forEach(({ change: changed, message: told }, n) => {
    const options = { delayMs: (spreadMs * n) / all.length };
    if (told) commercetools.tell(...told, options);
    else commercetools.change(changed[0], changed[1].id, {}, options);
  });
}

async function startImport(stack, kind) {
  await eventually(
    `the import of ${kind} to be taken on`,
    () => stack.admin("POST", `/sync/${kind}`).catch(() => undefined),
    (answer) => [202, 423].includes(answer?.status),
    { limitMs: 60_000, everyMs: 200 },
  );
}

export async function currentRun(stack, kind) {
  const answer = await stack.admin("GET", `/sync/${kind}`).catch(() => undefined);
  return answer?.body?.current;
}

/** What an operator does with a run that failed: resumes it. Gives the run's error, if it had failed. */
async function resume(stack, kind) {
  const run = await currentRun(stack, kind);
  if (run?.state !== "failed") return undefined;
  await stack.admin("POST", `/sync/${kind}/resume`).catch(() => undefined);
  return run.error?.code;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
