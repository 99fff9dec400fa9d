// The control surface of the fake over HTTP, for a shell or a test in another language. Documented
// in server.mjs.
//
// For: translating a request under /sandbox into a call of the object that startKlaviyo returns.
// Not for: anything that Klaviyo itself has.

/** Answers `{ status, body }`, or null for a path that does not exist. */
export function control(klaviyo, method, pathname, raw) {
  const action = {
    "GET /sandbox/state": () => ({ status: 200, body: klaviyo.snapshot() }),
    "GET /sandbox/requests": () => ({ status: 200, body: klaviyo.requests }),
    "GET /sandbox/violations": () => ({ status: 200, body: klaviyo.violations }),
    "POST /sandbox/faults": () => addFault(klaviyo.faults, raw),
    "DELETE /sandbox/faults": () => done(() => klaviyo.faults.clear()),
    "POST /sandbox/reset": () => done(() => klaviyo.reset()),
  }[`${method} ${pathname}`];
  return action ? action() : null;
}

// JSON knows no RegExp: `pathPattern` stands for one.
function addFault(faults, raw) {
  try {
    const { pathPattern, ...rule } = JSON.parse(raw.toString());
    faults.add(pathPattern === undefined ? rule : { ...rule, path: new RegExp(pathPattern) });
    return { status: 201, body: { rules: faults.rules.length } };
  } catch (error) {
    return { status: 400, body: { message: error.message } };
  }
}

function done(effect) {
  effect();
  return { status: 204 };
}
