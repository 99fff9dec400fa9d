// The bill of materials of a release, as CycloneDX 1.6: what the worker contains, and what `npm ci` installs beside it
// for trying and deploying it. It has neither a time nor a serial number, so the same release gives the same file.
//
// https://cyclonedx.org/docs/1.6/json/

import { Contrib, Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import parseSpdx from "spdx-expression-parse";

const licences = new Contrib.License.Factories.LicenseFactory(parseSpdx);

/** Its text. `manifest` and `lock` are the package.json and package-lock.json of the archive, `crates` those of crates.mjs. */
export function sbomOf({ manifest, lock, crates }) {
  const { name, version, license: licence } = manifest;
  const purl = `pkg:generic/${name}@${version}`;
  const worker = component({ name, version, purl, licence }, Enums.ComponentType.Application);
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: worker }) });
  for (const crate of crates) {
    const added = component(crate);
    bom.components.add(added);
    worker.dependencies.add(added.bomRef);
  }
  for (const npmPackage of npmPackages(lock)) {
    const added = component(npmPackage);
    added.scope = Enums.ComponentScope.Excluded;
    bom.components.add(added);
  }
  const serializer = new Serialize.JsonSerializer(
    new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6),
  );
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

/** Each once, however often it is installed. */
function npmPackages(lock) {
  const packages = Object.entries(lock.packages)
    .filter(([path]) => path !== "")
    .map(([path, { version, license, integrity }]) => {
      const name = path.split("node_modules/").at(-1);
      const purl = `pkg:npm/${name.replace("@", "%40")}@${encodeURIComponent(version)}`;
      return { name, version, purl, licence: license, sha512: hexOf(integrity) };
    });
  return new Map(packages.map((one) => [one.purl, one])).values();
}

function component(
  { name, version, purl, licence, sha256, sha512 },
  type = Enums.ComponentType.Library,
) {
  const made = new Models.Component(type, name, { version, purl, bomRef: purl });
  if (licence) made.licenses.add(licences.makeFromString(licence));
  if (sha256) made.hashes.set(Enums.HashAlgorithm["SHA-256"], sha256);
  if (sha512) made.hashes.set(Enums.HashAlgorithm["SHA-512"], sha512);
  return made;
}

/** Of npm's `sha512-` and base64. */
function hexOf(integrity) {
  const [, base64] = /^sha512-(\S+)$/.exec(integrity ?? "") ?? [];
  return base64 && Buffer.from(base64, "base64").toString("hex");
}
