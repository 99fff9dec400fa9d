//! Jobs: how far they are, what was wrong with their rows, and whether their items are there.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::calling::{LOOK_FOR_ITEMS, Task, What};
use super::{Work, ms};
use crate::config::Config;
use crate::http::{Answer, ReadFault};
use crate::klaviyo::answer::ids;
use crate::klaviyo::job::JobType;
use crate::klaviyo::job_answer::{self, Progress};
use crate::klaviyo::query::Lookup;

/// After so long a job is given up, in ms: its rows are sent again, each by itself.
const GIVEN_UP_AFTER_MS: u64 = 3 * 60 * 60 * 1000;

impl Work {
    pub(super) fn job_seen(
        &mut self,
        config: &Config,
        key: u64,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let Some(open) = self.jobs.get(key) else { return Ok(()) };
        let (of, at) = (open.job.of, open.at);
        match job_answer::progress(answer)? {
            Some(Progress::Running) if ms(now).saturating_sub(at) > GIVEN_UP_AFTER_MS => {
                self.job_ended(config, key, None, now);
            }
            Some(Progress::Running) => {
                let not_before = self.jobs.next_look(at, ms(now));
                self.queue.push_back(Task::new(What::Look(key), not_before));
            }
            // Nobody knows what became of it.
            None => self.job_ended(config, key, None, now),
            Some(Progress::Ended { failed: 0, .. }) => {
                self.job_ended(config, key, Some(&HashSet::new()), now);
            }
            Some(Progress::Ended { .. }) if of == JobType::Profiles => {
                self.now_queue(What::Errors { job: key, cursor: None }, now);
            }
            Some(Progress::Ended { failed, errors }) => {
                let rows: HashSet<_> = errors.iter().filter_map(|error| error.row).collect();
                let all_named = u64::try_from(rows.len()).is_ok_and(|named| named >= failed);
                self.job_ended(config, key, all_named.then_some(&rows), now);
            }
        }
        Ok(())
    }

    pub(super) fn errors_read(
        &mut self,
        config: &Config,
        key: u64,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let page = job_answer::import_errors(answer)?;
        let Some(open) = self.jobs.get(key) else { return Ok(()) };
        let mut rows = Vec::new();
        let mut all_named = !page.errors.is_empty();
        for (error, external_id) in &page.errors {
            let by_id = external_id.as_deref().and_then(|id| self.row_of_record(open, id));
            match by_id.or(error.row) {
                Some(row) => rows.push(row),
                None => all_named = false,
            }
        }
        if !all_named {
            self.job_ended(config, key, None, now);
            return Ok(());
        }
        let Some(open) = self.jobs.get_mut(key) else { return Ok(()) };
        open.refused.extend(rows);
        let refused = open.refused.iter().copied().collect();
        match page.next {
            Some(cursor) => {
                self.now_queue(What::Errors { job: key, cursor: Some(cursor) }, now);
            }
            None => self.job_ended(config, key, Some(&refused), now),
        }
        Ok(())
    }

    pub(super) fn items_seen(
        &mut self,
        config: &Config,
        answer: &Answer,
        what: &What,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let What::Items { lookup: Lookup::Existing { .. }, awaited } = what else { return Ok(()) };
        let there: HashSet<_> = ids(answer)?.unwrap_or_default().ids.into_iter().collect();
        for one in awaited {
            // A job that has ended meanwhile has settled the row; only the waiting is left.
            if there.contains(&one.item) || self.jobs.get(one.job).is_none() {
                self.item_is_there(config, one, now);
            } else {
                self.awaited.push(one.clone());
                self.next_look_for_items = ms(now) + LOOK_FOR_ITEMS;
            }
        }
        Ok(())
    }
}
