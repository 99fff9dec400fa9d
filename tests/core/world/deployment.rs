//! Deployments in mid-run: other settings, and another version of the Worker.
//!
//! The newer version is this one: the test changes what it stored to look like another version's while the older one is
//! deployed. So the older one sees tables of a newer schema, or runs of a newer shape, and has to leave both alone;
//! then the newer one goes on with what it finds.

use commercetools_klaviyo::config::Config;
use commercetools_klaviyo::config::rules::EventName;
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::run::{ImportRun, VERSION};
use commercetools_klaviyo::storage::sql::Sql;
use serde_json::{Value, json};

use super::{Event, World};
use crate::import::world::Chance;
use crate::sqlite::Sqlite;
use crate::support;

/// What the older version finds that it cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NewerShape {
    /// The tables of the outbox.
    Outbox,
    /// The tables of the imports.
    Imports,
    /// The tables of both.
    Both,
    /// Runs, in tables that it knows.
    Runs,
}

impl NewerShape {
    /// One of them.
    pub(super) fn drawn(chance: &mut Chance) -> Self {
        match chance.next(6) {
            0 => Self::Outbox,
            1 => Self::Imports,
            2 => Self::Both,
            _ => Self::Runs,
        }
    }
}

/// The settings of a deployment: whichever these are, the same is right at rest.
pub(super) fn settings(named_channel: Option<&str>, is_told: bool, changed: &Value) -> Config {
    let mut rules = json!({"customer": {"deletion": "erase"},
        "product": {"inventory": {"useChannelInventory": named_channel.unwrap_or_default()}},
        "import": {"pageSize": 3, "lanes": 2}});
    for (name, value) in changed.as_object().into_iter().flatten() {
        match rules[name].as_object_mut() {
            Some(of_room) => of_room.extend(value.as_object().expect("settings").clone()),
            None => rules[name] = value.clone(),
        }
    }
    let rules = rules.to_string();
    let mut settings = vec![("CONFIG", rules.as_str()), ("PREFERRED_CURRENCY", "EUR")];
    // Pushes go to another deployment, and with them who was erased.
    settings.extend((!is_told).then_some(("APP_TYPE", "BULK_IMPORT")));
    support::config(&settings)
}

impl World {
    /// The Worker is deployed with other settings.
    pub(super) fn deploy_settings(&mut self) {
        let chance = &mut self.chance;
        let page = 2 + chance.next(5);
        let ignored = if chance.happens(250) { json!(["OrderCreated"]) } else { json!([]) };
        let changed = json!({
            "product": {"import": {"deleteMissing": chance.happens(500)}},
            "klaviyo": {"share": if chance.happens(300) { 0.5 } else { 1.0 }},
            "disabledEvents": ignored,
            "import": {"pageSize": page, "lanes": 1 + chance.next(3), "sliceSeconds": 5,
                "oneByOne": chance.happens(200)}});
        self.config = settings(self.named_channel, self.is_told, &changed);
        if self.ignores_orders() {
            self.excuse_orders();
        }
        self.restart();
    }

    /// Whether the settings say that nobody is told of new orders.
    pub(super) fn ignores_orders(&self) -> bool {
        self.config.rules.disabled(EventName::OrderCreated)
    }

    /// Orders that nobody was told of yet need not be told of any more.
    fn excuse_orders(&mut self) {
        let ids = self.shop.all("orders").filter_map(|order| order["id"].as_str());
        let told = |id: &&str| {
            self.account.events.contains_key(&("Placed Order".to_owned(), (*id).to_owned()))
        };
        let left: Vec<_> = ids.filter(|id| !told(id)).map(ToOwned::to_owned).collect();
        self.excused.extend(left);
    }

    /// The older version is deployed: what the newer one stored is not its own.
    pub(super) fn roll_back(&mut self, shape: NewerShape) {
        match shape {
            NewerShape::Outbox => to_schema(&self.outbox.sql, 1),
            NewerShape::Imports => to_schema(&self.import.sql, 1),
            NewerShape::Both => {
                to_schema(&self.outbox.sql, 1);
                to_schema(&self.import.sql, 1);
            }
            NewerShape::Runs => {
                let was_active = |kind: &ImportKind| self.has_run(*kind, ImportRun::is_active);
                let active: Vec<_> = ImportKind::ALL.into_iter().filter(was_active).collect();
                to_version(&self.import.sql, VERSION, VERSION + 1);
                // It is shown as failed: some begin anew.
                for kind in active {
                    if self.chance.happens(400) {
                        let wait = self.chance.next(10_000);
                        self.at(wait, Event::Import(kind, Value::Null));
                    }
                }
            }
        }
        self.restart();
        let wait = 1_000 + self.chance.next(60_000);
        self.at(wait, Event::RollsForward(shape));
    }

    /// The newer version is deployed again.
    pub(super) fn roll_forward(&mut self, shape: NewerShape) {
        match shape {
            NewerShape::Outbox => to_schema(&self.outbox.sql, -1),
            NewerShape::Imports => to_schema(&self.import.sql, -1),
            NewerShape::Both => {
                to_schema(&self.outbox.sql, -1);
                to_schema(&self.import.sql, -1);
            }
            NewerShape::Runs => to_version(&self.import.sql, VERSION + 1, VERSION),
        }
        self.restart();
    }
}

fn to_schema(sql: &Sqlite, more: i64) {
    let statement = format!("UPDATE schema SET version = version + {more}");
    sql.exec(&statement, vec![]).expect("a schema");
}

/// Gives all runs of a version another one. What makes it another does not matter: it is not read.
fn to_version(sql: &Sqlite, from: u32, to: u32) {
    let statement = format!(
        "UPDATE run_parts
         SET content = CAST(json_set(CAST(content AS TEXT), '$.version', {to}) AS BLOB)
         WHERE json_extract(CAST(content AS TEXT), '$.version') = {from}"
    );
    sql.exec(&statement, vec![]).expect("versions");
}
