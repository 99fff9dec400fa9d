// A receiver of alerts: keeps the requests that it gets, and can be made to hang.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { eventually } from "../eventually.mjs";

export async function startReceiver() {
  const requests = [];
  const hanging = [];
  let hangs = false;
  const server = createServer(async (request, response) => {
    assert.equal(request.headers["content-type"], "application/json");
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (hangs) return hanging.push(response);
    requests.push(JSON.parse(Buffer.concat(chunks).toString()));
    response.end("ok");
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const all = () => requests.flatMap(({ alerts }) => alerts);
  const notices = (code) => all().filter((notice) => notice.code === code);
  return {
    url: `http://127.0.0.1:${server.address().port}/hook/secret-path`,
    requests,
    notices,
    /** The ids of alerts of which it was told this. */
    ids: (state) =>
      new Set(
        all()
          .filter((one) => one.state === state)
          .map(({ id }) => id),
      ),
    /** Waits for the newest notice of a code, until it is in this state. */
    async notice(code, state, limitMs) {
      const newest = () => notices(code).at(-1);
      await eventually(`${code} to have ${state}`, newest, (one) => one?.state === state, {
        limitMs,
      });
      return newest();
    },
    /** Whether somebody waits for an answer. */
    waits: () => hanging.length > 0,
    /** Takes requests from now on, and does not answer them. */
    hang() {
      hangs = true;
    },
    goOn() {
      hangs = false;
      for (const response of hanging.splice(0)) response.destroy();
    },
    async close() {
      this.goOn();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
