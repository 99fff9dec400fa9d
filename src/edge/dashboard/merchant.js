// Links to the Merchant Center, where a record is mended.

import { el } from "./dom.js";

const PATHS = {
  customer: "customers",
  order: "orders",
  category: "categories",
  product: "products",
};

let center = null;

/** Says where the project is, if that is known. */
export function arrange(address) {
  center = address;
}

/** A record's name: `type/id`, as a link if there is a page for it. */
export function record(resource, name) {
  const [type, id] = (resource ?? "").split("/");
  const text = el("code", {}, resource ?? "no resource");
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
