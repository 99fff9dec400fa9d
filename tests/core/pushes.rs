//! No sequence of bytes breaks the core: it decodes and plans it, or refuses it with a reason.
//!
//! The bytes are the same in every run: `.cargo/config.toml` has the seed.
//! `PROPTEST_RNG_SEED=7 cargo test --test core pushes` draws others; a failure prints the minimised input, and the line
//! (`cc …`) with which it is tried first from then on.

use commercetools_klaviyo::config::{OidcAuth, SnsAuth};
use commercetools_klaviyo::push::envelope::{self, PushedItem};
use commercetools_klaviyo::push::plan::plan;
use commercetools_klaviyo::push::sender::certificate::PublicKey;
use commercetools_klaviyo::push::sender::keys;
use commercetools_klaviyo::push::sender::oidc::SignedToken;
use commercetools_klaviyo::push::sender::sns::SignedMessage;
use proptest::prelude::*;

use crate::support::{at, config};

/// Decodes and plans, and reads as a signed message and a signed token; what it returns does not matter, that it returns does.
fn take(body: &[u8]) {
    let config = config(&[]);
    let rules = config.rules;
    for item in envelope::decode(body, Some(&config.push.sns)).items {
        if let PushedItem::Notification(notification) = item {
            let _ = plan(&rules, &notification);
        }
    }
    let topic = Some(String::new());
    let _ = SignedMessage::read(body, &SnsAuth { topic, url: None });
    let text = String::from_utf8_lossy(body);
    let oidc = OidcAuth { audience: String::new(), email: String::new(), keys_url: String::new() };
    let _ = SignedToken::read(&text, &oidc, at(0));
    let _ = keys::read(&text);
    let _ = PublicKey::read(&text);
}

/// JSON with the names that mean something, in places where they may or may not belong.
fn almost_a_push() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "message",
        "data",
        "resource",
        "typeId",
        "id",
        "notificationType",
        "type",
        "order",
        "payloadNotIncluded",
        "payloadType",
        "customer",
        "transaction",
        "createdAt",
        "orderState",
        "specversion",
        "data_base64",
        "detail",
        "detail-type",
        "Type",
        "Message",
        "SubscribeURL",
        "eventType",
        "validationCode",
    ]);
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "null",
            "0",
            "\"\"",
            "\"order\"",
            "\"customer\"",
            "\"payment\"",
            "\"Message\"",
            "\"ResourceUpdated\"",
            "\"OrderCreated\"",
            "\"OrderCustomerSet\"",
            "\"e30=\"",
            "\"PaymentTransactionAdded\"",
            "\"OrderStateChanged\"",
            "\"Notification\"",
            "\"SubscriptionConfirmation\"",
            "\"UnsubscribeConfirmation\"",
            "\"Microsoft.EventGrid.SubscriptionValidationEvent\"",
            "\"[{}]\"",
            "true",
            "[]",
            "{}",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        let member =
            (names.clone(), inner.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
        prop_oneof![
            prop::collection::vec(member, 0..6)
                .prop_map(|members| format!("{{{}}}", members.join(","))),
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes(body in prop::collection::vec(any::<u8>(), 0..400)) {
        take(&body);
    }

    #[test]
    fn any_text(body in any::<String>()) {
        take(body.as_bytes());
    }

    #[test]
    fn anything_that_looks_like_a_push(body in almost_a_push()) {
        take(body.as_bytes());
    }
}
