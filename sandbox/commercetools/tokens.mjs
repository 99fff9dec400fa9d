// The authorization server: takes client credentials, returns bearer tokens, and knows their scopes.
// https://docs.commercetools.com/api/authorization
//
// The mock accepts any client id and secret, forgets the scope, and its tokens never expire and
// open everything. Not here: refresh tokens and the password flow, which a sync does not use.

import { randomBytes } from "node:crypto";
import { authError } from "./errors.mjs";

export const DEFAULT_TOKEN_SECONDS = 172_800; // ApiClient.accessTokenValiditySeconds (§6)

/** What one API client may have; `scopes` as in its `scope`, each with its project key. */
export function createTokens({ clientId, clientSecret, scopes, tokenSeconds, now }) {
  const tokens = new Map();
  const issued = [];
  const owned = new Set(scopes);

  return {
    /** Answers `POST /oauth/token`. */
    issue({ authorization, form }) {
      if (authorization !== basic(clientId, clientSecret)) {
        const text = "Please provide valid client credentials using HTTP Basic Authentication.";
        return authError(401, "invalid_client", text);
      }
      if (form.get("grant_type") !== "client_credentials") {
        const text = `Unsupported grant type: ${form.get("grant_type")}.`;
        return authError(400, "unsupported_grant_type", text);
      }
      const wanted = form.get("scope")?.split(" ").filter(Boolean) ?? [];
      const missing = wanted.filter((scope) => !owned.has(scope));
      if (missing.length > 0) {
        const text = `Malformed parameter: scope: Permissions exceeded: ${missing.join(", ")}.`;
        return authError(400, "invalid_scope", text);
      }
      const granted = wanted.length > 0 ? wanted : [...owned];
      const token = randomBytes(24).toString("base64url");
      issued.push(token);
      tokens.set(token, { scopes: new Set(granted), expiresAt: now() + tokenSeconds * 1000 });
      const body = { access_token: token, expires_in: tokenSeconds, scope: granted.join(" ") };
      return { status: 200, body: { ...body, token_type: "Bearer" } };
    },
    /** The scopes of the token in an `Authorization` header, or null when it is not a live one. */
    scopesOf(authorization) {
      const token = tokens.get(/^Bearer (\S+)$/.exec(authorization ?? "")?.[1]);
      return token && now() < token.expiresAt ? token.scopes : null;
    },
    /** All tokens so far, for a search of what must not hold one. */
    issued,
    /** As when somebody deletes the API client's tokens. */
    revoke: () => tokens.clear(),
    /** As when their time is over. */
    expire() {
      for (const token of tokens.values()) token.expiresAt = Number.NEGATIVE_INFINITY;
    },
  };
}

/** As `createTokens`, but whatever a request carries opens everything. */
export function openTokens(client) {
  return { ...createTokens(client), scopesOf: () => ({ has: () => true }) };
}

function basic(user, password) {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}
