// The README's commands, run literally on the built checkout.
//
// A command is the content of an `sh` block, or a text in backticks that begins with a program's
// name. The output of `npm start` fills in placeholders. A command fails if the test knows no way
// to run it; a command that cannot run here is listed with the reason, and checked in another way.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ADMIN_TOKEN, PUSH_TOKEN } from "../../sandbox/worker.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAMS = ["npm", "npx", "node", "cargo", "git", "curl", "wrangler", "cp", "export"];

/** Each way to run a command, by what the command looks like. */
const WAYS = [
  { like: /^npm start$/, run: () => started() },
  {
    like: /^npm run build$/,
    run: async (command) => assert.match(await output(command), /build: /),
  },
  { like: /^npm run bench -- \w+=\d+$/, run: bench },
  { like: /^npm run torture -- \w+ \w+ \w+$/, run: torture },
  { like: /^npx wrangler dev /, run: develop },
  { like: /^curl /, run: ask },
  { like: /^npm run subscriptions$/, run: subscribe },
  { like: /npm run subscriptions -- --messages$/, run: switchOn },
  // Not run as written:
  { like: /^npm test( |$)/, run: () => {} }, // This is one of its tests.
  { like: /^npm run check$/, run: () => {} }, // Its steps are some of those of `npm test`.
  // tests/release/archive.test.mjs does these.
  { like: /^(?:sha256sum|tar|cd|npm install)\b/, run: () => {} },
  { like: /^npm run release$/, run: () => {} },
  { like: /^npx wrangler secret put /, run: putSecret }, // This needs an account.
  { like: /^npx wrangler deploy( |$)/, run: deploy }, // So does this.
];

const running = new Set();
after(() => [...running].forEach(stop));

const commands = commandsOf(readFileSync(join(ROOT, "README.md"), "utf8"));

test("the commands are found", () => {
  for (const command of ["npm start", "npm run build", `npx wrangler deploy --env=""`]) {
    assert.ok(commands.includes(command), `${command} is not among ${commands.join("; ")}`);
  }
});

for (const command of commands) {
  test(command, async () => {
    const way = WAYS.find(({ like }) => like.test(command));
    assert.ok(way, "there is no way to run this in tests/docs/readme.test.mjs");
    await way.run(command);
  });
}

test("npm start stays up, and ends when it is told to", async () => {
  const { child } = await started();
  assert.ok(running.has(child));
  await stop(child);
  assert.ok(!running.has(child));
});

/** Each command once, without comments. */
function commandsOf(text) {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
    block.replaceAll("\\\n", " ").split("\n"),
  );
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, "");
  const words = [...prose.matchAll(/`([^`]+)`/g)].map(([, code]) => code.replaceAll("\n", " "));
  const named = words.filter((code) => PROGRAMS.includes(code.split(" ")[0]) && code.includes(" "));
  const all = [...blocks, ...named].map((line) => line.replace(/ +#.*$/, "").trim());
  return [...new Set(all.filter((line) => line !== ""))];
}

let demo;

/** The demo, once for all: its process, and what it prints until it stays up. */
function started() {
  demo ??= begin("npm start").until(/It stays up until Ctrl-C/);
  return demo;
}

async function ask(command) {
  const { text } = await started();
  const worker = /worker: (http:\S+)/.exec(text)[1];
  const filled = command
    .replaceAll("https://<your worker>", worker)
    .replaceAll("<ADMIN_TOKEN>", ADMIN_TOKEN)
    .replaceAll("<PUSH_TOKEN>", PUSH_TOKEN);
  assert.doesNotMatch(filled, /<[^>]+>/, "a placeholder is not known");
  const answer = JSON.parse(await output(`${filled} --silent --show-error --fail`));
  if (command.endsWith("/health")) assert.equal(answer.configured, true);
}

/** NAME:VALUE becomes a setting that is wrong, which /health then says. */
async function develop(command) {
  const port = await freePort();
  const filled = command
    .replace(/--port \d+/, `--port ${port}`)
    .replace("NAME:VALUE", "APP_TYPE:NONE");
  const { child } = await begin(filled).until(/Ready on /);
  const health = await (await fetch(`http://127.0.0.1:${port}/health`)).json();
  assert.equal(health.configured, false);
  assert.ok(health.notes.some((note) => note.startsWith("APP_TYPE: ")));
  await stop(child);
}

async function bench(command) {
  const [, kind, size] = / (\w+)=(\d+)$/.exec(command);
  const printed = await output(command);
  assert.match(printed, new RegExp(`${kind}.*${size}`), printed);
  const [row] = JSON.parse(readFileSync(join(ROOT, "target/bench/import.json"), "utf8"));
  assert.deepEqual([row.kind, row.records, row.failed], [kind, Number(size), 0]);
}

async function torture(command) {
  const [way, fault] = command.split(" ").slice(-3);
  const printed = await output(command);
  const row = new RegExp(`^\\| ${way} \\| ${fault} \\| .* \\| 0 / 0 / 0 / 0 \\|`, "m");
  assert.match(printed, row, printed);
}

/** As far as it goes without an account: the upload is made, and has the objects bound. */
async function deploy(command) {
  const text = await output(`${command} --dry-run`);
  assert.match(text, /env\.OUTBOX .*[\s\S]*--dry-run: exiting now/);
  assert.doesNotMatch(text, /WARNING/);
}

/** The secret is one that the page of settings has, and that wrangler.toml asks for. */
function putSecret(command) {
  const [, name, ...rest] = /put (\w+)(.*)$/.exec(command);
  assert.deepEqual(rest, [""]);
  const settings = readFileSync(join(ROOT, "docs/configuration.md"), "utf8");
  assert.ok(settings.includes(`| \`${name}\` (S) |`), `${name} is no secret there`);
  const wrangler = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  assert.match(wrangler, new RegExp(`^# {3}${name} `, "m"));
}

/** The example's file, for a commercetools of its own. */
async function subscribe(command) {
  const example = JSON.parse(readFileSync(join(ROOT, "subscriptions.example.json"), "utf8"));
  await install(`${command} --`, "manage_subscriptions", example, /created/);
}

/** A file that names the project alone. */
async function switchOn(command) {
  const [, rest] = /^CT_SUBSCRIPTIONS_CLIENT='\{"clientId":"…","secret":"…"\}' (.*)$/.exec(command);
  await install(rest, "manage_project", {}, /enabled {4}messages: kept for 15 days/);
}

async function install(command, scope, content, expected) {
  const { startCommercetools } = await import("../../sandbox/commercetools/server.mjs");
  const commercetools = await startCommercetools({ scopes: [scope] });
  commercetools.setMessages({ enabled: false });
  const { authUrl, apiUrl, clientId, secret } = commercetools.credentials;
  const project = { authUrl, apiUrl, projectKey: commercetools.projectKey };
  const file = join(mkdtempSync(join(tmpdir(), "readme-")), "subscriptions.json");
  writeFileSync(file, JSON.stringify({ ...content, commercetools: project }));
  const env = { CT_SUBSCRIPTIONS_CLIENT: JSON.stringify({ clientId, secret }) };
  const printed = await output(`${command} --file ${file}`, env);
  assert.match(printed, expected);
  await commercetools.close();
}

/** What a command prints; it has to succeed. */
async function output(command, env) {
  const { ended } = begin(command, env);
  const { code, text } = await ended;
  assert.equal(code, 0, text);
  return text;
}

/** Starts a command in a group of its own, so that all that it starts can be stopped with it. */
function begin(command, env = {}) {
  const child = spawn(command, {
    cwd: ROOT,
    shell: true,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", ...env },
  });
  running.add(child);
  let text = "";
  const listeners = new Set();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (more) => {
      text += more;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise((resolve) => {
    child.once("close", (code) => {
      running.delete(child);
      resolve({ code, text });
    });
  });
  child.ended = ended;
  const until = (line) =>
    new Promise((resolve, reject) => {
      const look = () => line.test(text) && resolve({ child, text });
      listeners.add(look);
      ended.then(() => reject(new Error(`${command} ended early:\n${text}`)));
    });
  return { child, ended, until };
}

/** As Ctrl-C does. */
async function stop(child) {
  process.kill(-child.pid, "SIGINT");
  await child.ended;
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
