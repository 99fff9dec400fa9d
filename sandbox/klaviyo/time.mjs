// Points in time as Klaviyo writes them: RFC 3339 with an offset, never with a `Z`.
//
// For: rendering responses. Recorded answers of profiles, events and profile jobs have whole
// seconds, those of the catalogue have fractions.
// Not for: reading times; `Date.parse` does that.

export function inSeconds(at) {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "+00:00");
}

export function withFraction(at) {
  return new Date(at).toISOString().replace("Z", "+00:00");
}
