// The archive of a release, made from the built checkout: its content, that it is the same each time, and that the demo
// and the deployment work from it on a machine without Rust.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { extract } from "tar";
import { unstable_readConfig as readConfig } from "wrangler";
import { cratesOfWorker } from "../../scripts/release/crates.mjs";
import { layOut } from "../../scripts/release/layout.mjs";
import { filesUnder, pack, writeSums } from "../../scripts/release/pack.mjs";
import { wasmCompiler } from "../../scripts/tools.mjs";
import { deadLinksOf, pagesOf } from "../docs/links.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const NAME = "commercetools-klaviyo-1.2.3";
const TIME = new Date("2026-11-30T12:00:00Z");

const crates = cratesOfWorker(wasmCompiler());
const facts = { commit: "0".repeat(40), compiler: "rustc" };

const scratch = mkdtempSync(join(tmpdir(), "release-"));
after(() => rmSync(scratch, { recursive: true }));

let archive;
/** The archive, unpacked, with the packages of this checkout in place of what `npm ci` installs. */
const unpacked = join(scratch, "unpacked", NAME);

before(async () => {
  archive = await made("first");
  mkdirSync(join(scratch, "unpacked"));
  await extract({ file: archive, cwd: join(scratch, "unpacked") });
  symlinkSync(join(ROOT, "node_modules"), join(unpacked, "node_modules"));
});

test("the same build gives the same bytes", async () => {
  assert.equal(sha256(await made("second")), sha256(archive));
});

test("SHA256SUMS has the sum of the archive", () => {
  writeSums([archive]);
  const sums = readFileSync(join(scratch, "first", "SHA256SUMS"), "utf8");
  assert.equal(sums, `${sha256(archive)}  ${NAME}.tar.gz\n`);
});

test("wrangler.toml is the project's without the build", () => {
  const { build, ...released } = settings(unpacked);
  const { build: ofProject, ...project } = settings(ROOT);
  assert.equal(ofProject.command, "npm run build");
  assert.equal(build.command, undefined);
  assert.deepEqual(released, project);
});

test("package.json and its lock have the project's versions", () => {
  const { devDependencies, version } = json(ROOT, "package.json");
  const manifest = json(unpacked, "package.json");
  assert.equal(manifest.version, version);
  assert.ok("wrangler" in manifest.dependencies);
  for (const [name, pinned] of Object.entries(manifest.dependencies)) {
    assert.equal(pinned, devDependencies[name], name);
  }
  const { packages: project } = json(ROOT, "package-lock.json");
  const { "": root, ...packages } = json(unpacked, "package-lock.json").packages;
  assert.deepEqual(root.dependencies, manifest.dependencies);
  assert.ok(Object.keys(packages).length < Object.keys(project).length);
  for (const [path, { integrity }] of Object.entries(packages)) {
    assert.equal(integrity, project[path].integrity, path);
  }
});

test("the names that the Deploy button asks for are the required settings, without values", () => {
  const lines = read(unpacked, ".dev.vars.example").split("\n");
  const asked = lines.filter((line) => line !== "" && !line.startsWith("#"));
  const table = read(unpacked, "docs/configuration.md");
  const required = [...table.matchAll(/^\| `(\w+)`(?: \(S\))? \| required \|/gm)];
  const names = required.map(([, name]) => name);
  assert.ok(names.length > 0);
  assert.deepEqual(asked.sort(), names.map((name) => `${name}=`).sort());
  const { bindings } = json(unpacked, "package.json").cloudflare;
  assert.deepEqual(Object.keys(bindings).sort(), names.sort());
});

test("the links of the pages lead somewhere in it", () => {
  const pages = pagesOf(unpacked);
  assert.ok(pages.length > 10);
  for (const page of pages) assert.deepEqual(deadLinksOf(unpacked, page), [], page);
});

test("nothing of this machine is in it", () => {
  for (const file of filesUnder(unpacked).filter((name) => !name.startsWith("node_modules"))) {
    const content = readFileSync(join(unpacked, file));
    assert.ok(!content.includes(ROOT), file);
    assert.ok(!content.includes("/.cargo/"), file);
    assert.ok(!content.includes("/.rustup/"), file);
  }
});

test("the bill of materials is valid, and has the crates and the npm packages", async () => {
  const text = read(unpacked, "sbom.cdx.json");
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  assert.equal(await validator.validate(text), null);
  const { components } = JSON.parse(text);
  const named = (name) => components.filter((component) => component.name === name);
  const locked = read(ROOT, "Cargo.lock");
  for (const name of ["serde_json", "worker", "dlmalloc", "rust-std"]) {
    const [{ version, licenses, hashes, scope }] = named(name);
    assert.ok(licenses.length > 0, name);
    assert.equal(scope, undefined);
    const [hash] = hashes ?? [];
    if (locked.includes(`name = "${name}"\nversion = "${version}"`)) {
      assert.ok(locked.includes(`checksum = "${hash.content}"`), name);
    }
  }
  // A macro, and what only tests need.
  for (const name of ["serde_derive", "proptest"]) assert.deepEqual(named(name), []);
  const [wrangler] = named("wrangler");
  assert.equal(wrangler.scope, "excluded");
  assert.equal(wrangler.hashes[0].content.length, 128);
});

test("each crate has a licence, and LICENSES.txt names it", () => {
  const text = read(unpacked, "LICENSES.txt");
  for (const { name, version, licence } of crates) {
    assert.ok(text.includes(`\n${name} ${version}: ${licence}\n`), name);
  }
  assert.match(text, /Apache License\s+Version 2.0/);
  assert.match(text, /Permission is hereby granted, free of charge/);
});

test("release.json says the size of the worker, compressed too", () => {
  const { version, commit, worker } = json(unpacked, "release.json");
  assert.equal(version, json(ROOT, "package.json").version);
  assert.equal(commit, facts.commit);
  assert.ok(worker.gzipped > 100_000 && worker.gzipped < worker.total / 2);
});

test("the demo runs from it without Rust", () => {
  const printed = run("scripts/start.mjs", "--once");
  assert.match(printed, /Klaviyo holds \d+ categories/);
  assert.match(printed, /Placed Order/);
  assert.doesNotMatch(printed, /build:/);
});

test("it is deployed without a build", () => {
  const printed = run("node_modules/wrangler/bin/wrangler.js", "deploy", "--env=", "--dry-run");
  assert.match(printed, /env\.OUTBOX .*[\s\S]*--dry-run: exiting now/);
  assert.doesNotMatch(printed, /Running custom build|WARNING/);
});

test("the installer of Subscriptions runs from it", () => {
  assert.match(run("scripts/subscriptions.mjs", "--help"), /--messages/);
});

/** An archive, made in a folder of its own. */
async function made(where) {
  const folder = join(scratch, where, NAME);
  await layOut(folder, { facts, crates });
  return pack(folder, TIME);
}

/** What a program of the archive prints, with nothing but Node.js on the PATH. */
function run(program, ...args) {
  const bin = join(scratch, "bin");
  mkdirSync(bin, { recursive: true });
  rmSync(join(bin, "node"), { force: true });
  symlinkSync(process.execPath, join(bin, "node"));
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: unpacked,
    encoding: "utf8",
    env: { PATH: bin, HOME: scratch, WRANGLER_SEND_METRICS: "false" },
  });
  assert.equal(status, 0, stdout + stderr);
  return stdout + stderr;
}

/** As wrangler reads them, without the paths of the file. */
function settings(folder) {
  const config = readConfig({ config: join(folder, "wrangler.toml") }, { hideWarnings: true });
  const { configPath, userConfigPath, definedEnvironments, main, ...rest } = config;
  assert.equal(main, join(folder, "build/index.js"));
  return rest;
}

const read = (folder, name) => readFileSync(join(folder, name), "utf8");
const json = (folder, name) => JSON.parse(read(folder, name));
const sha256 = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");
