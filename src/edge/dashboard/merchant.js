// Links to the Merchant Center, where people fix a record.

import { el } from "./dom.js";

const PATHS = {
  customer: "customers",
  order: "orders",
  category: "categories",
  product: "products",
};

let center = null;

/** Sets the project's address, if it is known. */
export function arrange(address) {
  center = address;
}

/** A record: `type/id`, or the text that represents it, as a link if it has a page; and its name. */
export function record(resource, name, label = resource ?? "no resource") {
  const [type, id] = (resource ?? "").split("/");
  const text = el("code", {}, label);
  const path = PATHS[type] ?? (Object.values(PATHS).includes(type) ? type : null);
  const address = center && path && id && `${center}/${path}/${encodeURIComponent(id)}`;
  const link = address
    ? el(
        "a",
        { href: address, target: "_blank", rel: "noreferrer", title: "Merchant Center" },
        text,
      )
    : text;
  return name ? [link, el("strong", {}, name)] : [link];
}
