// The category tree, three levels deep, in English and German. `ancestors` begins with the root, as
// the API gives it.

import { refTo, resource } from "./build.mjs";
import { fixedId } from "./ids.mjs";

const OPENED = "2023-09-01T07:00:00.000Z";
const REARRANGED = "2026-02-10T08:30:00.000Z";

/** [number, key, English, German, children] */
const TREE = [
  [
    1,
    "women",
    "Women",
    "Damen",
    [
      [
        2,
        "women-jackets",
        "Jackets",
        "Jacken",
        [
          [3, "women-rain-jackets", "Rain jackets", "Regenjacken"],
          [4, "women-insulated-jackets", "Insulated jackets", "Isolationsjacken"],
        ],
      ],
      [5, "women-base-layers", "Base layers", "Funktionsunterwäsche"],
    ],
  ],
  [
    6,
    "men",
    "Men",
    "Herren",
    [
      [
        7,
        "men-jackets",
        "Jackets",
        "Jacken",
        [[8, "men-rain-jackets", "Rain jackets", "Regenjacken"]],
      ],
    ],
  ],
  [
    9,
    "equipment",
    "Equipment",
    "Ausrüstung",
    [
      [10, "backpacks", "Backpacks", "Rucksäcke"],
      [11, "footwear", "Boots & shoes", "Schuhe"],
      [12, "ropes", "Ropes", "Seile"],
    ],
  ],
  [13, "sale", "Sale %", "Angebote %"],
];

function branch([n, key, en, de, children = []], ancestors) {
  const category = {
    ...resource(fixedId("category", n), OPENED, { lastModifiedAt: n > 9 ? REARRANGED : OPENED }),
    key,
    name: { en, de },
    slug: { en: key, de: `${key}-de` },
    ancestors: ancestors.map((ancestor) => refTo("category", ancestor)),
    ...(ancestors.length > 0 && { parent: refTo("category", ancestors.at(-1)) }),
    orderHint: `0.${String(n).padStart(3, "0")}`,
    assets: [],
  };
  return [...children.flatMap((child) => branch(child, [...ancestors, n])), category];
}

/** Children before their parents, so that nothing may rely on the order. */
export const categories = TREE.flatMap((root) => branch(root, []));
