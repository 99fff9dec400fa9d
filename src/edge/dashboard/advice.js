// What to do about a code, in a sentence. The docs say more about each.

const ADVICE = [
  [
    /^klaviyo_4\d\d$|^klaviyo_job_refused$/,
    "Klaviyo refuses it: fix what its words name, then retry.",
  ],
  [/^commercetools_4\d\d$/, "commercetools refuses the query: its words say why."],
  [
    /^not_found$/,
    "commercetools has no such record, or the API client may not see it. Forget it, or add the scope.",
  ],
  [/^too_large$/, "A document has more than 5 MB: make it smaller in commercetools, then retry."],
  [/^malformed_email$/, "Correct the e-mail address in commercetools, then retry."],
  [
    /_malformed$/,
    "A field is missing or of another type: the detail names it. Correct it, then retry.",
  ],
  [/^expired_/, "The time for its tries is over: fix what the code names, then retry."],
  [/^never_finished$/, "The runtime went down in each try: see the log, then retry once."],
  [
    /^(not_json|envelope_undecodable|not_a_notification|push_too_large)$/,
    "It is not a commercetools notification: see who sent it, then forget it.",
  ],
  [
    /^handshake_refused$/,
    "A handshake of another topic: fix PUSH_SNS_TOPIC_ARN and subscribe again, then forget it.",
  ],
  [/./, "See its detail, then retry or forget it."],
];

export const advice = (code) => ADVICE.find(([codes]) => codes.test(code))[1];
