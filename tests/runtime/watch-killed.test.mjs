// The runtime dies again and again while there are alerts to send: no alert is lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { message } from "../../sandbox/commercetools/notifications.mjs";
import { eventually } from "../eventually.mjs";
import { startLasting } from "./harness.mjs";
import { startReceiver } from "./receiver.mjs";

/** Twice as long as an alert may take, since every kill takes some of it. */
const ALERT_MS = 180_000;

test("20 kills lose no alert, and one that was under way comes again with its id", async () => {
  const receiver = await startReceiver();
  const stack = await startLasting({ settings: { ALERT_URL: receiver.url } });
  const kept = async () => (await stack.admin("GET", "/sync/status")).body.alerts;
  const letter = message("OrderCreated", { typeId: "order", id: "o" }, { order: { not: "one" } });
  const idsOf = (state) => () => receiver.ids(state);
  // Somebody has something to do, until it is done; the runtime dies in the middle of telling so.
  receiver.hang();
  await stack.push(letter);
  await eventually("the receiver to be asked", receiver.waits, Boolean, { limitMs: ALERT_MS });
  const [{ id }] = await kept();
  for (let kills = 0; kills < 20; kills++) {
    await stack.kill();
    assert.deepEqual(
      (await kept()).map((alert) => alert.id),
      [id],
      "an alert was lost",
    );
  }
  receiver.goOn();
  await eventually("it to be told", idsOf("began"), (all) => all.has(id), { limitMs: ALERT_MS });
  assert.equal((await stack.admin("DELETE", "/dead-letters?all=true")).status, 204);
  await stack.kill();
  await eventually("its end", idsOf("ended"), (all) => all.has(id), { limitMs: ALERT_MS });
  assert.deepEqual([...receiver.ids("began")], [id]);
  await stack.close();
  await receiver.close();
});
