// A panic in a Durable Object: it is in the log with JavaScript's stack, and the object goes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../eventually.mjs";
import { useStack } from "./harness.mjs";

const stack = useStack();

test("both panic hooks speak, and the object answers the next call", async () => {
  const panicked = stack.worker.object("OUTBOX", "outbox", "/panic", { method: "POST" });
  const answered = await panicked.then(
    ({ status }) => status,
    (error) => error.message,
  );
  assert.notEqual(answered, 201);
  const all = () => stack.lines.join("\n");
  // console_error_panic_hook's: the panic, and how JavaScript came there.
  await eventually("JavaScript's stack in the log", all, (log) =>
    /panicked at[\s\S]*on purpose[\s\S]*Stack:[\s\S]*\bat /.test(log),
  );
  // The hook of the crate `worker`, which begins the recovery.
  await eventually("the other hook's line", all, (log) => /Rust panic:[\s\S]*on purpose/.test(log));
  assert.equal((await stack.outbox()).waiting, 0);
});
