// Google and Amazon SNS as a receiver sees them: they sign for real, and one server publishes the
// keys of both and takes the confirmations of SNS.

import { createSign, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import forge from "node-forge";
import { createFaults } from "../../sandbox/faults.mjs";

export const AUDIENCE = "https://worker.example.com/events";
export const EMAIL = "push@fellweg.iam.gserviceaccount.com";
export const TOPIC_ARN = "arn:aws:sns:eu-central-1:123456789012:commercetools";
export const CERTIFICATE_PATH = "/SimpleNotificationService-0a1b2c.pem";

const COVERED = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  SubscriptionConfirmation: [
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
  ],
};
COVERED.UnsubscribeConfirmation = COVERED.SubscriptionConfirmation;

export function keyPair() {
  return generateKeyPairSync("rsa", { modulusLength: 2048 });
}

/** What Google's token says, as of now. */
export function claims(changes = {}) {
  const now = Math.floor(Date.now() / 1000);
  return {
    aud: AUDIENCE,
    azp: "113774264463038321964",
    email: EMAIL,
    email_verified: true,
    exp: now + 3600,
    iat: now,
    iss: "https://accounts.google.com",
    sub: "113774264463038321964",
    ...changes,
  };
}

/** A token signed with RS256, whatever its header says. */
export function token(privateKey, said = claims(), header = {}) {
  const parts = [{ alg: "RS256", kid: "k1", typ: "JWT", ...header }, said];
  const signed = parts.map((part) => base64url(JSON.stringify(part))).join(".");
  return `${signed}.${base64url(createSign("sha256").update(signed).sign(privateKey))}`;
}

export function base64url(value) {
  return Buffer.from(value).toString("base64url");
}

/** A key as a JWK set has it. */
export function jwk({ publicKey }, kid = "k1") {
  return { ...publicKey.export({ format: "jwk" }), kid, alg: "RS256", use: "sig" };
}

/** Signs a message of SNS; `version` is that of the signature. */
export function signed(message, privateKey, version = "1") {
  const complete = { ...message, SignatureVersion: version };
  const text = COVERED[complete.Type]
    .filter((name) => complete[name] !== undefined)
    .map((name) => `${name}\n${complete[name]}\n`)
    .join("");
  const signer = createSign(version === "1" ? "sha1" : "sha256").update(text);
  return { ...complete, Signature: signer.sign(privateKey, "base64") };
}

/** A self-signed certificate in PEM, valid from `fromDays` to `toDays` from now. */
export function certificate({ publicKey, privateKey }, { fromDays = -1, toDays = 1 } = {}) {
  const { pki, md } = forge;
  const made = pki.createCertificate();
  const name = [{ name: "commonName", value: "sns.amazonaws.com" }];
  made.publicKey = pki.publicKeyFromPem(publicKey.export({ format: "pem", type: "spki" }));
  made.serialNumber = "01";
  made.validity.notBefore = inDays(fromDays);
  made.validity.notAfter = inDays(toDays);
  made.setSubject(name);
  made.setIssuer(name);
  const signer = pki.privateKeyFromPem(privateKey.export({ format: "pem", type: "pkcs1" }));
  made.sign(signer, md.sha256.create());
  return pki.certificateToPem(made);
}

function inDays(days) {
  return new Date(Date.now() + days * 24 * 60 * 60 * 1000);
}

/**
 * Serves `documents`, a map from path to text or JSON, and 200 at `/`, where SNS is confirmed.
 * `requests` are the paths that were asked for, with their query.
 */
export async function startPublisher(documents) {
  const faults = createFaults();
  const requests = [];
  const server = createServer(async (req, res) => {
    requests.push(req.url);
    if (await faults.apply(req, res, "before")) return;
    const { pathname } = new URL(req.url, "http://publisher");
    const document = pathname === "/" ? "<ConfirmSubscriptionResponse/>" : documents[pathname];
    const text = typeof document === "string" ? document : JSON.stringify(document);
    const headers = { "cache-control": "public, max-age=3600" };
    res.writeHead(document === undefined ? 404 : 200, headers).end(text);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    url,
    requests,
    faults,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
