// For tests that need what only the workspace beside the checkout has: skipped and counted where that
// is missing, never passed. The Rust tests of this kind are in modules named `needs_shared`.

import { existsSync } from "node:fs";
import { SHARED_DIR } from "../scripts/lib/project.mjs";

export const needsShared = { skip: !existsSync(SHARED_DIR) && "../shared is not there" };
