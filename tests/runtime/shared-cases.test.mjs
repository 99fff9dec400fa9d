// The small inputs of ../shared/cases, each with the right value, through the built worker. The README beside them
// explains the format of a case.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { pubsub } from "../../sandbox/commercetools/notifications.mjs";
import { RESOURCES } from "../../sandbox/commercetools/resources.mjs";
import { SHARED_DIR } from "../../scripts/lib/project.mjs";
import { needsShared } from "../needs-shared.mjs";
import { useStack } from "./harness.mjs";
import { imported } from "./imports.mjs";

const SETTINGS = {
  PREFERRED_LOCALE: "en",
  PREFERRED_CURRENCY: "EUR",
  PRODUCT_URL_TEMPLATE: "https://shop.example/p/{{productSlug}}",
};

/** What does not hold yet, by its reason. A case that begins to hold has to be taken from here. */
const NOT_YET = {};

const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const idOf = (file) => file.split("-")[0];

/** The cases by the settings that they want: settings are of a worker. */
function casesBySettings() {
  const folder = join(SHARED_DIR, "cases");
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const groups = new Map();
  for (const file of files.sort()) {
    const { vars = {}, ...inputs } = read(join(folder, file));
    const key = JSON.stringify(Object.entries(vars).sort());
    const group = groups.get(key) ?? { vars, cases: [] };
    group.cases.push({ name: basename(file, ".json"), ...inputs });
    groups.set(key, group);
  }
  return [...groups.values()];
}

if (needsShared.skip) test("the cases", needsShared, () => {});
else {
  const groups = casesBySettings();
  for (const { vars, cases } of groups) {
    describe(`with ${JSON.stringify(vars)}`, () => {
      const stack = useStack({
        settings: { ...SETTINGS, ...vars },
        commercetools: { projectKey: "demo", shop: {} },
      });
      for (const { name, kind, ...inputs } of cases) {
        const why = reasonAgainst(name);
        test(`${name}: ${kind}${why ? ` (not yet: ${why})` : ""}`, async () => {
          await perform(stack, inputs);
          const differing = inputs.expect.filter((expected) => !holds(stack, expected));
          if (why) assert.notDeepEqual(differing, [], `${name} holds: take it from NOT_YET`);
          else
            assert.deepEqual(
              differing.map((expected) => compared(stack, expected)),
              [],
            );
        });
      }
    });
  }

  test("what is listed as not yet is there", () => {
    const names = groups.flatMap(({ cases }) => cases.map(({ name }) => idOf(name)));
    for (const id of Object.values(NOT_YET).flat()) assert.ok(names.includes(id), id);
    assert.equal(names.length, new Set(names).size, "an id tells a case");
  });
}

function reasonAgainst(name) {
  return Object.keys(NOT_YET).find((reason) => NOT_YET[reason].includes(idOf(name)));
}

/** Puts the documents, and takes the steps one after the other, to their end. */
async function perform(stack, { data, steps }) {
  for (const [path, documents] of Object.entries(data)) {
    const { typeId } = RESOURCES.find((resource) => resource.path === path);
    for (const document of documents) stack.commercetools.put(typeId, priced(document));
  }
  for (const { push, run, body } of steps) {
    if (run) {
      const all = { ids: (data[run] ?? []).map(({ id }) => id) };
      const { state, error } = await imported(stack.worker.url, run, body ?? all);
      assert.equal(state, "completed", error);
    } else {
      const { status, text } = await stack.push(pubsub(push));
      assert.ok([202, 204].includes(status), text);
      await stack.drained();
    }
  }
  stack.klaviyo.finishJobs();
}

/** A variant without a price is left out, and shows nothing of its stock: so each of a product has one. */
function priced(document) {
  const current = document.masterData?.current;
  if (!current) return document;
  const copy = structuredClone(document);
  const { masterVariant, variants = [] } = copy.masterData.current;
  for (const variant of [masterVariant, ...variants])
    if (variant?.prices?.length === 0)
      variant.prices = [
        {
          id: "price",
          value: { type: "centPrecision", currencyCode: "EUR", centAmount: 100, fractionDigits: 2 },
        },
      ];
  return copy;
}

function holds(stack, expected) {
  const { actual, wanted } = compared(stack, expected);
  const same = JSON.stringify(sorted(actual)) === JSON.stringify(sorted(wanted));
  return "notEquals" in expected ? actual !== ABSENT && !same : same;
}

const ABSENT = "(absent)";

/** What is expected, beside what is there. */
function compared(stack, expected) {
  const wanted = "notEquals" in expected ? expected.notEquals : expected.equals;
  return { expected, actual: actualOf(stack, expected) ?? ABSENT, wanted };
}

function actualOf({ klaviyo }, { path, ...of }) {
  const { store } = klaviyo;
  const catalogued = (records, id) =>
    records.find(({ attributes }) => attributes.external_id === id)?.attributes;
  if (of.sumOf) {
    const values = sentEvents(klaviyo, of.sumOf).map(({ value }) => value);
    return values.reduce((sum, value) => sum + value, 0);
  }
  if (of.profile) return at(store.profileByExternalId(of.profile)?.attributes, path);
  if (of.event) {
    return at(store.events({ metric: of.event, uniqueId: of.unique_id })[0], path);
  }
  if (of.item) return at(catalogued(store.items(), of.item), path);
  if (of.category) return at(catalogued(store.categories(), of.category), path);
  if (of.variant) {
    const { attributes } =
      store.variants().find((variant) => variant.attributes.sku === of.variant) ?? {};
    return attributes && [attributes.inventory_policy, attributes.inventory_quantity];
  }
  if (of.sent) return at(sentEvents(klaviyo, of.where)[0], path);
  throw new TypeError(`a case expects what is not known here: ${JSON.stringify(of)}`);
}

/** The events of a metric as they were sent, alone or in bulk, each with its profile's attributes. */
function sentEvents({ requests }, metric) {
  return requests
    .flatMap(({ path, body }) => {
      if (path === "/api/events") return [sentEvent(body.data.attributes)];
      if (path !== "/api/event-bulk-create-jobs") return [];
      return body.data.attributes["events-bulk-create"].data.flatMap(({ attributes }) =>
        attributes.events.data.map((event) =>
          sentEvent({ ...event.attributes, profile: attributes.profile }),
        ),
      );
    })
    .filter((event) => event.metric === metric);
}

function sentEvent({ metric, profile, ...attributes }) {
  const { name } = metric.data.attributes;
  return { ...attributes, metric: name, profile: profile.data.attributes };
}

/** The value at a path of names between dots. */
function at(value, path) {
  return path.split(".").reduce((inner, name) => inner?.[name], value);
}

/** With the members of objects in one order. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, sorted(member)]);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}
