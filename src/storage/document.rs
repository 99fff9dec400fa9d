//! One JSON document that an object keeps in the only row of its table `state`. For: small data that is read and
//! written as a whole. Not for: data that grows; that has tables of its own.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::sql::{Sql, SqlError};

/// The document; none if nothing is stored.
pub fn load<T: DeserializeOwned>(sql: &dyn Sql) -> Result<Option<T>, SqlError> {
    let stored: Option<String> = sql.exec("SELECT content FROM state", vec![])?.value()?;
    Ok(stored.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// Replaces the document.
pub fn save(sql: &dyn Sql, document: &impl Serialize) -> Result<(), SqlError> {
    sql.exec(
        "INSERT INTO state (only, content) VALUES (1, ?)
         ON CONFLICT (only) DO UPDATE SET content = excluded.content",
        vec![serde_json::to_string(document)?.into()],
    )?;
    Ok(())
}
