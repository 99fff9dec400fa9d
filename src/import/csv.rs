//! Tables for spreadsheets (RFC 4180).

/// A line of a table. A spreadsheet recognises a formula by the first character of a cell, and the reason of a refusal
/// may contain anything. So such a cell begins with `'`, which makes it a text.
#[must_use]
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<_> = cells.into_iter().map(cell).collect();
    cells.join(",") + "\r\n"
}

fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cell_stays_one_cell_and_a_text() {
        for (cells, expected) in [
            (&["a", "", "b c"][..], "a,,b c\r\n"),
            (&["a,b", "c\"d", "e\nf", "g\rh"], "\"a,b\",\"c\"\"d\",\"e\nf\",\"g\rh\"\r\n"),
            (&["=1", "+1", "-1", "@a", "a=1"], "'=1,'+1,'-1,'@a,a=1\r\n"),
            (&["=a,b", "\"=1"], "\"'=a,b\",\"\"\"=1\"\r\n"),
        ] {
            assert_eq!(line(cells.iter().copied()), expected, "{cells:?}");
        }
    }
}
