// Debian's packages.

import { capture, Failure, runQuietly } from "./run.mjs";

/** Installs packages, with root's rights or those that sudo gives without a question. Throws a Failure. */
export async function aptInstall(...packages) {
  if (capture("apt-get", ["--version"]) === null) throw new Failure("there is no apt-get");
  await aptGet("update");
  await aptGet("install", "--yes", "--no-install-recommends", ...packages);
}

function aptGet(...args) {
  const command =
    process.getuid() === 0 ? ["apt-get", ...args] : ["sudo", "-n", "apt-get", ...args];
  return runQuietly(`apt-get ${args[0]}`, command[0], command.slice(1), {
    env: { DEBIAN_FRONTEND: "noninteractive" },
  });
}
