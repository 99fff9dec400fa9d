// The installer's subscriptions in projects of each catalogue model, and where it learns a project's model.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEFAULT_RESOURCES, wanted } from "../../scripts/subscriptions/wanted.mjs";
import { EXAMPLES, withProject } from "./harness.mjs";

const PUBSUB = EXAMPLES["Pub/Sub"];
const PROJECT = /^\/sandbox-shop$/;
const CLASSIC = wanted(DEFAULT_RESOURCES);
const MODULAR = wanted([...DEFAULT_RESOURCES, "standalone-price", "variant"]);

/** The messages and changes of what is there, in whatever order they were set. */
async function subscribed(project) {
  const [{ messages, changes }] = await project.present();
  return { messages, changes };
}

const readProject = ({ sandbox }) =>
  sandbox.requests.filter(({ method, path }) => method === "GET" && PROJECT.test(path)).length;

describe("a project that can be read", () => {
  for (const [catalogModel, expected] of [
    ["Classic", CLASSIC],
    ["InMigration", MODULAR],
    ["Modular", MODULAR],
  ]) {
    test(`is ${catalogModel}`, async () => {
      await withProject(
        async (project) => {
          project.describe(PUBSUB);
          const { lines, error } = await project.run();
          assert.deepEqual([lines.length, error], [1, null]);
          assert.match(lines[0], /^created/);
          assert.deepEqual(await subscribed(project), expected);
          assert.deepEqual((await project.run()).lines, ["unchanged  klaviyo"]);
        },
        { catalogModel },
      );
    });
  }

  test("begins its migration: a second run asks for variants, with all else as it was", async () => {
    await withProject(async (project) => {
      project.describe(PUBSUB);
      await project.run();
      project.sandbox.setCatalogModel("InMigration");
      const { lines } = await project.run();
      assert.deepEqual(lines, ["updated    klaviyo: messages, changes"]);
      assert.deepEqual(await subscribed(project), MODULAR);
    });
  });

  test("variants go with products, and prices where the file has them", async () => {
    await withProject(
      async (project) => {
        project.describe([
          { ...PUBSUB, key: "orders", resources: ["order"] },
          { ...PUBSUB, key: "catalogue", resources: ["product", "category"] },
          { ...PUBSUB, key: "prices", resources: ["standalone-price"] },
        ]);
        assert.equal((await project.run()).error, null);
        const found = await project.present();
        const of = (wantedKey) => {
          const { messages, changes } = found.find(({ key }) => key === wantedKey);
          return { messages, changes };
        };
        assert.deepEqual(of("orders"), wanted(["order"]));
        assert.deepEqual(of("catalogue"), wanted(["product", "category", "variant"]));
        assert.deepEqual(of("prices"), wanted(["standalone-price"]));
      },
      { catalogModel: "Modular" },
    );
  });

  test("is not asked where nothing depends on it", async () => {
    await withProject(async (project) => {
      project.describe(PUBSUB, { catalogModel: "Modular" });
      await project.run();
      assert.deepEqual(await subscribed(project), MODULAR, "the file overrides the project");
      await project.run(["--delete"]);
      assert.equal(readProject(project), 0);
    });
  });

  test("does not answer for a while", async () => {
    await withProject(
      async (project) => {
        project.describe(PUBSUB);
        project.sandbox.faults.add({ path: PROJECT, times: 2, status: 503 });
        const { error, waits } = await project.run();
        assert.deepEqual([error, waits], [null, [1000, 2000]]);
        assert.deepEqual(await subscribed(project), MODULAR);
      },
      { catalogModel: "Modular" },
    );
  });

  test("never answers: nothing is done, since variants might be lost", async () => {
    await withProject(async (project) => {
      project.describe(PUBSUB);
      project.sandbox.faults.add({ path: PROJECT, status: 503 });
      const { lines, error } = await project.run();
      assert.deepEqual([lines, project.writes()], [[], []]);
      assert.match(error, /\(commercetools_unavailable\)$/);
    });
  });
});

describe("a project that must not be read", () => {
  const expected =
    /^note {7}.*variants.*not at all.*view_project_settings:sandbox-shop.*"catalogModel"/;

  test("by a client without the scope: that is said, and variants are left out", async () => {
    await withProject(
      async (project) => {
        project.describe(PUBSUB);
        const { lines, error } = await project.run();
        assert.deepEqual([lines.length, error], [2, null]);
        assert.match(lines[0], expected);
        assert.match(lines[1], /^created/);
        assert.deepEqual(await subscribed(project), CLASSIC);
        project.describe(PUBSUB, { catalogModel: "Modular" });
        assert.deepEqual((await project.run()).lines, ["updated    klaviyo: messages, changes"]);
        assert.deepEqual(await subscribed(project), MODULAR);
        assert.deepEqual((await project.run(["--delete"])).lines, ["deleted    klaviyo"]);
      },
      { scopes: ["manage_subscriptions"], catalogModel: "Modular" },
    );
  });

  test("since it is answered 403 all the same", async () => {
    await withProject(
      async (project) => {
        project.describe(PUBSUB);
        const body = { statusCode: 403, message: "Insufficient scope." };
        project.sandbox.faults.add({ path: PROJECT, status: 403, body });
        const { lines } = await project.run();
        assert.match(lines[0], expected);
        assert.deepEqual(await subscribed(project), CLASSIC);
      },
      { catalogModel: "Modular" },
    );
  });
});
