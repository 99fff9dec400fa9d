// The project itself: what `GET /{projectKey}` answers, and what its catalogue model
// (`productCatalogModel`) opens and closes.
// https://docs.commercetools.com/api/projects/project
//
// Whether a real Modular project refuses a predicate that names the variants of a product is not
// known; this one does, so that a client that relies on them is found out. Not here: the variants
// themselves (variants.mjs), and the header `x-catalog-model`.

import { apiError } from "./errors.mjs";

const MODELS = ["Classic", "InMigration", "Modular"];

const FIELDS_OF_CLASSIC = ["masterVariant", "variants"];

const MESSAGES = { enabled: true, deleteDaysAfterCreation: 15 };

/**
 * `{ document(), model(), setModel(model), messages(), setMessages(configuration), reset() }`; `initial` is
 * the model at the start. `messages` is the project's MessagesConfiguration.
 */
export function createProject({ projectKey, catalogModel: initial }) {
  let version = 1;
  let current = known(initial);
  let messages = MESSAGES;
  return {
    document: () => projectDocument({ projectKey, version, model: current, messages }),
    model: () => current,
    messages: () => messages,
    setMessages(configuration) {
      messages = { ...messages, ...configuration };
      version += 1;
    },
    setModel(model) {
      current = known(model);
      version += 1;
    },
    reset() {
      current = initial;
      messages = MESSAGES;
      version = 1;
    },
  };
}

/** What this catalogue model does not allow, or null. `fields` are those that a predicate names. */
export function refuseForModel({ model, path, fields }) {
  if (path === "variants" && model === "Classic") {
    const text = "Variants are not available: the Project's productCatalogModel is 'Classic'.";
    return apiError(400, "InvalidOperation", text);
  }
  const foreign = FIELDS_OF_CLASSIC.find((field) => fields.has(field));
  if (path !== "products" || model !== "Modular" || !foreign) return null;
  const text = `Malformed parameter: where: The field '${foreign}' does not exist.`;
  return apiError(400, "InvalidInput", text);
}

/** A Classic project has no `productCatalogModel`, as one that never heard of another. */
function projectDocument({ projectKey, version, model, messages }) {
  return {
    key: projectKey,
    version,
    name: "Fellweg",
    countries: ["DE", "AT", "CH", "GB", "US"],
    currencies: ["EUR", "CHF", "GBP", "USD", "JPY"],
    languages: ["en", "de", "fr"],
    createdAt: "2019-03-01T08:00:00.000Z",
    messages,
    ...(model !== "Classic" && { productCatalogModel: model }),
  };
}

function known(model) {
  if (MODELS.includes(model)) return model;
  throw new RangeError(`A catalogue model is ${MODELS.join(", ")}, not ${JSON.stringify(model)}`);
}
