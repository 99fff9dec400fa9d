// Load: 200 pushes in parallel for a minute beside four imports, and the drain of an outbox with 200,000 rows. It
// counts losses and duplicates; `npm run bench` measures the speed.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { message, payloadNotIncluded } from "../sandbox/commercetools/notifications.mjs";
import { generateShop } from "../sandbox/shop/generate.mjs";
import { eventually } from "../tests/eventually.mjs";
import { about } from "../tests/runtime/documents.mjs";
import { orderLike } from "../tests/runtime/feeds.mjs";
import { HASTY, startLasting } from "../tests/runtime/harness.mjs";
import { tortureShop } from "./shop.mjs";
import { currentRun, deliver, KINDS } from "./ways.mjs";

const PARALLEL = 200;
const PUSHING_MS = 60_000;
const SHOP = { customers: 300, orders: 400, products: 60 };
const ROWS = Number(process.env.ROWS ?? 200_000);

/** Rows of one push that is a list: its body stays below 10 MB. */
const ROWS_PER_PUSH = 10_000;
const DRAINED_MS = 3_600_000;

/** Both, one after the other; gives the rows and what is wrong with them. */
export async function load({ folder, tell }) {
  const rows = [await pushesBesideImports(tell), await largeOutbox(tell)];
  writeFileSync(join(folder, "load.json"), `${JSON.stringify(rows, null, 2)}\n`);
  const problems = rows.flatMap(({ what, lost, doubled, problems: more = [] }) => [
    ...(lost + doubled > 0 ? [`${what}: ${lost} lost, ${doubled} doubled`] : []),
    ...more.map((problem) => `${what}: ${problem}`),
  ]);
  return { rows, problems };
}

/** Each push tells of an order of its own; four imports read the whole shop meanwhile. */
async function pushesBesideImports(tell) {
  const shop = tortureShop(SHOP);
  const open = shop.orders.filter(({ orderState }) => orderState === "Open");
  const stack = await startLasting({
    commercetools: { shop },
    klaviyo: { sdk: false },
    settings: HASTY,
  });
  try {
    for (const kind of KINDS) {
      const { status, text } = await stack.admin("POST", `/sync/${kind}`);
      if (status !== 202) throw new Error(`the import of ${kind} was answered ${status}: ${text}`);
    }
    const end = performance.now() + PUSHING_MS;
    const statuses = {};
    const pushed = [];
    const sender = async () => {
      while (performance.now() < end) {
        const order = orderLike(open[pushed.length % open.length], pushed.length);
        pushed.push(order.id);
        stack.commercetools.put("order", order);
        const answers = [];
        await deliver(stack, message("OrderCreated", about("order", order), { order }), answers);
        for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, sender));
    tell(`load: ${pushed.length} pushes in a minute, answered ${JSON.stringify(statuses)}`);
    const began = performance.now();
    await stack.drained({ limitMs: DRAINED_MS, everyMs: 500 });
    const runs = [];
    for (const kind of KINDS) runs.push(await completed(stack, kind));
    const restSeconds = Math.round((performance.now() - began) / 1_000);
    const placed = stack.klaviyo.store.events({ metric: "Placed Order" });
    const known = new Map();
    for (const { uniqueId } of placed) known.set(uniqueId, (known.get(uniqueId) ?? 0) + 1);
    const wanted = [...pushed, ...open.map(({ id }) => id)];
    const row = {
      what: `${PARALLEL} pushes in parallel for a minute beside four imports`,
      pushes: pushed.length,
      statuses,
      restSeconds,
      lost: wanted.filter((id) => !known.has(id)).length,
      doubled: [...known.values()].filter((count) => count > 1).length,
      problems: runs.flatMap(({ kind, state, read, sent, skipped, failed }) => [
        ...(state === "completed" ? [] : [`the import of ${kind} is ${state}`]),
        ...(read === sent + skipped + failed ? [] : [`the import of ${kind} does not add up`]),
      ]),
    };
    tell(`load: ${row.lost} lost, ${row.doubled} doubled, at rest after ${restSeconds} s`);
    return row;
  } finally {
    await stack.close();
  }
}

async function completed(stack, kind) {
  const isOver = (run) => run && !["running", "stopping"].includes(run.state);
  const look = () => currentRun(stack, kind);
  return eventually(`the import of ${kind} to end`, look, isOver, { limitMs: DRAINED_MS });
}

/**
 * Rows of that many customers wait while Klaviyo is out, and are drained once it is back. They were created: what was
 * changed goes one by one, 750 a minute by Klaviyo's limits.
 */
async function largeOutbox(tell) {
  const { customers } = generateShop({ customers: ROWS, orders: 0, products: 0 });
  for (const customer of customers) customer.addresses = [];
  const stack = await startLasting({
    commercetools: { shop: { customers } },
    klaviyo: { sdk: false },
    settings: { ...HASTY, PUSH_PATIENCE_MS: "120000" },
  });
  try {
    const back = stack.klaviyo.faults.add({ status: 503 });
    const began = performance.now();
    for (let from = 0; from < customers.length; from += ROWS_PER_PUSH) {
      const some = customers.slice(from, from + ROWS_PER_PUSH);
      const list = some.map((customer) =>
        payloadNotIncluded(message("CustomerCreated", about("customer", customer))),
      );
      await deliver(stack, list, []);
    }
    const { waiting } = await stack.outbox();
    const filledSeconds = Math.round((performance.now() - began) / 1_000);
    tell(`load: ${waiting} rows wait after ${filledSeconds} s`);
    back();
    const drainBegan = performance.now();
    await stack.drained({ limitMs: DRAINED_MS, everyMs: 1_000 });
    const restSeconds = Math.round((performance.now() - drainBegan) / 1_000);
    const held = new Set(stack.klaviyo.store.profiles().map((profile) => profile.external_id));
    const row = {
      what: `the outbox with ${ROWS} rows drained`,
      waiting,
      filledSeconds,
      restSeconds,
      rowsPerSecond: Math.round(ROWS / restSeconds),
      lost: customers.filter(({ id }) => !held.has(id)).length,
      doubled: Math.max(0, stack.klaviyo.store.profiles().length - ROWS),
      problems: waiting === ROWS ? [] : [`${waiting} of ${ROWS} rows waited`],
    };
    tell(`load: drained in ${restSeconds} s, ${row.lost} lost, ${row.doubled} doubled`);
    return row;
  } finally {
    await stack.close();
  }
}
