//! Real SQLite as the storage of a Durable Object, with the platform's limits: it runs the core's statements as the
//! platform does.
//!
//! The platform keeps everything that was written in a turn, or nothing of it: [`Sqlite::turn`].

use std::cell::Cell;
use std::collections::BTreeMap;

use commercetools_klaviyo::storage::sql::{Sql, SqlAnswer, SqlError, SqlValue};
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::limits::Limit;
use rusqlite::types::Value;
use rusqlite::{Batch, Connection, Statement, params_from_iter};

/// What a Durable Object allows (developers.cloudflare.com/durable-objects/platform/limits): the
/// bytes of a value, the bytes of a statement, and how many values it may have.
const LIMITS: [(Limit, i32); 3] = [
    (Limit::SQLITE_LIMIT_LENGTH, 2_000_000),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
];

/// The largest whole number that JavaScript has.
const LARGEST: u64 = (1 << 53) - 1;

/// A database in memory.
pub(crate) struct Sqlite {
    connection: Connection,
    /// The statement that is to fail: 1 is the next.
    fails_at: Cell<Option<u32>>,
}

impl Sqlite {
    pub(crate) fn new() -> Self {
        let connection = Connection::open_in_memory().expect("a database");
        for (limit, value) in LIMITS {
            connection.set_limit(limit, value).expect("a limit");
        }
        Self { connection, fails_at: Cell::new(None) }
    }

    /// Begins a turn.
    pub(crate) fn begin(&self) {
        self.connection.execute_batch("SAVEPOINT turn").expect("a turn begins");
    }

    /// Keeps what was written since the turn began.
    pub(crate) fn commit(&self) {
        self.connection.execute_batch("RELEASE turn").expect("a turn is kept");
    }

    /// Undoes what was written since the turn began.
    pub(crate) fn rollback(&self) {
        self.connection.execute_batch("ROLLBACK TO turn; RELEASE turn").expect("a turn is undone");
    }

    /// A turn: what it wrote is kept unless it fails.
    pub(crate) fn turn<T>(
        &self,
        work: impl FnOnce(&dyn Sql) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        self.begin();
        let result = work(self);
        if result.is_ok() {
            self.commit();
        } else {
            self.rollback();
        }
        result
    }

    /// Makes the `n`-th statement from now fail, once; 1 is the next.
    pub(crate) fn fail_at(&self, n: u32) {
        self.fails_at.set(Some(n));
    }

    /// Makes no statement fail any more; whether one was to.
    pub(crate) fn fail_no_more(&self) -> bool {
        self.fails_at.take().is_some()
    }

    /// The rows of all tables.
    pub(crate) fn tables(&self) -> BTreeMap<String, Vec<Vec<SqlValue>>> {
        let names = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
        let names: Vec<String> = self.all(names).column().expect("names");
        let rows = |name: String| (name.clone(), self.all(&format!("SELECT * FROM {name}")).rows);
        names.into_iter().map(rows).collect()
    }

    /// What a statement without values answers.
    pub(crate) fn all(&self, statement: &str) -> SqlAnswer {
        self.execute(statement, vec![]).expect("a statement")
    }

    fn execute(&self, statement: &str, mut values: Vec<SqlValue>) -> rusqlite::Result<SqlAnswer> {
        let before = self.connection.total_changes();
        let mut answer = SqlAnswer::default();
        let mut statements = Batch::new(&self.connection, statement);
        while let Some(prepared) = statements.next()? {
            answer = answer_to(prepared, std::mem::take(&mut values))?;
        }
        answer.written = self.connection.total_changes() - before;
        Ok(answer)
    }
}

impl Sql for Sqlite {
    fn exec(&self, statement: &str, values: Vec<SqlValue>) -> Result<SqlAnswer, SqlError> {
        match self.fails_at.get() {
            Some(1) => {
                self.fails_at.set(None);
                return Err(SqlError::new("it is to fail"));
            }
            Some(n) => self.fails_at.set(Some(n - 1)),
            None => {}
        }
        let has =
            |value: &SqlValue| matches!(value, SqlValue::Integer(n) if n.unsigned_abs() > LARGEST);
        if values.iter().any(has) {
            return Err(SqlError::new("JavaScript has no such number"));
        }
        self.execute(statement, values).map_err(|error| SqlError::new(error.to_string()))
    }
}

fn answer_to(mut statement: Statement<'_>, values: Vec<SqlValue>) -> rusqlite::Result<SqlAnswer> {
    let columns: Vec<_> = statement.column_names().map(ToOwned::to_owned).collect();
    let mut rows = Vec::new();
    let mut found = statement.query(params_from_iter(values.into_iter().map(given)))?;
    while let Some(row) = found.next()? {
        let values = (0..columns.len()).map(|column| taken(row.get(column)?));
        rows.push(values.collect::<rusqlite::Result<_>>()?);
    }
    Ok(SqlAnswer { columns, rows, written: 0 })
}

fn given(value: SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => Value::Integer(number),
        SqlValue::Text(text) => Value::Text(text),
        SqlValue::Blob(bytes) => Value::Blob(bytes),
    }
}

fn taken(value: Value) -> rusqlite::Result<SqlValue> {
    Ok(match value {
        Value::Null => SqlValue::Null,
        Value::Integer(number) => SqlValue::Integer(number),
        Value::Text(text) => SqlValue::Text(text),
        Value::Blob(bytes) => SqlValue::Blob(bytes),
        Value::Real(_) => return Err(rusqlite::Error::InvalidQuery),
    })
}

/// The turns and the limits of this storage are those that the core relies on.
#[test]
fn it_behaves_like_the_platform() {
    let sql = Sqlite::new();
    sql.exec("CREATE TABLE t (a); INSERT INTO t (a) VALUES (1); CREATE TABLE u (b)", vec![])
        .expect("several statements");
    let insert = |value: SqlValue| sql.exec("INSERT INTO t (a) VALUES (?)", vec![value]);
    let count = || sql.all("SELECT a FROM t").rows.len();

    assert_eq!(insert(2_u8.into()).map(|answer| answer.written), Ok(1));
    assert_eq!(sql.all("SELECT a FROM t").written, 0);
    assert_eq!(sql.turn(|_| insert(3_u8.into()).map(drop)), Ok(()));
    let undone = sql.turn(|_| {
        insert(4_u8.into())?;
        Err::<(), _>(SqlError::new("no"))
    });
    assert!(undone.is_err());
    assert_eq!(count(), 3);

    sql.fail_at(2);
    assert!(insert(5_u8.into()).is_ok() && insert(6_u8.into()).is_err());
    assert!(!sql.fail_no_more() && insert(7_u8.into()).is_ok());

    for refused in [SqlValue::Integer(1 << 53), vec![0; 2_000_001].into()] {
        assert!(insert(refused).is_err());
    }
    let many = format!("SELECT {}", ["?"; 101].join(","));
    assert!(sql.exec(&many, vec![SqlValue::Null; 101]).is_err());
    assert!(sql.exec("SELECT ?", vec![]).is_err(), "a value is missing");
    assert!(sql.exec(&format!("SELECT '{}'", "x".repeat(100_000)), vec![]).is_err());
    assert_eq!(sql.tables()["u"].len(), 0);
}
