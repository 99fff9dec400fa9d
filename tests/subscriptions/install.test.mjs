// The installer against the commercetools sandbox: what it creates, updates, deletes and leaves.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { wanted } from "../../scripts/subscriptions/wanted.mjs";
import { EXAMPLES, SECRETS, withProject } from "./harness.mjs";

const PUBSUB = EXAMPLES["Pub/Sub"];
const OTHER = { destination: { ...PUBSUB.destination, topic: "other" } };
const ALL = ["customer", "order", "payment", "category", "product", "inventory-entry"];

/** `{ env: NAME }` → the variable's value. */
const resolved = (destination) =>
  Object.fromEntries(
    Object.entries(destination).map(([name, value]) => [name, SECRETS[value.env] ?? value]),
  );

describe("each destination type", () => {
  for (const [name, example] of Object.entries(EXAMPLES)) {
    test(`${name} is created, found the same, and deleted`, async () => {
      await withProject(async (project) => {
        project.describe(example);
        const first = await project.run();
        assert.equal(first.error, null);
        assert.match(first.lines[0], /^created {4}klaviyo: to /);
        const [there, ...others] = await project.present();
        assert.equal(others.length, 0);
        const { source, ...destination } = project.stored(there).destination;
        assert.deepEqual(destination, resolved(example.destination));
        const { messages, changes } = wanted(ALL);
        assert.deepEqual([there.messages, there.changes, there.events], [messages, changes, []]);
        const isGrid = example.destination.type === "EventGrid";
        assert.equal(there.format.type, isGrid ? "CloudEvents" : "Platform");
        const notes = first.lines.slice(1);
        assert.equal(notes.length, example.forwarder || source ? 1 : 0);
        assert.ok(notes.every((note) => note.includes(example.forwarder ?? source)));

        const second = await project.run();
        assert.deepEqual(second.lines, ["unchanged  klaviyo", ...notes]);
        assert.deepEqual(project.writes(), ["POST"]);

        assert.deepEqual((await project.run(["--delete"])).lines, ["deleted    klaviyo"]);
        assert.deepEqual(await project.present(), []);
        const none = await project.run(["--delete"]);
        assert.deepEqual(none.lines, ["unchanged  klaviyo: there is none"]);
      });
    });
  }
});

describe("an update", () => {
  const config = { order: { messages: { changed: ["OrderShipmentStateChanged"] } } };
  const cases = [
    ["another destination", [OTHER], "destination"],
    ["other message types", [PUBSUB, { config }], "messages"],
    ["other resource types", [{ ...PUBSUB, resources: ["customer"] }], "messages, changes"],
    [
      "another type of destination",
      [{ ...EXAMPLES["SNS with credentials"], resources: ["order", "customer"] }],
      "destination, messages, changes",
    ],
  ];
  for (const [name, [changed, rest], parts] of cases) {
    test(`${name}: what differs is set, and then nothing does`, async () => {
      await withProject(async (project) => {
        project.describe(PUBSUB);
        await project.run();
        const [{ id }] = await project.present();
        project.describe(changed, rest);
        assert.deepEqual(await project.run(), {
          lines: [`updated    klaviyo: ${parts}`],
          error: null,
          waits: [],
        });
        const [there] = await project.present();
        const { messages, changes } = wanted(changed.resources ?? ALL, rest?.config);
        assert.equal(there.id, id);
        assert.deepEqual(project.stored(there).destination, resolved(changed.destination));
        assert.deepEqual([there.messages, there.changes], [messages, changes]);
        assert.deepEqual((await project.run()).lines, ["unchanged  klaviyo"]);
      });
    });
  }

  test("the order of resource and message types is no difference, events of others are", async () => {
    await withProject(async (project) => {
      project.describe(PUBSUB);
      await project.run();
      const there = (await project.present())[0];
      const messages = there.messages.map(({ types, ...rest }) => ({
        types: types.toReversed(),
        ...rest,
      }));
      const shuffled = { ...there, messages: messages.toReversed() };
      project.sandbox.put("subscription", { ...shuffled, changes: there.changes.toReversed() });
      assert.deepEqual((await project.run()).lines, ["unchanged  klaviyo"]);
      project.sandbox.put("subscription", { ...there, events: [{ resourceTypeId: "checkout" }] });
      assert.deepEqual((await project.run()).lines, ["updated    klaviyo: events"]);
      assert.deepEqual((await project.present())[0].events, []);
    });
  });

  test("a new secret cannot be seen, and goes with --reconnect", async () => {
    await withProject(async (project) => {
      project.describe(EXAMPLES["Confluent Cloud"]);
      await project.run();
      const env = { KAFKA_SECRET: "the-next-secret" };
      assert.deepEqual((await project.run([], env)).lines, ["unchanged  klaviyo"]);
      const { lines } = await project.run(["--reconnect"], env);
      assert.deepEqual(lines, ["updated    klaviyo: destination"]);
      const [there] = await project.present();
      assert.equal(project.stored(there).destination.apiSecret, "the-next-secret");
    });
  });

  test("of a connection string all but the key is compared", async () => {
    await withProject(async (project) => {
      project.describe(EXAMPLES["Service Bus"]);
      await project.run();
      const BUS = SECRETS.BUS.replace("EntityPath=klaviyo", "EntityPath=other");
      const { lines } = await project.run([], { BUS });
      assert.equal(lines[0], "updated    klaviyo: destination");
      assert.equal(project.stored((await project.present())[0]).destination.connectionString, BUS);
    });
  });

  test("a format can only be had anew, and that must be asked for", async () => {
    await withProject(async (project) => {
      project.describe(PUBSUB);
      await project.run();
      const [{ id }] = await project.present();
      project.describe({ ...PUBSUB, format: "CloudEvents" });
      const { lines, error } = await project.run();
      assert.match(lines[0], /^failed {5}klaviyo: its format is Platform, .*\(format_differs\)$/);
      assert.equal(error, "not as the file says: klaviyo");
      assert.deepEqual(project.writes(), ["POST"]);
      const dry = await project.run(["--recreate", "--dry-run"]);
      assert.match(dry.lines[0], /^would recreate klaviyo: format Platform becomes CloudEvents/);
      assert.deepEqual(project.writes(), ["POST"]);
      assert.match((await project.run(["--recreate"])).lines[0], /^recreated {2}klaviyo: format/);
      const [there, ...others] = await project.present();
      assert.equal(others.length, 0);
      assert.notEqual(there.id, id);
      assert.deepEqual(there.format, { type: "CloudEvents", cloudEventsVersion: "1.0" });
      assert.deepEqual((await project.run(["--recreate"])).lines, ["unchanged  klaviyo"]);
    });
  });
});

describe("--dry-run", () => {
  test("says what would be done, and changes nothing", async () => {
    await withProject(async (project) => {
      project.describe(PUBSUB);
      const dry = async (...args) => (await project.run(["--dry-run", ...args])).lines[0];
      assert.equal(
        await dry(),
        "would create klaviyo: to GoogleCloudPubSub projects/shop/topics/klaviyo",
      );
      assert.equal(await dry("--delete"), "unchanged  klaviyo: there is none");
      await project.run();
      const before = await project.present();
      project.describe(OTHER);
      assert.equal(await dry(), "would update klaviyo: destination");
      assert.equal(await dry("--delete"), "would delete klaviyo");
      assert.deepEqual(await project.present(), before);
      assert.deepEqual(project.writes(), ["POST"]);
    });
  });
});

test("only what the file names is touched", async () => {
  await withProject(async (project) => {
    const resources = ["customer"];
    project.describe([
      { ...PUBSUB, resources },
      { ...OTHER, key: "of-another", resources: ["order"] },
    ]);
    await project.run();
    project.describe({ ...PUBSUB, resources });
    await project.run(["--delete"]);
    assert.deepEqual(
      (await project.present()).map(({ key }) => key),
      ["of-another"],
    );
  });
});

test("deleting needs no secret of a destination", async () => {
  await withProject(async (project) => {
    project.describe(EXAMPLES["Confluent Cloud"]);
    await project.run();
    const env = { KAFKA_KEY: undefined, KAFKA_SECRET: undefined };
    assert.deepEqual((await project.run(["--delete"], env)).lines, ["deleted    klaviyo"]);
  });
});

describe("what is not healthy", () => {
  const cases = {
    ConfigurationError: /Mend the destination soon/,
    ConfigurationErrorDeliveryStopped: /--reconnect/,
    TemporaryError: /goes on trying/,
    ManuallySuspended: /support/,
  };
  for (const [status, advice] of Object.entries(cases)) {
    test(`${status} is said, with what to do`, async () => {
      await withProject(async (project) => {
        project.describe(PUBSUB);
        await project.run();
        project.sandbox.put("subscription", { ...(await project.present())[0], status });
        const { lines, error } = await project.run();
        assert.deepEqual([lines[0], lines.length, error], ["unchanged  klaviyo", 2, null]);
        assert.match(lines[1], new RegExp(`^warning {4}klaviyo: its status is ${status}: `));
        assert.match(lines[1], advice);
      });
    });
  }
});

test("the command itself: its exit code, and what it prints where", async () => {
  await withProject(async (project) => {
    project.describe(PUBSUB);
    const command = (env, ...args) =>
      promisify(execFile)(
        process.execPath,
        ["scripts/subscriptions.mjs", "--file", project.path, ...args],
        { env: { ...process.env, ...env } },
      ).catch((failed) => failed);
    const done = await command(project.environment);
    assert.match(done.stdout, /^created {4}klaviyo: to GoogleCloudPubSub .*\n$/);
    assert.equal(done.code, undefined);
    const refused = await command({}, "--wrong");
    assert.equal(refused.code, 1);
    assert.equal(refused.stdout, "");
    assert.match(refused.stderr, /^error: nothing was done:\n {2}--wrong: no such option\n/);
    assert.match((await command({}, "--help")).stdout, /--dry-run/);
  });
});

test("an option that npm took for itself is refused, and nothing is done", async () => {
  await withProject(async (project) => {
    project.describe(PUBSUB);
    // As a shell has it, and not the npm that these tests may run below.
    const inherited = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
    const refused = await promisify(execFile)(
      "npm",
      ["run", "--silent", "subscriptions", "--dry-run", "--", "--file", project.path],
      { env: { ...Object.fromEntries(inherited), ...project.environment } },
    ).catch((failed) => failed);
    assert.equal(refused.code, 1);
    assert.equal(
      refused.stderr,
      "error: nothing was done:\n  npm took --dry-run for itself: npm run subscriptions -- --dry-run\n",
    );
  });
});
