//! The checks of commercetools: a token, its scopes, and a read of each resource.
//!
//! All modes need the same scopes: realtime and imports read the same resources.

use super::{Check, NOBODY};
use crate::commercetools::answer::{AccessToken, catalog_model};
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::commercetools::variant::CatalogModel;
use crate::commercetools::walk::{FilterList, Walk, WalkFilter, WalkedResource};
use crate::config::Config;
use crate::fault::{ReadFault, Setback, System, TransientFault};
use crate::http::HttpAnswer;

/// The name of the check of the catalogue.
const CATALOG: &str = "commercetools_catalog";

/// The read of the project.
const PROJECT: &str = "project";

/// The read that only matters if some variants are documents of their own.
const VARIANTS: &str = "variants";

/// Required scopes.
const NEEDED: [&str; 4] = ["view_customers", "view_orders", "view_payments", "view_products"];

/// Optional scopes, and what is missing without them.
const OPTIONAL: [(&str, &str); 4] = [
    ("view_discount_codes", "events of orders carry no DiscountCode"),
    ("view_standalone_prices", "products of the price mode Standalone have no price"),
    ("view_types", "custom fields that a customer loses with a type stay at Klaviyo"),
    (
        "view_project_settings",
        "variants that a product loses stay at Klaviyo if the project's catalogue is Modular",
    ),
];

/// Whether commercetools grants a token.
#[must_use]
pub fn token(granted: &Result<AccessToken, Setback>) -> Check {
    let found = match granted {
        Ok(_) => Ok("commercetools grants a token".to_owned()),
        Err(Setback { fault, .. }) => Err(match fault {
            TransientFault::Status(System::CommercetoolsToken, 401) => {
                "commercetools refuses CT_API_CLIENT: set the clientId \
                and secret of an API client of the project, and CT_AUTH_URL of its region"
                    .to_owned()
            }
            TransientFault::Status(System::CommercetoolsToken, 400 | 403) => format!(
                "commercetools refuses what CT_SCOPES asks for ({}): the API client does not \
                 have one of these scopes, or CT_SCOPES names another project; give it the scope, \
                 or leave CT_SCOPES out",
                fault.code()
            ),
            _ => format!(
                "no token ({}): see whether CT_AUTH_URL is right, and commercetools' status page",
                fault.code()
            ),
        }),
    };
    Check::new("commercetools_token", found)
}

/// Whether the token has the required scopes; `granted` is the token with its scopes.
#[must_use]
pub fn scopes(config: &Config, granted: &Result<AccessToken, Setback>) -> Check {
    Check::new("commercetools_scopes", scopes_found(config, granted))
}

fn scopes_found(config: &Config, granted: &Result<AccessToken, Setback>) -> Result<String, String> {
    let token = granted.as_ref().map_err(|_| "not known without a token".to_owned())?;
    let Some(scopes) = &token.scopes else {
        return Ok("the token does not name its scopes; the reads show them".to_owned());
    };
    let project = &config.commercetools.project_key;
    let has = |wanted: &str| {
        // A client that may manage may also view. A scope that also names a store opens only that store.
        let manage = wanted.replacen("view_", "manage_", 1);
        let opening = [wanted, &manage, "manage_project"].map(|name| format!("{name}:{project}"));
        scopes.split_whitespace().any(|scope| opening.iter().any(|one| one == scope))
    };
    let missing: Vec<_> = NEEDED.into_iter().filter(|scope| !has(scope)).collect();
    if !missing.is_empty() {
        return Err(format!(
            "missing: {}; give the API client these scopes of the project, and name them in \
             CT_SCOPES if that is set",
            missing.join(", ")
        ));
    }
    let without = OPTIONAL.into_iter().filter(|(scope, _)| !has(scope));
    let without: Vec<_> = without.map(|(scope, so)| format!("; without {scope}, {so}")).collect();
    Ok(format!("{} are there{}", NEEDED.join(", "), without.concat()))
}

/// A read that proves that the client may read something. It finds no resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommercetoolsProbe {
    /// What is read.
    pub what: &'static str,
    /// The path and query below `{api}/{project}`, encoded.
    pub path: String,
    scope: &'static str,
}

/// The reads to make.
#[must_use]
pub fn probes() -> Vec<CommercetoolsProbe> {
    let Some(id) = Id::new(NOBODY) else { return Vec::new() };
    let walk = |of| {
        let filter =
            WalkFilter { among: Some(FilterList::Ids(vec![id.clone()])), ..WalkFilter::default() };
        Walk { of, filter, after: None, limit: 1 }.path_and_query()
    };
    let codes = DocumentQuery::DiscountCodes(vec![id.clone()]).path_and_query();
    [
        ("customers", "view_customers", walk(WalkedResource::Customers)),
        ("orders", "view_orders", walk(WalkedResource::Orders)),
        ("payments", "view_payments", walk(WalkedResource::Payments)),
        ("products", "view_products", walk(WalkedResource::Products)),
        ("categories", "view_products", walk(WalkedResource::Categories)),
        ("inventory", "view_products", walk(WalkedResource::Inventory)),
        ("standalone prices", "view_standalone_prices", walk(WalkedResource::StandalonePrices)),
        ("discount codes", "view_discount_codes", codes),
        ("types", "view_types", "/types?limit=1&withTotal=false".to_owned()),
        (PROJECT, "view_project_settings", DocumentQuery::Project.path_and_query()),
        (VARIANTS, "view_products", walk(WalkedResource::Variants)),
    ]
    .map(|(what, scope, path)| CommercetoolsProbe { what, path, scope })
    .into()
}

/// The result of the reads; without a token there were none.
#[must_use]
pub fn api(probed: &[(CommercetoolsProbe, Result<HttpAnswer, Setback>)]) -> Check {
    let mut wrong = Vec::new();
    let mut read = Vec::new();
    // The check of the catalogue says whether variants have to be read by themselves.
    let of_resources = probed.iter().filter(|(probe, _)| probe.what != VARIANTS);
    for (CommercetoolsProbe { what, scope, .. }, answer) in of_resources {
        let optional = OPTIONAL.iter().any(|(name, _)| name == scope);
        match answer.as_ref().map(|answer| answer.status) {
            Ok(200) => read.push(*what),
            Ok(403) if optional => {}
            Ok(403) => wrong.push(format!("{what}: give the API client the scope {scope}")),
            Ok(404) => wrong.push(format!("{what}: CT_API_URL knows no project CT_PROJECT_ID")),
            Ok(status) => wrong.push(format!("{what}: commercetools answers {status}")),
            Err(setback) => {
                wrong.push(format!("{what}: {}, see CT_API_URL", setback.fault.code()));
            }
        }
    }
    let found = match (read.is_empty(), wrong.is_empty()) {
        (true, true) => Err("nothing was read without a token".to_owned()),
        (_, true) => Ok(format!("{} can be read", read.join(", "))),
        (_, false) => Err(wrong.join("; ")),
    };
    Check::new("commercetools_api", found)
}

/// Where the project keeps the variants of its products, and whether the client can read them there.
#[must_use]
pub fn catalog(probed: &[(CommercetoolsProbe, Result<HttpAnswer, Setback>)]) -> Check {
    let of = |what| probed.iter().find(|(probe, _)| probe.what == what).map(|(_, answer)| answer);
    let Some(project) = of(PROJECT) else {
        return Check::warning(CATALOG, "not known without a token".to_owned());
    };
    let model = project.as_ref().map_err(|setback| ReadFault::from(*setback));
    let model = match model.and_then(catalog_model) {
        Ok(model) => model,
        Err(fault) => return Check::warning(CATALOG, format!("not known: {}", code_of(&fault))),
    };
    let variants = of(VARIANTS).map(|answer| answer.as_ref().map(|answer| answer.status));
    let are_read = variants == Some(Ok(200));
    let refused = || {
        let status = match variants {
            Some(Ok(status)) => format!("commercetools answers {status} to /variants"),
            Some(Err(setback)) => setback.fault.code().into_owned(),
            None => "not read".to_owned(),
        };
        format!(
            "variants are documents of their own, and cannot be read: {status}. Products fail until \
             they can; give the API client the scope view_products"
        )
    };
    match model {
        CatalogModel::Classic => {
            Check::new(CATALOG, Ok("the catalogue is Classic: products hold their variants".to_owned()))
        }
        CatalogModel::Modular | CatalogModel::InMigration if !are_read => {
            Check::new(CATALOG, Err(refused()))
        }
        CatalogModel::Modular => Check::new(
            CATALOG,
            Ok("the catalogue is Modular: variants are documents of their own".to_owned()),
        ),
        CatalogModel::InMigration => Check::warning(
            CATALOG,
            "the catalogue is being moved to the Modular model: variants are read wherever they are, and \
             none that is not found is taken from Klaviyo until the project is Modular"
                .to_owned(),
        ),
        CatalogModel::Unknown => Check::warning(
            CATALOG,
            "not known where products have their variants: give the API client the scope \
             view_project_settings. Until then, a product whose variants are documents of their own loses \
             none of them at Klaviyo"
                .to_owned(),
        ),
    }
}

fn code_of(fault: &ReadFault) -> String {
    match fault {
        ReadFault::Later(setback) => setback.fault.code().into_owned(),
        ReadFault::Never(rejection) => rejection.code().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::CheckLevel;
    use crate::config::test_config;
    use crate::http::NoAnswer;
    use crate::time::UnixMs;

    fn granting(scopes: &str) -> AccessToken {
        AccessToken {
            bearer: "b".to_owned(),
            renew_at: UnixMs::EPOCH,
            scopes: Some(scopes.to_owned()),
        }
    }

    #[test]
    fn a_missing_scope_is_named() {
        let all = "view_customers:shop view_orders:shop view_payments:shop view_products:shop";
        for (scopes, ok, said) in [
            (all, true, "without view_discount_codes"),
            (&format!("{all} view_discount_codes:shop"), true, "without view_standalone_prices"),
            ("manage_project:shop", true, "are there"),
            (&all.replace("view_", "manage_"), true, "are there"),
            (&all.replace("view_payments:shop", ""), false, "missing: view_payments;"),
            (&all.replace("orders:shop", "orders:shop:store"), false, "missing: view_orders;"),
            (&all.replace(":shop", ":other"), false, "missing: view_customers, view_orders,"),
            ("", false, "view_products"),
        ] {
            let check = super::scopes(&test_config(), &Ok(granting(scopes)));
            assert_eq!(check.ok, ok, "{scopes}: {check:?}");
            assert!(check.detail.contains(said), "{scopes}: {check:?}");
        }
    }

    #[test]
    fn a_token_that_is_refused_says_what_to_mend() {
        assert!(token(&Ok(granting(""))).ok);
        let status = |status| TransientFault::Status(System::CommercetoolsToken, status);
        let timeout = TransientFault::NoAnswer(System::CommercetoolsToken, NoAnswer::Timeout);
        for (fault, said) in [
            (status(401), "CT_API_CLIENT"),
            (status(400), "CT_SCOPES"),
            (timeout, "CT_AUTH_URL"),
            (status(503), "commercetools_token_503"),
        ] {
            let refused = Err(fault.into());
            let check = token(&refused);
            assert!(!check.ok && check.detail.contains(said), "{check:?}");
            assert!(!scopes(&test_config(), &refused).ok);
        }
    }

    #[test]
    fn each_resource_is_judged_by_itself() {
        let status = |status| Ok(HttpAnswer { status, ..HttpAnswer::default() });
        let probed = |of: &dyn Fn(&str) -> Result<HttpAnswer, Setback>| {
            let probes = probes().into_iter();
            api(&probes.map(|probe| (probe.clone(), of(probe.what))).collect::<Vec<_>>())
        };
        let check = probed(&|_| status(200));
        assert!(check.ok && check.detail.contains("customers, orders"), "{check:?}");
        let optional = ["discount codes", "standalone prices", "types", "project"];
        assert!(probed(&|what| status(if optional.contains(&what) { 403 } else { 200 })).ok);
        let network = || Err(Setback::no_answer(System::Commercetools, NoAnswer::Network));
        let check = probed(&|what| match what {
            "orders" => status(403),
            "payments" => network(),
            "inventory" => status(404),
            "products" => status(503),
            _ => status(200),
        });
        assert!(!check.ok);
        for said in [
            "orders: give the API client the scope view_orders",
            "payments: commercetools_network",
            "inventory: CT_API_URL knows no project",
            "products: commercetools answers 503",
        ] {
            assert!(check.detail.contains(said), "{said}: {check:?}");
        }
        assert!(!check.detail.contains("customers"), "{check:?}");
        assert!(!api(&[]).ok);
    }

    #[test]
    fn the_catalogue_is_told_by_the_project() {
        let probed = |project: (u16, &str), variants: u16| -> Vec<_> {
            let answer = |what: &str| {
                let (status, body) = match what {
                    PROJECT => project,
                    VARIANTS => (variants, ""),
                    _ => (200, ""),
                };
                Ok(HttpAnswer { status, body: body.to_owned(), ..HttpAnswer::default() })
            };
            probes().into_iter().map(|probe| (probe.clone(), answer(probe.what))).collect()
        };
        let classic = (200, r#"{"key":"shop"}"#);
        let moving = (200, r#"{"key":"shop","productCatalogModel":"InMigration"}"#);
        let modular = (200, r#"{"key":"shop","productCatalogModel":"Modular"}"#);
        let next = (200, r#"{"key":"shop","productCatalogModel":"Next"}"#);
        let refused = (403, r#"{"statusCode":403,"message":"insufficient_scope"}"#);
        for (project, variants, level, said) in [
            (classic, 400, CheckLevel::Ok, "Classic"),
            (moving, 200, CheckLevel::Warning, "being moved"),
            (modular, 200, CheckLevel::Ok, "is Modular"),
            (modular, 404, CheckLevel::Failed, "commercetools answers 404 to /variants"),
            (moving, 403, CheckLevel::Failed, "scope view_products"),
            (next, 200, CheckLevel::Warning, "not known"),
            (refused, 200, CheckLevel::Warning, "view_project_settings"),
            ((502, "<html>"), 200, CheckLevel::Warning, "commercetools_502"),
            ((200, "<html>"), 200, CheckLevel::Warning, "not known"),
        ] {
            let probed = probed(project, variants);
            let check = catalog(&probed);
            assert_eq!(check.level, level, "{project:?} {variants}: {check:?}");
            assert!(check.detail.contains(said), "{project:?} {variants}: {check:?}");
            assert!(!api(&probed).detail.contains("variants"), "judged by itself");
        }
        assert_eq!(catalog(&[]).level, CheckLevel::Warning);
    }
}
