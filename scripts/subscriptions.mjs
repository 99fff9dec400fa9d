// `npm run subscriptions`: creates or updates the commercetools Subscriptions that feed the worker,
// from one file. docs/realtime.md has the file, the environment and examples.
//
//   npm run subscriptions -- --help

import { setTimeout as wait } from "node:timers/promises";
import { installNpmPackages, npmPackagesAreStale } from "./lib/npm.mjs";
import { requireNode } from "./lib/prerequisites.mjs";
import { asProgram } from "./lib/run.mjs";

await asProgram(import.meta.url, async (args) => {
  requireNode();
  if (npmPackagesAreStale()) await installNpmPackages();
  const { installSubscriptions } = await import("./subscriptions/main.mjs");
  await installSubscriptions(args, { env: process.env, print: console.log, wait });
});
