// A panic in a Durable Object: the log has it with JavaScript's stack, earlier writes of the same turn are undone, and
// the object goes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../eventually.mjs";
import { useStack } from "./harness.mjs";

const stack = useStack();

test("both panic hooks speak, and the object answers the next call", async () => {
  const erased = await stack.worker.object("OUTBOX", "outbox", "/erasures", {
    method: "POST",
    body: "c1",
  });
  assert.equal(erased.status, 201);
  // What is parked first is due in an hour.
  const body = JSON.stringify({ customers: ["c1"], wait_ms: 3_600_000 });
  const panicked = stack.worker.object("OUTBOX", "outbox", "/panic", { method: "POST", body });
  const answered = await panicked.then(
    ({ status }) => status,
    (error) => error.message,
  );
  assert.notEqual(answered, 201);
  const all = () => stack.lines.join("\n");
  // console_error_panic_hook's: the panic, and how JavaScript came there, by functions that have names.
  await eventually("JavaScript's stack in the log", all, (log) =>
    /panicked at[\s\S]*on purpose[\s\S]*Stack:[\s\S]*\bat \S*edge::outbox::/.test(log),
  );
  // The hook of the crate `worker`, which begins the recovery.
  await eventually("the other hook's line", all, (log) => /Rust panic:[\s\S]*on purpose/.test(log));
  assert.equal((await stack.outbox()).waiting, 0, "nothing of the turn is kept");
  const parked = await stack.worker.object("OUTBOX", "outbox", "/erasures/again", {
    method: "POST",
    body,
  });
  assert.equal(parked.status, 201);
  assert.equal((await stack.outbox()).waiting, 1, "the same without a panic is kept");
});
