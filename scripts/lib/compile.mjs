// Compiles the worker: Rust to a WebAssembly module, its bindings to JavaScript, and both to the two files that the
// runtime loads. This replaces the program `worker-build`: the build needed little of it, and its installation took a
// minute and a half.
//
// Not for: the further reduction of the module's size (build.mjs).

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bindingsProgram } from "./cargo-tools.mjs";
import { npmProgram } from "./npm.mjs";
import { ROOT, WORKER_TARGET_DIR } from "./project.mjs";
import { runQuietly } from "./run.mjs";

const WASM_TARGET = "wasm32-unknown-unknown";
const COMPILED = join(WORKER_TARGET_DIR, WASM_TARGET, "release", "commercetools_klaviyo.wasm");
const BINDINGS = join(WORKER_TARGET_DIR, "bindings");

/**
 * The standard library is compiled with the worker, so that a panic unwinds: it would hang a Durable Object otherwise.
 * `alloc` and the others of it are what a push spends its time in; in Cargo.toml every native build would warn of them.
 * No path of this machine is in the module, where a panic says its place: the same sources give the same bytes in every
 * folder. In Cargo.toml the stable toolchain would not know that.
 */
const CONFIG = [
  'unstable.build-std=["std","panic_unwind"]',
  "unstable.trim-paths=true",
  "profile.release.trim-paths=true",
  ...["alloc", "core", "dlmalloc", "std"].map(
    (name) => `profile.release.package.${name}.opt-level=3`,
  ),
];

/**
 * The features that the runtime has and the compiler uses. With all of binaryen's it could write what the runtime does not
 * read.
 */
const FEATURES = [
  "bulk-memory",
  "exception-handling",
  "multivalue",
  "mutable-globals",
  "nontrapping-float-to-int",
  "reference-types",
  "sign-ext",
];

/** Writes index.js and index_bg.wasm into `folder`. `toolchain` and `env` say which cargo compiles. */
export async function compileTo(folder, { toolchain, env }) {
  const options = CONFIG.flatMap((entry) => ["--config", entry]);
  const args = ["build", "--locked", "--lib", "--release", "--target", WASM_TARGET, ...options];
  await runQuietly("compiling the Worker", "cargo", [...toolchain, ...args], {
    env: {
      ...env,
      CARGO_TARGET_DIR: WORKER_TARGET_DIR,
      RUSTFLAGS: [process.env.RUSTFLAGS, "-Cpanic=unwind"].filter(Boolean).join(" "),
      // wasm-bindgen's macro names `js_sys::futures` then, as the crate `worker` does.
      WASM_BINDGEN_USE_JS_SYS: "1",
    },
  });
  rmSync(BINDINGS, { recursive: true, force: true });
  await runQuietly("its bindings", bindingsProgram(), [COMPILED, BINDINGS]);
  mkdirSync(folder, { recursive: true });
  await optimise(join(BINDINGS, "index_bg.wasm"), join(folder, "index_bg.wasm"));
  await bundle(join(folder, "index.js"));
}

/** `-O2` takes six times as long, and what it makes compresses worse: 1130 KiB where `-O1` comes to 964. */
async function optimise(module, output) {
  const features = FEATURES.map((feature) => `--enable-${feature}`);
  const args = ["-O1", ...features, "--debuginfo", module, "--output", output];
  await runQuietly("optimising it", npmProgram("binaryen", "wasm-opt"), args);
}

/** The entry and the bindings as one module, which imports the WebAssembly beside it. */
async function bundle(output) {
  const { build } = await import("esbuild");
  await build({
    entryPoints: [join(ROOT, "src/edge/entry.js")],
    alias: { bindings: join(BINDINGS, "index.js") },
    external: ["./index_bg.wasm", "cloudflare:*"],
    bundle: true,
    format: "esm",
    minify: true,
    outfile: output,
  });
  // As wrangler knows it. Either form imports a compiled module that is not yet an instance.
  const text = readFileSync(output, "utf8").replace("import source ", "import ");
  writeFileSync(output, text);
}
