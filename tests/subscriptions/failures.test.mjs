// The installer if commercetools refuses, does not answer, or its answer is lost.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EXAMPLES, withProject } from "./harness.mjs";

const PUBSUB = EXAMPLES["Pub/Sub"];
const OTHER = { destination: { ...PUBSUB.destination, topic: "other" } };
const PATH = "/sandbox-shop/subscriptions";

/** Runs `work`, and shows `spy` each request before it is made. */
async function spied(spy, work) {
  const { fetch } = globalThis;
  globalThis.fetch = (url, init) => {
    spy(url, init);
    return fetch(url, init);
  };
  try {
    return await work();
  } finally {
    globalThis.fetch = fetch;
  }
}

describe("a lost reply is not repeated", () => {
  test("of a creation", async () => {
    await withProject(async (project) => {
      project.describe(PUBSUB);
      project.sandbox.faults.add({
        method: "POST",
        path: PATH,
        times: 1,
        after: true,
        reset: true,
      });
      const { lines, error, waits } = await project.run();
      assert.deepEqual([lines.length, error, waits], [1, null, [1000]]);
      assert.match(lines[0], /^created/);
      assert.deepEqual(project.writes(), ["POST"]);
      assert.equal((await project.present()).length, 1);
    });
  });

  test("of an update", async () => {
    await withProject(async (project) => {
      project.describe(PUBSUB);
      await project.run();
      project.describe(OTHER);
      const rule = { method: "POST", path: PATH, times: 1, after: true, status: 502 };
      project.sandbox.faults.add(rule);
      const { lines, error } = await project.run();
      assert.deepEqual([lines, error], [["updated    klaviyo: destination"], null]);
      assert.deepEqual(project.writes(), ["POST", "POST"]);
    });
  });

  test("of a deletion", async () => {
    await withProject(async (project) => {
      project.describe(PUBSUB);
      await project.run();
      const rule = { method: "DELETE", path: PATH, times: 1, after: true, reset: true };
      project.sandbox.faults.add(rule);
      const { lines, error } = await project.run(["--delete"]);
      assert.deepEqual([lines, error], [["deleted    klaviyo"], null]);
      assert.deepEqual(project.writes(), ["POST", "DELETE"]);
    });
  });

  for (const method of ["DELETE", "POST"]) {
    test(`of the ${method} of a recreation`, async () => {
      await withProject(async (project) => {
        project.describe(PUBSUB);
        await project.run();
        project.describe({ ...PUBSUB, format: "CloudEvents" });
        project.sandbox.faults.add({ method, path: PATH, times: 1, after: true, reset: true });
        const { lines, error } = await project.run(["--recreate"]);
        assert.deepEqual([lines.length, error], [1, null]);
        assert.match(lines[0], /^recreated/);
        assert.deepEqual(project.writes(), ["POST", "DELETE", "POST"]);
      });
    });
  }
});

for (const after of [true, false]) {
  test(`a new secret is sent until that was answered, with a failure ${after ? "after" : "before"} its effect`, async () => {
    await withProject(async (project) => {
      project.describe(EXAMPLES["Event Grid"]);
      await project.run();
      const rule = { method: "POST", path: PATH, times: 1, after, status: 503 };
      project.sandbox.faults.add(rule);
      const { lines, error } = await project.run(["--reconnect"], { GRID_KEY: "the-next" });
      assert.deepEqual([lines, error], [["updated    klaviyo: destination"], null]);
      const [there] = await project.present();
      assert.equal(project.stored(there).destination.accessKey, "the-next");
    });
  });
}

test("a change by somebody else between reading and writing is read, and laid over", async () => {
  await withProject(async (project) => {
    project.describe(PUBSUB);
    await project.run();
    const [there] = await project.present();
    project.describe(OTHER);
    let changed = false;
    const change = (url, { method }) => {
      if (changed || method !== "POST" || !url.includes(PATH)) return;
      project.sandbox.put("subscription", { ...there, version: 7 });
      changed = true;
    };
    const { lines, error } = await spied(change, () => project.run());
    assert.deepEqual([lines, error], [["updated    klaviyo: destination"], null]);
    assert.deepEqual(project.writes(), ["POST", "POST", "POST"]);
    assert.deepEqual((await project.run()).lines, ["unchanged  klaviyo"]);
  });
});

describe("commercetools that cannot answer", () => {
  const after = { "retry-after": "7" };
  const cases = [
    ["that limits, and then answers", { status: 429, times: 2, headers: after }, [7000, 7000]],
    ["that is down for a while", { status: 503, times: 3 }, [1000, 2000, 4000]],
    ["that cuts the line once", { reset: true, times: 1 }, [1000]],
  ];
  for (const path of ["/oauth/token", PATH]) {
    for (const [name, rule, waits] of cases) {
      test(`${path} ${name}: is tried again`, async () => {
        await withProject(async (project) => {
          project.describe(PUBSUB);
          project.sandbox.faults.add({ path, ...rule });
          const done = await project.run();
          assert.deepEqual([done.error, done.waits], [null, waits]);
          assert.match(done.lines[0], /^created/);
        });
      });
    }
  }

  test("at all is given up after four tries, and said", async () => {
    await withProject(async (project) => {
      project.describe(PUBSUB);
      project.sandbox.faults.add({ path: PATH, status: 503, body: { message: "Over capacity." } });
      const { lines, error, waits } = await project.run();
      assert.deepEqual(waits, [1000, 2000, 4000]);
      assert.deepEqual(lines, [
        "failed     klaviyo: commercetools answered 503: Over capacity. Run this again: it goes on where it stopped (commercetools_unavailable)",
      ]);
      assert.equal(error, "not as the file says: klaviyo");
    });
  });
});

describe("commercetools that refuses", () => {
  const client = (clientId, secret) => JSON.stringify({ clientId, secret });

  test("the API client: its code and words, and what to check", async () => {
    await withProject(async (project) => {
      project.describe(PUBSUB);
      const env = { CT_SUBSCRIPTIONS_CLIENT: client("sandbox-client", "wrong") };
      const { error, waits } = await project.run([], env);
      assert.match(error, /provide valid client credentials.* Check its id and secret/);
      assert.match(error, /\(client_refused\)$/);
      assert.deepEqual([waits, project.writes()], [[], []]);
    });
  });

  test("the scope, for a client that may do other things", async () => {
    const scopes = ["view_orders", "manage_customers"];
    await withProject(
      async (project) => {
        project.describe(PUBSUB);
        const { error } = await project.run();
        assert.match(
          error,
          /Give it the scope manage_subscriptions:sandbox-shop.*\(scope_missing\)$/,
        );
        assert.deepEqual(project.writes(), []);
      },
      { scopes },
    );
  });

  const detailed = {
    message: "Request body does not contain valid JSON.",
    errors: [{ code: "InvalidJsonInput", detailedErrorMessage: "destination: Missing field" }],
  };
  const words = { message: "Their words." };
  const cases = [
    [400, detailed, /valid JSON\. destination: Missing field\. \(refused\)$/],
    [400, words, /commercetools refused it: Their words\. \(refused\)$/],
    [400, "<html>", /refused it: status 400 without a message\. \(refused\)$/],
    [
      401,
      words,
      /Their words\. Check that authUrl and apiUrl are of the same .*\(token_refused\)$/,
    ],
    [403, words, /Give it the scope manage_subscriptions:sandbox-shop.*\(scope_missing\)$/],
    [404, words, /Their words\. Check projectKey \(not_found\)$/],
    [413, words, /Their words\. \(refused\)$/],
  ];
  for (const [status, body, expected] of cases) {
    test(`a creation, with ${status} and ${JSON.stringify(body)}`, async () => {
      await withProject(async (project) => {
        project.describe(PUBSUB);
        project.sandbox.faults.add({ method: "POST", path: PATH, times: 1, status, body });
        const { lines, error, waits } = await project.run();
        assert.match(lines[0], /^failed {5}klaviyo: /);
        assert.match(lines[0], expected);
        assert.deepEqual([lines.length, error, waits], [1, "not as the file says: klaviyo", []]);
      });
    });
  }

  test("nothing more than it needs is asked for", async () => {
    const scopes = ["manage_subscriptions", "view_project_settings", "manage_project"];
    await withProject(
      async (project) => {
        project.describe(PUBSUB);
        const asked = [];
        const note = (url, { body }) => {
          if (url.endsWith("/oauth/token")) asked.push(body.get("scope"));
        };
        assert.equal((await spied(note, () => project.run())).error, null);
        assert.deepEqual(asked, [
          "manage_subscriptions:sandbox-shop",
          "view_project_settings:sandbox-shop",
        ]);
      },
      { scopes },
    );
  });

  const UNREACHABLE = "https://sqs.eu-central-1.amazonaws.com/0000000000/klaviyo";
  const sqs = EXAMPLES["SQS with credentials"];
  const unreachable = { ...sqs, destination: { ...sqs.destination, queueUrl: UNREACHABLE } };

  test("a destination it cannot reach: its words without the access key in them, and what to check", async () => {
    await withProject(async (project) => {
      project.describe(unreachable);
      const { lines } = await project.run();
      assert.match(lines[0], /^failed .*A test message could not be delivered.* for \*\*\*\. /);
      assert.match(
        lines[0],
        /\(destination_refused\)\. Check that the queue exists.*sqs:SendMessage/,
      );
      assert.deepEqual(await project.present(), []);
      project.describe(sqs);
      await project.run();
      project.describe(unreachable);
      assert.match((await project.run()).lines[0], /^failed .*\(destination_refused\)/);
      assert.equal((await project.present())[0].destination.queueUrl, sqs.destination.queueUrl);
    });
  });

  test("one of several: the others are done", async () => {
    await withProject(async (project) => {
      project.describe([
        { ...unreachable, key: "broken", resources: ["order"] },
        { ...PUBSUB, key: "whole", resources: ["customer"] },
      ]);
      const { lines, error } = await project.run();
      assert.equal(error, "not as the file says: broken");
      assert.match(lines[0], /^failed {5}broken: /);
      assert.match(lines[1], /^created {4}whole: /);
    });
  });

  test("a recreation, after the deletion: that is said", async () => {
    await withProject(async (project) => {
      project.describe(PUBSUB);
      await project.run();
      project.describe({ ...unreachable, format: "CloudEvents" });
      const { lines } = await project.run(["--recreate"]);
      assert.match(
        lines[0],
        /^failed .*it was deleted, and could not be created anew: .*test message/,
      );
      assert.deepEqual(await project.present(), []);
    });
  });
});
