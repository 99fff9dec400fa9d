//! The decoders: each function of the core that reads input of strangers, the two systems, operators or an earlier
//! version, and its invariants for any bytes.
//!
//! One table for two uses: the native test beside it, which mutates the kept corpus, and the targets of `fuzz/`. A
//! decoder that breaks an invariant panics. Not in scope: the meaning of good input; the tests of each module have
//! that.

#[path = "documents.rs"]
mod documents;

use std::collections::HashMap;
use std::fmt::Debug;

use commercetools_klaviyo::commercetools::answer;
use commercetools_klaviyo::commercetools::keyset::{Keyset, StampedPage, StampedResource};
use commercetools_klaviyo::commercetools::notification::Notification;
use commercetools_klaviyo::config::{self, Config, OidcAuth, SnsAuth};
use commercetools_klaviyo::fault::ReadFault;
use commercetools_klaviyo::feed::page as feed_page;
use commercetools_klaviyo::feed::replay;
use commercetools_klaviyo::feed::state::FeedState;
use commercetools_klaviyo::http::{self, HttpAnswer};
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::stored::{StoredRun, read_run};
use commercetools_klaviyo::import::{sequence, start};
use commercetools_klaviyo::inflate::{inflated, is_compressed};
use commercetools_klaviyo::klaviyo::pacing::RateTier;
use commercetools_klaviyo::klaviyo::verdict::{ExpectedSuccess, Verdict, judge};
use commercetools_klaviyo::klaviyo::{answer as lists, job_answer, read_back};
use commercetools_klaviyo::outbox::store::intake::NewEntry;
use commercetools_klaviyo::preview::subject;
use commercetools_klaviyo::push::envelope::{self, PushedItem};
use commercetools_klaviyo::push::parking::{RowGroup, slot};
use commercetools_klaviyo::push::plan::{WorkPlan, plan};
use commercetools_klaviyo::push::sender::certificate::PublicKey;
use commercetools_klaviyo::push::sender::keys;
use commercetools_klaviyo::push::sender::oidc::SignedToken;
use commercetools_klaviyo::push::sender::sns::SignedMessage;
use commercetools_klaviyo::storage::selection::KeptSelection;
use commercetools_klaviyo::storage::sql::RowId;
use commercetools_klaviyo::time::UnixMs;
use commercetools_klaviyo::trace::asked;
use commercetools_klaviyo::watch::tally::Tally;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// One of them.
pub(crate) struct Decoder {
    /// Its name: that of its target in `fuzz/`, and of its folder in `fuzz/corpus/`.
    pub(crate) name: &'static str,
    take: fn(&[u8]),
}

const fn decoder(name: &'static str, take: fn(&[u8])) -> Decoder {
    Decoder { name, take }
}

/// All of them.
pub(crate) const DECODERS: [Decoder; 28] = [
    decoder("push", push),
    decoder("compressed_push", compressed_push),
    decoder("notification", notification),
    decoder("customer", documents::customer),
    decoder("order", documents::order),
    decoder("product", documents::product),
    decoder("variant", documents::variant),
    decoder("category", documents::category),
    decoder("inventory_entry", documents::inventory_entry),
    decoder("standalone_price", documents::standalone_price),
    decoder("payment", documents::payment),
    decoder("page", page),
    decoder("feed_page", feed),
    decoder("commercetools_error", commercetools_error),
    decoder("token_and_project", token_and_project),
    decoder("klaviyo_verdict", klaviyo_verdict),
    decoder("klaviyo_job", klaviyo_job),
    decoder("klaviyo_list", klaviyo_list),
    decoder("headers", headers),
    decoder("oidc_token", oidc_token),
    decoder("jwk_set", jwk_set),
    decoder("sns_message", sns_message),
    decoder("certificate", certificate),
    decoder("settings", settings),
    decoder("admin_body", admin_body),
    decoder("query_string", query_string),
    decoder("stored_run", stored_run),
    decoder("stored_state", stored_state),
];

/// Reads the bytes with the decoder of this name. Panics if what should hold does not.
pub(crate) fn take(name: &str, bytes: &[u8]) {
    let decoder = DECODERS.iter().find(|decoder| decoder.name == name);
    (decoder.unwrap_or_else(|| panic!("there is no decoder {name}")).take)(bytes);
}

/// The time at which everything is read: 2026-11-30.
pub(super) const NOW: UnixMs = UnixMs::from_ms(1_795_996_800_000);

/// A complete configuration with these settings beside the required ones.
fn parsed(settings: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let required = [
        ("CT_API_CLIENT", r#"{"clientId":"id","secret":"secret"}"#),
        ("CT_AUTH_URL", "https://auth.example.com"),
        ("CT_API_URL", "https://api.example.com"),
        ("CT_PROJECT_ID", "shop"),
        ("KLAVIYO_AUTH_KEY", "pk_test"),
    ];
    let all: HashMap<_, _> = required.iter().chain(settings).copied().collect();
    config::parse(|name| all.get(name).map(ToString::to_string))
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

thread_local! {
    static CONFIG: Config = parsed(&[
        ("PREFERRED_LOCALE", "en"),
        ("PREFERRED_CURRENCY", "EUR"),
        ("PRODUCT_URL_TEMPLATE", "https://shop.example/{{productSlug}}?sku={{sku}}"),
        ("CONFIG", r#"{"customer":{"deletion":"erase"}}"#),
    ])
    .unwrap_or_else(|problems| panic!("{problems:?}"));
}

pub(super) fn with_config(take: impl FnOnce(&Config)) {
    CONFIG.with(take);
}

/// An answer: in the first line its status, and `cut` if it is only the beginning of one; then its body.
pub(super) fn answer_of(bytes: &[u8]) -> HttpAnswer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once('\n').unwrap_or(("200", &text));
    let mut words = head.split(' ');
    HttpAnswer {
        status: words.next().and_then(|status| status.parse().ok()).unwrap_or(200),
        is_beginning: words.next() == Some("cut"),
        body: body.to_owned(),
        ..HttpAnswer::default()
    }
}

/// A code is one that somebody can look up: words and numbers, and nothing of the input.
pub(super) fn assert_code(code: &str) {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    assert!(!code.is_empty() && code.len() <= 60 && code.bytes().all(is_plain), "the code {code}");
}

pub(super) fn assert_read_code<T: Debug>(read: Result<T, ReadFault>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(ReadFault::Later(setback)) => {
            assert_code(&setback.fault.code());
            None
        }
        Err(ReadFault::Never(rejection)) => {
            assert_code(&rejection.fault.code());
            None
        }
    }
}

/// A stored value that is read again is the same.
fn assert_kept<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(bytes) else { return };
    let text = serde_json::to_string(&read).unwrap_or_else(|error| panic!("{error}"));
    let again: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
    assert_eq!(again, read, "stored as {text}");
}

/// A notification is planned; one that is stored and read again is the same and has the same slot.
fn assert_planned(rules: &config::OperatorRules, notification: &Notification) {
    let again = Notification::read(notification.raw.clone());
    assert_eq!(again.as_ref().ok(), Some(notification), "read once more");
    let _ = feed_page::brought(rules, notification, NOW);
    match plan(rules, notification) {
        Ok(WorkPlan::Work(work)) => {
            let key = slot(notification, &work).key;
            assert!(RowGroup::of_key(&key).is_some(), "no group has the slot {key}");
        }
        Ok(WorkPlan::Ignore(why)) => assert_code(why.code()),
        Err(fault) => assert_sentence(&fault.to_string()),
    }
}

/// The body of a push, in any wire form.
fn push(body: &[u8]) {
    with_config(|config| {
        let decoded = envelope::decode(body, Some(&config.push.sns));
        for item in &decoded.items {
            match item {
                PushedItem::Notification(notification) => {
                    assert_planned(&config.rules, notification);
                }
                PushedItem::Refused { why, .. } => assert_code(why.code()),
            }
        }
        let answers = !decoded.items.is_empty() || decoded.handshake.is_some();
        let is_empty_list = body.contains(&b'[');
        assert!(answers || is_empty_list, "a body that comes to nothing");
        let _ = envelope::names_project(body, "shop");
    });
}

/// The body of a push before it is inflated.
fn compressed_push(body: &[u8]) {
    const LIMIT: usize = 20_000;
    match inflated(body.to_vec(), LIMIT) {
        Some(whole) => {
            assert!(whole.len() <= LIMIT);
            assert!(is_compressed(body) || whole == body, "it was changed");
            push(&whole);
        }
        None => assert!(is_compressed(body) || body.len() > LIMIT),
    }
}

/// One notification, also as the outbox stores it.
fn notification(body: &[u8]) {
    let Ok(raw) = serde_json::from_slice::<Map<String, Value>>(body) else { return };
    if let Ok(notification) = Notification::read(raw) {
        with_config(|config| assert_planned(&config.rules, &notification));
    }
}

/// A page of documents of commercetools, of which perhaps only the beginning was read.
fn page(bytes: &[u8]) {
    let answer = answer_of(bytes);
    if let Some(begun) = assert_read_code(answer::begun_page(&answer)) {
        let mut from = 0;
        for text in begun.results {
            let is_json = serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
            assert!(is_json, "a document is cut: {text}");
            let at = answer.body.get(from..).and_then(|rest| rest.find(text));
            from += at.unwrap_or_else(|| panic!("not of the page, or out of order: {text}"));
            from += text.len();
        }
    }
    let _ = assert_read_code(answer::page::<Value>(&answer));
    let _ = assert_read_code(answer::counted_page::<Value>(&answer));
}

/// A page of the feed.
fn feed(bytes: &[u8]) {
    let answer = answer_of(bytes);
    with_config(|config| {
        for of in StampedResource::ALL {
            let after = Keyset::from(UnixMs::from_ms(0));
            let asked = StampedPage {
                of,
                after,
                before: None,
                types: Vec::new(),
                without: Vec::new(),
                limit: 2,
            };
            let read = feed_page::read(&config.rules, &asked, &answer, NOW, NOW);
            let Some(read) = assert_read_code(read) else { continue };
            assert!(read.end.limit > 0, "the next page would be empty");
            let passes = read.end.last.is_some() || read.end.too_large.is_some();
            assert!(passes || read.end.limit < asked.limit || !read.end.goes_on, "it stands still");
        }
    });
}

/// A refusal of commercetools.
fn commercetools_error(bytes: &[u8]) {
    let answer = answer_of(bytes);
    let _ = answer::refusal(&answer);
    let _ = answer::without_value(&answer.body);
    let read = assert_read_code(answer::document::<Value>(&answer));
    let is_gone = read == Some(None);
    assert!(!is_gone || answer::refusal(&answer).is_some(), "gone by the word of somebody else");
}

/// The access token and the project.
fn token_and_project(bytes: &[u8]) {
    let answer = answer_of(bytes);
    if let Err(setback) = answer::token(&answer, NOW) {
        assert_code(&setback.fault.code());
    }
    let _ = assert_read_code(answer::catalog_model(&answer));
}

/// What Klaviyo's answer means for a request.
fn klaviyo_verdict(bytes: &[u8]) {
    let answer = answer_of(bytes);
    let status = answer.status;
    let wanted = [ExpectedSuccess::Nothing, ExpectedSuccess::Resource("profile".into())];
    for success in wanted {
        match judge(&success, &Ok(answer.clone())) {
            Verdict::Accepted => assert!((200..=299).contains(&status), "{status} was success"),
            Verdict::Later(setback) => assert_code(&setback.fault.code()),
            Verdict::Conflict { .. } => assert_eq!(status, 409),
            Verdict::Missing => assert_eq!(status, 404),
            Verdict::NotHeld => panic!("it was not asked whether Klaviyo holds it"),
            Verdict::Refused(refusal) => assert_eq!(refusal.status, status),
        }
    }
}

/// A job of Klaviyo: that it began, how far it is, what was wrong with its rows.
fn klaviyo_job(bytes: &[u8]) {
    let answer = answer_of(bytes);
    let _ = assert_read_code(job_answer::started(&answer));
    let _ = assert_read_code(job_answer::progress(&answer));
    if let Some(page) = assert_read_code(job_answer::import_errors(&answer)) {
        let failed = u64::try_from(page.errors.len()).unwrap_or(u64::MAX);
        if let Some(rows) = job_answer::blamed(failed, &page.errors, |id| id.parse().ok()) {
            assert!(rows.is_sorted_by(|one, next| one < next), "a row is blamed twice");
        }
    }
    let _ = job_answer::row_of_pointer(&answer.body);
}

/// Lists and objects that Klaviyo holds.
fn klaviyo_list(bytes: &[u8]) {
    let answer = answer_of(bytes);
    if let (Some(Some(all)), Some(Some(marked))) = (
        assert_read_code(lists::ids(&answer)),
        assert_read_code(lists::marked_ids(&answer, &["mark"])),
    ) {
        assert!(marked.ids.iter().all(|id| all.ids.contains(id)));
    }
    let _ = assert_read_code(lists::profiles(&answer));
    let _ = assert_read_code(lists::name(&answer));
    let _ = assert_read_code(read_back::records(&answer));
    let _ = assert_read_code(read_back::events(&answer));
}

/// What is read of headers: limits, lifetimes, dates. Each line is one.
fn headers(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines() {
        let _ = RateTier::parse(line);
        let _ = http::date(line);
        let _ = keys::freshness(Some(line), Some(line));
    }
}

/// The token that Google signs.
fn oidc_token(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let [audience, email] = ["https://worker.example/", "push@shop.iam.gserviceaccount.com"];
    let oidc = OidcAuth {
        audience: audience.to_owned(),
        email: email.to_owned(),
        keys_url: String::new(),
    };
    if let Ok(token) = SignedToken::read(&text, &oidc, NOW) {
        assert!(text.starts_with(&token.signed), "something else is verified than was read");
    }
}

/// The keys of a signer.
fn jwk_set(bytes: &[u8]) {
    let _ = keys::read(&String::from_utf8_lossy(bytes));
}

/// A message that Amazon SNS signs: its certificate comes from Amazon, whatever its sender says.
fn sns_message(bytes: &[u8]) {
    let topic = Some("arn:aws:sns:eu-central-1:123456789012:commercetools".to_owned());
    if let Ok(message) = SignedMessage::read(bytes, &SnsAuth { topic, url: None }) {
        let host = message.certificate.host_str().unwrap_or_default();
        let is_amazons = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
        assert!(is_amazons && message.certificate.scheme() == "https", "{}", message.certificate);
    }
}

/// The certificate of a signer.
fn certificate(bytes: &[u8]) {
    let _ = PublicKey::read(&String::from_utf8_lossy(bytes));
}

/// The settings: `CONFIG`, and a line for each other one (`NAME=value`) before it.
fn settings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (lines, config) = text.split_once("\n{").unwrap_or(("", &text));
    let config = if lines.is_empty() { config.to_owned() } else { format!("{{{config}") };
    let mut settings: Vec<_> = lines.lines().filter_map(|line| line.split_once('=')).collect();
    settings.push(("CONFIG", &config));
    let again = parsed(&settings);
    match (parsed(&settings), again) {
        (Ok(one), Ok(other)) => {
            assert_eq!(format!("{:?}", one.rules), format!("{:?}", other.rules));
        }
        (Err(one), Err(other)) => {
            assert_eq!(one, other);
            assert!(!one.is_empty(), "refused without a reason");
        }
        _ => panic!("read in two ways"),
    }
}

/// Bodies of the endpoints for operators.
fn admin_body(bytes: &[u8]) {
    for kind in ImportKind::IN_ORDER {
        if let Err(why) = start::read(kind, bytes) {
            assert_sentence(&why);
        }
    }
    match sequence::read(bytes) {
        Ok(kinds) => assert!(!kinds.is_empty() && kinds.len() <= ImportKind::IN_ORDER.len()),
        Err(why) => assert_sentence(&why),
    }
    if let Err(why) = KeptSelection::read(bytes) {
        assert_sentence(&why);
    }
    if let Err(why) = asked::body(bytes) {
        assert_sentence(&why);
    }
    if let Err(why) = replay::read(bytes, &FeedState::default(), NOW) {
        assert_sentence(&why);
    }
    if let Err(why) = subject::read(bytes) {
        assert_code(why.code());
    }
}

fn assert_sentence(why: &str) {
    assert!(!why.trim().is_empty(), "refused without a reason");
}

/// The query strings of the endpoints for operators.
fn query_string(bytes: &[u8]) {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(bytes).into_owned().collect();
    if let Err(why) = asked::parameters(pairs.clone()) {
        assert_sentence(&why);
    }
    let given = |name: &str| pairs.iter().find(|(one, _)| one == name).map(|(_, value)| value);
    let selected = KeptSelection::to_delete(given("code").cloned(), given("all").map(|all| &**all));
    let says = given("all").is_some_and(|all| all == "true");
    assert!(selected != Ok(KeptSelection::All) || says, "all goes, and nobody said so");
    for (_, value) in &pairs {
        let _ = RowId::parse(value);
        let _ = ImportKind::named(value);
    }
}

/// A run, as any version stored it.
fn stored_run(bytes: &[u8]) {
    with_config(|config| {
        for kind in ImportKind::IN_ORDER {
            let read = read_run(&config.rules, kind, "0000000001000", bytes);
            let _ = read.shown();
            if let StoredRun::Readable(run) = read {
                let text = serde_json::to_vec(&run).unwrap_or_else(|error| panic!("{error}"));
                let again = read_run(&config.rules, kind, "0000000001000", &text);
                assert_eq!(again, StoredRun::Readable(run), "stored and read again");
            }
        }
    });
}

/// What else is stored as JSON.
fn stored_state(bytes: &[u8]) {
    assert_kept::<FeedState>(bytes);
    assert_kept::<NewEntry>(bytes);
    assert_kept::<Tally>(bytes);
}
