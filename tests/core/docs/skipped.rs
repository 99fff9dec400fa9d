//! `docs/bulk-import.md`, "Skipped records": the dashboard has words for each of these codes.

use super::{code, table, text};

#[test]
fn each_reason_is_said_on_the_dashboard() {
    let rows = table(&text("docs/bulk-import.md"), "## Skipped records");
    let documented: Vec<_> = rows.iter().map(|row| code(&row[0])).collect();
    let page = text("src/edge/dashboard/skipped.js");
    let reasons = page.lines().skip_while(|line| *line != "const REASONS = {").skip(1);
    let said = reasons.take_while(|line| *line != "};").filter_map(|line| line.split_once(':'));
    let said: Vec<_> = said.map(|(code, _)| code.trim()).collect();
    assert_eq!(said, documented);
}
