// The fake Klaviyo, from outside over HTTP: every rule that the tests of the worker rely on holds,
// and refuses what breaks it. The clock is injected; nothing waits and nothing measures time.
//
// Run by `node --test tests/sandbox/klaviyo.test.mjs`; each part is a file of its own.

import "./klaviyo/transport.mjs";
import "./klaviyo/shapes.mjs";
import "./klaviyo/sdk.mjs";
import "./klaviyo/profiles.mjs";
import "./klaviyo/profile-jobs.mjs";
import "./klaviyo/events.mjs";
import "./klaviyo/catalog.mjs";
import "./klaviyo/faults.mjs";
