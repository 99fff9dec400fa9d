// `npm run subscriptions -- --messages`: what it switches on, and what it does not change.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { withProject } from "./harness.mjs";

const PATH = /^\/sandbox-shop$/;
const OFF = { enabled: false, deleteDaysAfterCreation: 15 };

/** A project whose Messages are as `messages` says; its client may change it, and do nothing else. */
const withMessages = (messages, work, scopes = ["manage_project"]) =>
  withProject(
    async (project) => {
      project.sandbox.setMessages(messages);
      project.write(JSON.stringify({ commercetools: addressOf(project) }));
      await work(project, (...args) => project.run(["--messages", ...args]));
    },
    { scopes },
  );

const addressOf = ({ sandbox: { credentials, projectKey } }) => {
  const { authUrl, apiUrl } = credentials;
  return { authUrl, apiUrl, projectKey };
};

const there = ({ sandbox }) => sandbox.messages();

test("Messages are switched on, and found so", () =>
  withMessages(OFF, async (project, run) => {
    assert.deepEqual(await run(), {
      lines: ["enabled    messages: kept for 15 days"],
      error: null,
      waits: [],
    });
    assert.deepEqual(there(project), { enabled: true, deleteDaysAfterCreation: 15 });
    assert.deepEqual((await run()).lines, ["unchanged  messages: on, kept for 15 days"]);
    assert.deepEqual(project.writes(), ["POST"]);
  }));

for (const [days, words] of [
  [1, "1 day"],
  [90, "90 days"],
]) {
  test(`a retention of ${words} stays`, () =>
    withMessages({ enabled: false, deleteDaysAfterCreation: days }, async (project, run) => {
      assert.deepEqual((await run()).lines, [`enabled    messages: kept for ${words}`]);
      assert.equal(there(project).deleteDaysAfterCreation, days);
    }));
}

test("a project without a retention gets commercetools' own", () =>
  withMessages({ enabled: false, deleteDaysAfterCreation: undefined }, async (project, run) => {
    assert.deepEqual((await run()).lines, ["enabled    messages: kept for 15 days"]);
    assert.deepEqual(there(project), { enabled: true, deleteDaysAfterCreation: 15 });
  }));

test("--dry-run says what would be done, and changes nothing", () =>
  withMessages(OFF, async (project, run) => {
    const { lines } = await run("--dry-run");
    assert.deepEqual(lines, ["would enable messages: kept for 15 days"]);
    assert.deepEqual([there(project), project.writes()], [OFF, []]);
    await run();
    assert.deepEqual((await run("--dry-run")).lines, ["unchanged  messages: on, kept for 15 days"]);
  }));

test("subscriptions of the same file are left alone, and their secrets not asked for", () =>
  withMessages(OFF, async (project, run) => {
    const accessKey = { env: "NOBODY_SET_THIS" };
    const destination = { type: "EventGrid", uri: "https://x.example", accessKey };
    project.describe({ destination });
    assert.deepEqual((await run()).lines, ["enabled    messages: kept for 15 days"]);
    assert.deepEqual(await project.present(), []);
  }));

describe("the worker's wrangler.toml", () => {
  const file = (vars) => `name = "x"\n[vars]\n${vars}\n[env.other.vars]\nCT_PROJECT_ID = "other"\n`;
  const runWith = async (vars, work) =>
    withMessages(OFF, async (project) => {
      const path = `${project.path}.toml`;
      writeFileSync(path, file(vars(addressOf(project))));
      await work(await project.run(["--messages"], {}, path), project);
    });

  test("says which project it is", () =>
    runWith(
      ({ authUrl, apiUrl, projectKey }) =>
        `CT_AUTH_URL = "${authUrl}"  # theirs\nCT_API_URL='${apiUrl}'\nCT_PROJECT_ID = "${projectKey}"`,
      ({ lines }) => assert.deepEqual(lines, ["enabled    messages: kept for 15 days"]),
    ));

  test("that does not say it: nothing is done", () =>
    runWith(
      ({ authUrl }) => `CT_AUTH_URL = "${authUrl}"\n# CT_API_URL = "https://api"`,
      ({ error }, project) => {
        assert.match(
          error,
          /^nothing was done:\n.*: set CT_API_URL, CT_PROJECT_ID under \[vars\]$/,
        );
        assert.deepEqual(there(project), OFF);
      },
    ));
});

describe("what goes wrong", () => {
  const faulted = (rule, work) =>
    withMessages(OFF, async (project, run) => {
      project.sandbox.faults.add({ path: PATH, ...rule });
      await work(await run(), project);
    });

  for (const [name, rule, waits] of [
    ["a reply that is lost", { method: "POST", times: 1, after: true, reset: true }, [1000]],
    ["an outage", { method: "GET", times: 2, status: 503 }, [1000, 2000]],
    ["a limit", { times: 1, status: 429, headers: { "retry-after": "7" } }, [7000]],
  ]) {
    test(`${name} is tried again`, () =>
      faulted(rule, ({ lines, error, waits: waited }, project) => {
        assert.deepEqual([error, waited], [null, waits]);
        assert.deepEqual(lines, ["enabled    messages: kept for 15 days"]);
        assert.equal(there(project).enabled, true);
      }));
  }

  test("a change by somebody else meanwhile: it is tried again with the new version", () =>
    withMessages(OFF, async (project, run) => {
      const { fetch } = globalThis;
      globalThis.fetch = (url, init) => {
        if (
          init.method === "POST" &&
          project.writes().length === 0 &&
          url.endsWith("/sandbox-shop")
        )
          project.sandbox.setMessages({ deleteDaysAfterCreation: 30 });
        return fetch(url, init);
      };
      const { lines, error, waits } = await run().finally(() => {
        globalThis.fetch = fetch;
      });
      assert.deepEqual([lines, error], [["enabled    messages: kept for 30 days"], null]);
      assert.deepEqual([waits, project.writes()], [[1000], ["POST", "POST"]]);
    }));

  for (const [status, body, expected] of [
    [400, { message: "Their words." }, /refused it: Their words\. \(refused\)$/],
    [403, { message: "Their words." }, /manage_project:sandbox-shop.*\(scope_missing\)$/],
    [404, { message: "Their words." }, /Their words\. Check projectKey \(not_found\)$/],
  ]) {
    test(`${status} is said`, () =>
      faulted({ method: "POST", status, body }, ({ lines, error, waits }, project) => {
        assert.match(error, expected);
        assert.deepEqual([lines, waits, there(project)], [[], [], OFF]);
      }));
  }

  test("a client without the scope", () =>
    withMessages(
      OFF,
      async (project, run) => {
        const { error } = await run();
        assert.match(
          error,
          /may not change the project\. Give it the scope manage_project:sandbox-shop.*\(scope_missing\)$/,
        );
        assert.deepEqual(there(project), OFF);
      },
      ["manage_subscriptions", "view_project_settings"],
    ));

  for (const other of ["delete", "reconnect", "recreate"]) {
    test(`--${other} at once is refused`, () =>
      withMessages(OFF, async (project, run) => {
        const { error } = await run(`--${other}`);
        assert.match(error, /exclude each other/);
        assert.deepEqual(there(project), OFF);
      }));
  }
});
