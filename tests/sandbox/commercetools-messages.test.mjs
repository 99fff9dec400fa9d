// The Messages of the commercetools sandbox, and the controls for when they come and with which stamp.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEFAULT_SCOPES } from "../../sandbox/commercetools/resources.mjs";
import { connect, ids, shop, withSandbox } from "./commercetools-client.mjs";

const ORDER = { typeId: "order", id: shop.orders[0].id };
const START = Date.parse("2026-11-30T12:00:00.000Z");
const DAY_MS = 86_400_000;

/** A sandbox whose clock a test moves. */
function withClock(work, options = {}) {
  let time = START;
  const pass = (ms) => {
    time += ms;
  };
  return withSandbox({ now: () => time, tokenSeconds: 100 * 86_400, ...options }, async (sandbox) =>
    work({ sandbox, pass, get: await connect(sandbox) }),
  );
}

const SORTED = { sort: ["createdAt asc", "id asc"], withTotal: false };

test("a message is served as the Messages API shows it", () =>
  withClock(async ({ sandbox, get }) => {
    const { id } = sandbox.tell("OrderStateChanged", ORDER, { orderState: "Complete" });
    const { status, body } = await get("messages", SORTED);
    assert.equal(status, 200);
    const [{ notificationType, projectKey, ...message }] = body.results;
    assert.deepEqual([notificationType, projectKey], [undefined, undefined]);
    assert.deepEqual([message.id, message.orderState, message.resource], [id, "Complete", ORDER]);
    assert.equal(message.createdAt, new Date(START).toISOString());
    assert.equal((await get(`messages/${id}`)).body.id, id);
    assert.equal((await get("messages", SORTED, { method: "POST" })).status, 405);
  }));

test("pages by stamp and id have each of many messages of one millisecond once", () =>
  withClock(async ({ sandbox, get }) => {
    for (let number = 0; number < 1_201; number += 1) sandbox.tell("OrderCreated", ORDER);
    const seen = [];
    for (let where = []; ; ) {
      const { body } = await get("messages", { ...SORTED, limit: 500, where });
      seen.push(...ids(body.results));
      if (body.count < 500) break;
      const { createdAt, id } = body.results.at(-1);
      where = [`createdAt > "${createdAt}" or (createdAt = "${createdAt}" and id > "${id}")`];
    }
    assert.equal(seen.length, 1_201);
    assert.equal(new Set(seen).size, 1_201);
  }));

test("a message may become readable late, and be stamped by a clock that is off", () =>
  withClock(async ({ sandbox, pass, get }) => {
    const late = sandbox.tell("OrderCreated", ORDER, {}, { delayMs: 290_000, skewMs: -5_000 });
    assert.equal(late.createdAt, new Date(START - 5_000).toISOString());
    pass(289_999);
    assert.deepEqual((await get("messages", SORTED)).body.results, []);
    pass(1);
    assert.deepEqual(ids((await get("messages", SORTED)).body.results), [late.id]);
  }));

test("however fast the clock goes, every message becomes readable", () => {
  let time = START;
  const now = () => {
    time += 1;
    return time;
  };
  return withSandbox({ now, tokenSeconds: 100 * 86_400 }, async (sandbox) => {
    const get = await connect(sandbox);
    const told = Array.from({ length: 100 }, (_, n) =>
      sandbox.tell("OrderCreated", ORDER, {}, { delayMs: n * 20 }),
    );
    time += 2_000;
    const { body } = await get("messages", { ...SORTED, limit: 500 });
    assert.equal(body.count, told.length);
  });
});

test("a document that is changed becomes readable late, too", () =>
  withClock(async ({ sandbox, pass, get }) => {
    const { id, version } = shop.customers[0];
    sandbox.change("customer", id, { locale: "fr" }, { delayMs: 1_000, skewMs: 5_000 });
    assert.equal((await get(`customers/${id}`)).body.version, version);
    pass(1_000);
    const { body } = await get(`customers/${id}`);
    assert.deepEqual([body.version, body.locale], [version + 1, "fr"]);
    assert.equal(body.lastModifiedAt, new Date(START + 5_000).toISOString());
  }));

test("messages are kept for the retention, and not at all while they are off", () =>
  withClock(async ({ sandbox, pass, get }) => {
    sandbox.setMessages({ enabled: false });
    sandbox.tell("OrderCreated", ORDER);
    sandbox.setMessages({ enabled: true, deleteDaysAfterCreation: 2 });
    const kept = sandbox.tell("OrderCreated", ORDER);
    assert.deepEqual((await get("")).body.messages, { enabled: true, deleteDaysAfterCreation: 2 });
    assert.deepEqual(ids((await get("messages", SORTED)).body.results), [kept.id]);
    pass(2 * DAY_MS + 1);
    assert.deepEqual((await get("messages", SORTED)).body.results, []);
    sandbox.reset();
    assert.equal((await get("")).body.messages.deleteDaysAfterCreation, 15);
  }));

test("messages need a scope of their own", () =>
  withClock(
    async ({ get }) => {
      const { status, body } = await get("messages");
      assert.equal(status, 403);
      assert.match(body.message, /view_messages/);
    },
    { scopes: DEFAULT_SCOPES.filter((scope) => scope !== "view_messages") },
  ));

test("an answer is dated by the project's clock", () =>
  withClock(async ({ sandbox, pass }) => {
    pass(3_600_000);
    const { headers } = await fetch(`${sandbox.url}/${sandbox.projectKey}`);
    assert.equal(Date.parse(headers.get("date")), START + 3_600_000);
  }));

describe("the project's MessagesConfiguration", () => {
  const changing = (messagesConfiguration) => ({
    version: 1,
    actions: [{ action: "changeMessagesConfiguration", messagesConfiguration }],
  });
  const posted = async (sandbox, update) => {
    const call = await connect(sandbox);
    return call("", {}, { method: "POST", body: JSON.stringify(update) });
  };

  test("is changed with the project's version", () =>
    withSandbox({ scopes: ["manage_project"] }, async (sandbox) => {
      const messages = { enabled: false, deleteDaysAfterCreation: 30 };
      const { status, body } = await posted(sandbox, changing(messages));
      assert.deepEqual([status, body.version, body.messages], [200, 2, messages]);
      const stale = await posted(sandbox, changing({ ...messages, enabled: true }));
      const [{ code, currentVersion }] = stale.body.errors;
      assert.deepEqual([stale.status, code, currentVersion], [409, "ConcurrentModification", 2]);
      assert.deepEqual(sandbox.messages(), messages);
    }));

  for (const [name, update, expected] of [
    ["no version", { actions: [] }, "InvalidJsonInput"],
    ["no actions", { version: 1 }, "InvalidJsonInput"],
    ["another action", { version: 1, actions: [{ action: "changeName" }] }, "InvalidJsonInput"],
    ["no configuration", changing(undefined), "InvalidJsonInput"],
    ["no days", changing({ enabled: true }), "InvalidJsonInput"],
    ["no switch", changing({ deleteDaysAfterCreation: 15 }), "InvalidJsonInput"],
    ["0 days", changing({ enabled: true, deleteDaysAfterCreation: 0 }), "InvalidInput"],
    ["91 days", changing({ enabled: true, deleteDaysAfterCreation: 91 }), "InvalidInput"],
  ]) {
    test(`is not changed by an update with ${name}`, () =>
      withSandbox({ scopes: ["manage_project"] }, async (sandbox) => {
        const before = sandbox.messages();
        const { status, body } = await posted(sandbox, update);
        assert.deepEqual([status, body.errors[0].code], [400, expected]);
        assert.deepEqual(sandbox.messages(), before);
      }));
  }

  test("is not changed by who may only read it, or change settings", () =>
    withSandbox(
      { scopes: ["view_project_settings", "manage_project_settings"] },
      async (sandbox) => {
        const update = changing({ enabled: false, deleteDaysAfterCreation: 30 });
        assert.equal((await posted(sandbox, update)).status, 403);
      },
    ));
});
