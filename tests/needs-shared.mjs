// For: tests that need the workspace beside the checkout: if it is missing, they are skipped and counted, never passed.
// The Rust tests of this kind are in modules named `needs_shared`.

import { existsSync } from "node:fs";
import { SHARED_DIR } from "../scripts/lib/project.mjs";

export const needsShared = { skip: !existsSync(SHARED_DIR) && "../shared is not there" };
