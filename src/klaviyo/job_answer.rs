//! Klaviyo's answers about a job: that it accepted it, how far it is, and the errors of its rows.

use serde::Deserialize;

use super::answer::{PageLinks, cursor, foreign, is_own_refusal, parsed, refused};
use crate::fault::ReadFault;
use crate::http::HttpAnswer;

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobProgress {
    /// Klaviyo has not done all of it yet.
    Running,
    /// Klaviyo is done with it.
    Ended {
        /// How many rows failed.
        failed: u64,
        /// Their errors, if Klaviyo reports them here; the errors of a profile job are in pages of
        /// their own.
        errors: Vec<RowError>,
    },
    /// Klaviyo gave it up. Nobody knows how far it came, so every row has to be tried again,
    /// whatever the counts say: `total_count` may be 0.
    Cancelled,
}

/// The error of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowError {
    /// Klaviyo's code, such as `not_found`.
    pub code: String,
    /// What is wrong.
    pub detail: String,
    /// The place in the body of the job, as a JSON pointer. The documentation does not say whether it names the row.
    pub pointer: Option<String>,
    /// The row, counted from 0, if the pointer names it.
    pub row: Option<usize>,
}

/// A page of the errors of a profile job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorPage {
    /// The errors, each with the external id of its profile if Klaviyo repeats the row.
    pub errors: Vec<(RowError, Option<String>)>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// The id of a job that Klaviyo accepted.
///
/// # Errors
/// Klaviyo did not accept it.
pub fn started(answer: &HttpAnswer) -> Result<String, ReadFault> {
    #[derive(Deserialize)]
    struct StartedJobBody {
        data: StartedJobResource,
    }
    #[derive(Deserialize)]
    struct StartedJobResource {
        id: String,
    }
    match answer.status {
        202 => parsed(answer).map(|body: StartedJobBody| body.data.id),
        200..=299 => Err(foreign(answer)),
        _ => Err(refused(answer)),
    }
}

/// How far a job is; none if Klaviyo does not know it (any more).
///
/// # Errors
/// The answer says neither.
pub fn progress(answer: &HttpAnswer) -> Result<Option<JobProgress>, ReadFault> {
    #[derive(Deserialize)]
    struct JobStatusBody {
        data: JobStatusResource,
    }
    #[derive(Deserialize)]
    struct JobStatusResource {
        attributes: JobStatusAttributes,
    }
    #[derive(Deserialize)]
    struct JobStatusAttributes {
        status: String,
        #[serde(default)]
        failed_count: Option<u64>,
        #[serde(default)]
        errors: Option<Vec<RowErrorObject>>,
    }
    match answer.status {
        200 => {
            let JobStatusAttributes { status, failed_count, errors } =
                parsed::<JobStatusBody>(answer)?.data.attributes;
            let errors = errors.unwrap_or_default().into_iter().map(RowError::from).collect();
            Ok(Some(match status.as_str() {
                "complete" => JobProgress::Ended { failed: failed_count.unwrap_or(0), errors },
                "cancelled" => JobProgress::Cancelled,
                // `queued` and `processing`.
                _ => JobProgress::Running,
            }))
        }
        404 if is_own_refusal(answer) => Ok(None),
        _ => Err(refused(answer)),
    }
}

/// A page of the errors of a profile job.
///
/// # Errors
/// The answer is no such page.
pub fn import_errors(answer: &HttpAnswer) -> Result<ErrorPage, ReadFault> {
    #[derive(Deserialize)]
    struct JobErrorsBody {
        data: Vec<JobErrorResource>,
        #[serde(default)]
        links: PageLinks,
    }
    #[derive(Deserialize)]
    struct JobErrorResource {
        attributes: JobErrorAttributes,
    }
    #[derive(Deserialize)]
    struct JobErrorAttributes {
        #[serde(default)]
        code: Option<String>,
        #[serde(default)]
        detail: Option<String>,
        #[serde(default)]
        source: Option<RowErrorSource>,
        #[serde(default)]
        original_payload: Option<OriginalPayload>,
    }
    // The row itself, or only its attributes.
    #[derive(Default, Deserialize)]
    struct OriginalPayload {
        #[serde(default)]
        attributes: Option<OriginalAttributes>,
        #[serde(default)]
        external_id: Option<String>,
    }
    #[derive(Deserialize)]
    struct OriginalAttributes {
        #[serde(default)]
        external_id: Option<String>,
    }
    if answer.status != 200 {
        return Err(refused(answer));
    }
    let JobErrorsBody { data, links } = parsed(answer)?;
    let errors = data.into_iter().map(|JobErrorResource { attributes }| {
        let JobErrorAttributes { code, detail, source, original_payload } = attributes;
        let error = RowErrorObject { code, detail, source };
        let OriginalPayload { attributes, external_id } = original_payload.unwrap_or_default();
        let external_id = external_id.or(attributes.and_then(|row| row.external_id));
        (error.into(), external_id)
    });
    Ok(ErrorPage { errors: errors.collect(), next: links.next.as_deref().and_then(cursor) })
}

/// Which rows of an ended job failed, as far as that is known: none if it is not, so that any row
/// may have failed. `row_of` finds the row of an external id.
#[must_use]
pub fn blamed(
    failed: u64,
    errors: &[(RowError, Option<String>)],
    row_of: impl Fn(&str) -> Option<usize>,
) -> Option<Vec<usize>> {
    let named = |(error, id): &(RowError, Option<String>)| {
        error.row.or_else(|| id.as_deref().and_then(&row_of))
    };
    let mut rows: Vec<_> = errors.iter().filter_map(named).collect();
    rows.sort_unstable();
    rows.dedup();
    (u64::try_from(rows.len()).ok()? >= failed).then_some(rows)
}

/// The row that a pointer into the body of a job names.
#[must_use]
pub fn row_of_pointer(pointer: &str) -> Option<usize> {
    // `/data/attributes/items/data/7/…`: nothing before the row is a number.
    pointer.split('/').find_map(|segment| segment.parse().ok())
}

#[derive(Deserialize)]
struct RowErrorObject {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    source: Option<RowErrorSource>,
}

#[derive(Deserialize)]
struct RowErrorSource {
    #[serde(default)]
    pointer: Option<String>,
}

impl From<RowErrorObject> for RowError {
    fn from(RowErrorObject { code, detail, source }: RowErrorObject) -> Self {
        let pointer = source.and_then(|source| source.pointer);
        let row = pointer.as_deref().and_then(row_of_pointer);
        Self { code: code.unwrap_or_default(), detail: detail.unwrap_or_default(), pointer, row }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form of Klaviyo's own refusals.
    const OWN: &str = r#"{"errors":[]}"#;

    fn answer(status: u16, body: &str) -> HttpAnswer {
        HttpAnswer { status, body: body.to_owned(), ..HttpAnswer::default() }
    }

    fn told(status: &str, more: &str) -> Option<JobProgress> {
        let body = format!(r#"{{"data":{{"attributes":{{"status":"{status}"{more}}}}}}}"#);
        progress(&answer(200, &body)).expect("a status")
    }

    #[test]
    fn the_id_of_a_job_is_read() {
        let body = r#"{"data":{"type":"catalog-item-bulk-create-job","id":"01M","attributes":{}}}"#;
        assert_eq!(started(&answer(202, body)), Ok("01M".to_owned()));
        assert!(matches!(started(&answer(429, "")), Err(ReadFault::Later(_))));
        assert!(matches!(started(&answer(400, OWN)), Err(ReadFault::Never(_))));
        assert!(started(&answer(202, "")).is_err());
    }

    #[test]
    fn each_status_of_a_job_is_running_or_ended() {
        for status in ["queued", "processing"] {
            assert_eq!(told(status, ""), Some(JobProgress::Running));
        }
        let ended = |failed| Some(JobProgress::Ended { failed, errors: Vec::new() });
        assert_eq!(told("complete", r#","failed_count":0,"errors":[]"#), ended(0));
        assert_eq!(told("complete", r#","failed_count":2,"errors":null"#), ended(2));
        assert_eq!(
            told("cancelled", r#","failed_count":0,"total_count":0"#),
            Some(JobProgress::Cancelled)
        );
        assert_eq!(progress(&answer(404, OWN)), Ok(None));
        assert!(matches!(progress(&answer(404, "<html>")), Err(ReadFault::Later(_))));
        assert!(matches!(progress(&answer(503, "")), Err(ReadFault::Later(_))));
    }

    #[test]
    fn a_row_is_known_by_its_pointer_if_that_names_it() {
        let row = |pointer: &str| {
            let error = format!(r#"{{"id":"e","code":"c","detail":"d","source":{pointer}}}"#);
            let more = format!(r#","failed_count":1,"errors":[{error}]"#);
            match told("complete", &more) {
                Some(JobProgress::Ended { errors, .. }) => errors[0].row,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(row(r#"{"pointer":"/data/attributes/items/data/7"}"#), Some(7));
        assert_eq!(row(r#"{"pointer":"/data/attributes/items/data/12/attributes/x"}"#), Some(12));
        assert_eq!(row(r#"{"pointer":"/data/"}"#), None);
        assert_eq!(row("null"), None);
    }

    #[test]
    fn import_errors_name_the_profile_where_they_repeat_it() {
        let body = r#"{"data":[
            {"type":"import-error","id":"1","attributes":{"code":"invalid","title":"t","detail":"d",
             "source":{"pointer":"/data/attributes/profiles/data/3"},
             "original_payload":{"type":"profile","attributes":{"external_id":"c1","email":"x"}}}},
            {"type":"import-error","id":"2","attributes":{"code":"x","detail":"d",
             "original_payload":{"external_id":"c2"}}},
            {"type":"import-error","id":"3","attributes":{"detail":"d","original_payload":null}}],
            "links":{"next":"https://a.klaviyo.com/x?page%5Bcursor%5D=abc"}}"#;
        let page = import_errors(&answer(200, body)).expect("a page");
        let rows: Vec<_> =
            page.errors.iter().map(|(error, id)| (error.row, id.as_deref())).collect();
        assert_eq!(rows, [(Some(3), Some("c1")), (None, Some("c2")), (None, None)]);
        assert_eq!(page.next.as_deref(), Some("abc"));
    }

    #[test]
    fn the_rows_that_failed_are_known_only_if_all_are() {
        let at = |row| (RowError { row, ..RowError::default() }, None);
        let of = |id: &str| (RowError::default(), Some(id.to_owned()));
        let find = |id: &str| id.strip_prefix('c').and_then(|n| n.parse().ok());
        let blame = |failed, errors: &[_]| blamed(failed, errors, find);
        assert_eq!(blame(0, &[]), Some(vec![]));
        assert_eq!(blame(2, &[at(Some(4)), of("c1")]), Some(vec![1, 4]));
        assert_eq!(blame(2, &[at(Some(4)), at(None)]), None);
        assert_eq!(blame(2, &[at(Some(4)), at(Some(4))]), None);
        assert_eq!(blame(1, &[]), None);
        assert_eq!(blame(1, &[of("unknown")]), None);
    }
}
