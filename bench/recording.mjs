// The calls that our worker makes for a push, recorded for repetition.
//
// For: the bare worker, which makes the same calls.
// Not for: measuring; calls take longer during the recording.

import { Response } from "miniflare";
import { startWorker } from "../sandbox/worker.mjs";

/** Headers that belong to a connection, or that the runtime adds. */
const NOT_OURS = new Set(["host", "content-length", "cf-worker"]);

/**
 * The calls of the second push, in stages: the calls of a stage are made at once, those of the next one when a stage
 * is answered. The first push also asks for a token, and for what the worker then keeps.
 */
export async function recordCalls(settings, push) {
  let calls = [];
  let answered = 0;
  const internet = async (request) => {
    const stage = answered;
    const call = await callOf(request);
    calls.push({ call, stage });
    const response = await fetch(call.url, call);
    const body = await response.arrayBuffer();
    answered += 1;
    return new Response(body, { status: response.status, headers: response.headers });
  };
  const worker = await startWorker({ settings, internet });
  try {
    await push(worker.url);
    [calls, answered] = [[], 0];
    await push(worker.url);
  } finally {
    await worker.close();
  }
  return stagesOf(calls);
}

async function callOf(request) {
  const { url, method } = request;
  const headers = [...request.headers].filter(([name]) => !NOT_OURS.has(name));
  const body = await request.text();
  return { url, method, headers, ...(body !== "" && { body }) };
}

/** Calls that are made after the same number of answers are made at once. */
function stagesOf(calls) {
  const numbers = [...new Set(calls.map(({ stage }) => stage))];
  return numbers.map((number) =>
    calls.filter(({ stage }) => stage === number).map(({ call }) => call),
  );
}
