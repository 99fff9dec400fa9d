// The page: chooses the view, and runs the loop that updates all of it.

import { get, Offline, Refused, token } from "./api.js";
import * as check from "./check.js";
import { byId, el, say, show } from "./dom.js";
import { when } from "./format.js";
import * as imports from "./imports.js";
import * as letters from "./letters.js";
import { poll } from "./live.js";
import * as merchant from "./merchant.js";
import * as preview from "./preview.js";
import * as realtime from "./realtime.js";
import { isActive } from "./run.js";
import * as summary from "./summary.js";
import * as trace from "./trace.js";

/** The pause until the next round, in ms. */
const BUSY = 1_000;
const CALM = 5_000;
const FAILED = 3_000;
const UNCONFIGURED = 10_000;

let health = null;
let status = null;
let view = null;
let updatedAt = null;

const refresh = poll(round);

letters.prepare(refresh);
imports.prepare(refresh);
preview.prepare();
check.prepare(refresh);
realtime.prepare(refresh);
trace.prepare();
byId("sign-in-form").addEventListener("submit", signIn);
byId("forget").addEventListener("click", forget);
refresh();

/** Updates everything; returns the pause until the next round, null if there is none. */
async function round() {
  try {
    if (!health?.configured) await lookAround();
    if (!health.configured) return UNCONFIGURED;
    if (token.get() === null) {
      if (view !== "sign-in") signOut("");
      return null;
    }
    status = await get("/sync/status");
    await present();
    updatedAt = new Date().toISOString();
    says(`Live, ${when(updatedAt)}`, "");
    return imports.KINDS.some((kind) => isActive(status[kind])) || status.outbox.waiting > 0
      ? BUSY
      : CALM;
  } catch (error) {
    return failed(error);
  }
}

/** The active parts of this deployment, and whether its settings are valid. */
async function lookAround() {
  health = await get("/health");
  say(byId("version"), `Version ${health.version}`);
  const notes = health.notes.map((note) => el("li", {}, note));
  byId(health.configured ? "notes" : "problem-list").replaceChildren(...notes);
  if (health.configured) return;
  says("", "");
  turnTo("problems");
}

async function present() {
  if (view !== "desk") {
    imports.arrange(health.parts);
    realtime.arrange(health.parts);
    merchant.arrange(status.merchantCenter);
    turnTo("desk");
  }
  summary.update(status, health);
  // After that, the status knows failed checks, too.
  check.update().then((checked) => checked && refresh());
  await Promise.all([
    realtime.update(status),
    imports.update(status, health.parts),
    letters.update(status.outbox),
  ]);
}

function failed(error) {
  if (!(error instanceof Refused || error instanceof Offline)) console.error(error);
  if (error.status === 401) {
    signOut("This token is not the Worker's ADMIN_TOKEN.");
    return null;
  }
  if (error.code === "not_configured") {
    health = null;
    return BUSY;
  }
  if (view === "desk") summary.isUnreachable();
  const since = updatedAt ? ` What you see is from ${when(updatedAt)}.` : "";
  says("", `${error.message} Trying again.${since}`);
  return FAILED;
}

/** Tells a screen reader of a lost connection only: the time changes with every round. */
function says(live, lost) {
  say(byId("live"), live);
  say(byId("lost"), lost);
}

function turnTo(name) {
  view = name;
  for (const id of ["problems", "sign-in", "desk"]) show(byId(id), id === name);
  show(byId("forget"), name === "desk");
}

function signIn(event) {
  event.preventDefault();
  token.set(byId("token").value.trim());
  byId("token").value = "";
  say(byId("sign-in-error"), "");
  refresh().then(() => view === "desk" && byId("headline").focus());
}

/** Forgets the token, and with a new page everything that it opened. */
function forget() {
  token.forget();
  location.reload();
}

/** Asks for a token. */
function signOut(why) {
  token.forget();
  status = null;
  letters.forget();
  imports.forget();
  preview.forget();
  trace.forget();
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  document.title = "commercetools → Klaviyo";
  says("", "");
  turnTo("sign-in");
  say(byId("sign-in-error"), why);
  byId("token").focus();
}
