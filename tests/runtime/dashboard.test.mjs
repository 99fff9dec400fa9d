// How the dashboard's page and its files are served. What the page does: tests/browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startAlone, unreachable } from "./harness.mjs";

let worker;
before(async () => {
  worker = await startAlone(unreachable);
});
after(() => worker.close());

async function files() {
  const { text } = await worker.call("/");
  return [...text.matchAll(/(?:href|src)="(\/dashboard\/[^"]+)"/g)].map(([, path]) => path);
}

test("the page needs no token, and everything that it names is there", async () => {
  const paths = await files();
  assert.ok(paths.length > 5);
  const types = { css: "text/css", js: "text/javascript", svg: "image/svg+xml" };
  for (const path of paths) {
    const { status, headers } = await worker.call(path);
    assert.equal(status, 200, path);
    assert.ok(headers.get("content-type").startsWith(types[path.split(".").pop()]), path);
  }
});

test("page and files carry a strict policy", async () => {
  for (const path of ["/", ...(await files())]) {
    const { headers } = await worker.call(path);
    const policy = headers.get("content-security-policy").split("; ");
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self' data:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ]) {
      assert.ok(policy.includes(rule), `${path}: ${rule}`);
    }
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("cross-origin-opener-policy"), "same-origin");
    assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
  }
});

test("a file that is known is not sent again", async () => {
  for (const path of ["/", ...(await files())]) {
    const { headers } = await worker.call(path);
    const tag = headers.get("etag");
    for (const known of [tag, `W/${tag}`, `"another", ${tag}`]) {
      const again = await worker.call(path, { headers: { "if-none-match": known } });
      assert.equal(again.status, 304, path);
      assert.equal(again.text, "");
      assert.equal(again.headers.get("etag"), tag);
    }
    const other = await worker.call(path, { headers: { "if-none-match": '"another"' } });
    assert.equal(other.status, 200);
  }
});

test("nothing else is there", async () => {
  for (const path of [
    "/dashboard",
    "/dashboard/",
    "/dashboard/mod.rs",
    "/dashboard/../Cargo.toml",
  ]) {
    assert.equal((await worker.call(path)).status, 404, path);
  }
  const wrong = await worker.call("/dashboard/main.js", { method: "POST" });
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.get("allow"), "GET");
});

test("the page is there in every mode", async () => {
  for (const [APP_TYPE, parts] of [
    ["EVENT", ["realtime"]],
    ["BULK_IMPORT", ["imports"]],
    [undefined, ["realtime", "imports"]],
  ]) {
    const one = await startAlone({ ...unreachable, APP_TYPE });
    try {
      const { status, headers } = await one.call("/");
      assert.equal(status, 200);
      assert.match(headers.get("content-type"), /text\/html/);
      assert.deepEqual((await one.call("/health")).body.parts, parts);
    } finally {
      await one.close();
    }
  }
});

test("while the settings are not in order a browser gets the page, others the problems", async () => {
  const one = await startAlone({ ...unreachable, CT_PROJECT_ID: undefined });
  try {
    const page = await one.call("/", { headers: { accept: "text/html,*/*;q=0.8" } });
    assert.equal(page.status, 503);
    assert.match(page.headers.get("content-type"), /text\/html/);
    const list = await one.call("/");
    assert.equal(list.status, 503);
    assert.equal(list.body.code, "not_configured");
    assert.match(list.body.problems.join(), /CT_PROJECT_ID/);
    assert.equal((await one.call("/dashboard/main.js")).status, 200);
  } finally {
    await one.close();
  }
});
