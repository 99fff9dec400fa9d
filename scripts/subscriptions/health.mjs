// What the status of a Subscription means, and what to do about it.
// https://docs.commercetools.com/api/projects/subscriptions#subscriptionhealthstatus

const ADVICE = {
  ConfigurationError:
    "commercetools may not deliver to it any more, and keeps what it could not. Mend the destination soon",
  ConfigurationErrorDeliveryStopped:
    'commercetools has given up, and what it could not deliver is lost. Mend the destination, run this with --reconnect, and import with "since"',
  TemporaryError: "the destination does not answer, and commercetools goes on trying",
  ManuallySuspended: "commercetools' support has suspended it, and must resume it",
};

/** The status with its advice, or null where all is well. */
export function ailment(status) {
  if (!status || status === "Healthy") return null;
  return `its status is ${status}: ${ADVICE[status] ?? "see commercetools' documentation"}`;
}
