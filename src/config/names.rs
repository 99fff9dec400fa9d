//! The names of all settings.

/// Every setting, and whether it is a secret; in the order in which they are read.
pub const NAMES: [(&str, bool); 24] = [
    ("CT_API_CLIENT", true),
    ("CT_AUTH_URL", false),
    ("CT_API_URL", false),
    ("CT_PROJECT_ID", false),
    ("CT_SCOPES", false),
    ("CT_SCOPE", false),
    ("KLAVIYO_AUTH_KEY", true),
    ("KLAVIYO_API_URL", false),
    ("APP_TYPE", false),
    ("PUSH_TOKEN", true),
    ("PUSH_OIDC_KEYS_URL", false),
    ("PUSH_OIDC_AUDIENCE", false),
    ("PUSH_OIDC_EMAIL", false),
    ("PUSH_SNS_TOPIC_ARN", false),
    ("PUSH_SNS_URL", false),
    ("PUSH_PATIENCE_MS", false),
    ("ADMIN_TOKEN", true),
    ("READ_TOKEN", true),
    ("DATA_JURISDICTION", false),
    ("PREFERRED_CURRENCY", false),
    ("PREFERRED_COUNTRY", false),
    ("PREFERRED_LOCALE", false),
    ("PRODUCT_URL_TEMPLATE", false),
    ("CONFIG", false),
];
