// Error answers in commercetools' shapes (reference §5.8).

/** An error of the API. */
export function apiError(status, code, message) {
  return { status, body: { statusCode: status, message, errors: [{ code, message }] } };
}

/** An error of authentication or authorization, which also carries OAuth's own member. */
export function authError(status, code, message) {
  const { body } = apiError(status, code, message);
  return { status, body: { ...body, error: code, error_description: message } };
}
