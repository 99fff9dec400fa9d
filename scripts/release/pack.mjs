// Packs a folder so that the same files give the same bytes: sorted, without owners, and all with one time.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { create } from "tar";

/** Makes `<folder>.tar.gz` beside the folder, with the folder's name as the top of the archive. Answers its path. */
export async function pack(folder, mtime) {
  const file = `${folder}.tar.gz`;
  const top = basename(folder);
  const files = filesUnder(folder).map((name) => join(top, name));
  // `portable` leaves out what only this machine knows.
  const options = { file, cwd: dirname(folder), gzip: { level: 9 }, portable: true, mtime };
  await create({ ...options, noDirRecurse: true }, files);
  return file;
}

/** Writes SHA256SUMS beside these files, as `sha256sum --check` reads it. */
export function writeSums(files) {
  const lines = files.map((file) => {
    const sum = createHash("sha256").update(readFileSync(file)).digest("hex");
    return `${sum}  ${basename(file)}\n`;
  });
  writeFileSync(join(dirname(files[0]), "SHA256SUMS"), lines.join(""));
}

/** The paths of all files under a folder, relative to it, in the order of their bytes. */
export function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
