// The project itself: what `GET /{projectKey}` answers, what `POST` changes of it (its Messages, and
// nothing else), and what its catalogue model (`productCatalogModel`) opens and closes.
// https://docs.commercetools.com/api/projects/project
//
// It is not known whether a real Modular project refuses a predicate on the variants of a product;
// this one does, so that it exposes a client that relies on them. Not here: the variants themselves
// (variants.mjs), and the header `x-catalog-model`.

import { apiError } from "./errors.mjs";
import { refuseVersion } from "./versions.mjs";

const MODELS = ["Classic", "InMigration", "Modular"];

const FIELDS_OF_CLASSIC = ["masterVariant", "variants"];

const MESSAGES = { enabled: true, deleteDaysAfterCreation: 15 };

/** For how many days messages may be kept. */
const DAYS = { least: 1, most: 90 };

/**
 * `{ document(), update(body), model(), setModel(model), messages(), setMessages(configuration), reset() }`;
 * `initial` is the model at the start. `messages` is the project's MessagesConfiguration, `update` answers a POST.
 */
export function createProject({ projectKey, catalogModel: initial }) {
  let version = 1;
  let current = known(initial);
  let messages = MESSAGES;
  const document = () => projectDocument({ projectKey, version, model: current, messages });
  const setMessages = (configuration) => {
    messages = { ...messages, ...configuration };
    version += 1;
  };
  return {
    document,
    update(body) {
      const draft = parsed(body);
      const refusal =
        refuseUpdate(draft) ?? refuseVersion({ id: projectKey, version }, draft.version);
      if (refusal) return refusal;
      for (const { messagesConfiguration } of draft.actions) setMessages(messagesConfiguration);
      return { status: 200, body: document() };
    },
    model: () => current,
    messages: () => messages,
    setMessages,
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

function parsed(body) {
  try {
    return JSON.parse(body.toString());
  } catch {
    return null;
  }
}

/** The refusal of an update that is malformed, or null. */
function refuseUpdate(draft) {
  const malformed = (detailedErrorMessage) => {
    const text = "Request body does not contain valid JSON.";
    const refusal = apiError(400, "InvalidJsonInput", text);
    Object.assign(refusal.body.errors[0], { detailedErrorMessage });
    return refusal;
  };
  if (!Number.isInteger(draft?.version)) return malformed("version: Missing required value");
  if (!Array.isArray(draft.actions)) return malformed("actions: Missing required value");
  for (const { action, messagesConfiguration: configuration } of draft.actions) {
    if (action !== "changeMessagesConfiguration") {
      return malformed(`actions: The sandbox does not know the action '${action}'.`);
    }
    const { enabled, deleteDaysAfterCreation: days } = configuration ?? {};
    const member = "actions -> messagesConfiguration";
    if (typeof enabled !== "boolean") {
      return malformed(`${member} -> enabled: Missing required value`);
    }
    if (!Number.isInteger(days)) {
      return malformed(`${member} -> deleteDaysAfterCreation: Missing required value`);
    }
    if (days < DAYS.least || days > DAYS.most) {
      const range = `must be in the range of [${DAYS.least}..${DAYS.most}]`;
      return apiError(400, "InvalidInput", `deleteDaysAfterCreation ${range}.`);
    }
  }
  return null;
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
