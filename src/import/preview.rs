//! What an import would write for one record, without a run: the same steps as for a page of it.
//!
//! Whoever asks makes the calls, all of which only read. A category that an import would create
//! first is not created; it stands among the requests, and counts as created.

use chrono::{DateTime, Utc};

use super::passes::of_ids;
use super::records::{self, Context, MappedRecord, Memory, Need, PageDocuments};
use super::run::ImportKind;
use crate::commercetools::answer::raw_page;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::engine::call::Call;
use crate::fault::ReadFault;
use crate::fault::Rejection;
use crate::http::Answer;
use crate::klaviyo::request::Request;

/// The preview of one record.
pub struct RecordPreview {
    documents: PageDocuments,
    context: Context,
    memory: Memory,
    step: usize,
    /// What is to be read next.
    asked: Vec<Need>,
    /// Categories that have to be there first.
    categories: Vec<Request>,
    fault: Option<Rejection>,
}

/// What comes next.
pub enum PreviewStep {
    /// Make these calls, and hand each answer to [`RecordPreview::learn`].
    Read(Vec<PreviewReading>),
    /// This is all.
    End(PreviewEnd),
}

/// Something to be read.
pub struct PreviewReading(Need);

impl PreviewReading {
    /// The call that reads it.
    #[must_use]
    pub fn call(&self) -> Call {
        self.0.call()
    }
}

/// What an import would do with the record.
#[derive(Debug, PartialEq)]
pub enum PreviewEnd {
    /// Write these, one after the other.
    Write(Vec<Request>),
    /// Nothing.
    Skip,
    /// Count it as failed.
    Fail(Rejection),
}

/// The call that reads the record.
#[must_use]
pub fn reading(kind: ImportKind, id: Id) -> Call {
    Call::Commercetools(of_ids(kind, &[id]).path_and_query())
}

impl RecordPreview {
    /// Begins with the answer to [`reading`]; none where commercetools has no such record.
    ///
    /// # Errors
    /// Where the answer is no page.
    pub fn read(kind: ImportKind, answer: &Answer) -> Result<Option<Self>, ReadFault> {
        let (found, documents) = records::read(kind, &raw_page(answer)?);
        Ok(found.into_iter().next().map(|(_, fault)| Self {
            documents,
            context: Context::default(),
            memory: Memory::default(),
            step: 0,
            asked: Vec::new(),
            categories: Vec::new(),
            fault,
        }))
    }

    /// What comes next. `now` is when prices are to be valid (UTC).
    pub fn next(&mut self, config: &Config, now: DateTime<Utc>) -> PreviewStep {
        if let Some(fault) = self.fault.take() {
            return PreviewStep::End(PreviewEnd::Fail(fault));
        }
        while self.asked.is_empty() {
            let (context, memory) = (&self.context, &self.memory);
            match records::needs(config, &self.documents, context, memory, self.step) {
                Some(needs) => needs.into_iter().for_each(|need| self.note(need)),
                None => return PreviewStep::End(self.end(config, now)),
            }
            self.step += 1;
        }
        PreviewStep::Read(self.asked.drain(..).map(PreviewReading).collect())
    }

    fn note(&mut self, need: Need) {
        match need {
            Need::Category(request) => {
                if let Request::Catalog(write) = &request {
                    self.memory.learn_category(write.id().to_owned());
                }
                self.categories.push(request);
            }
            need => self.asked.push(need),
        }
    }

    /// Takes what was answered.
    ///
    /// # Errors
    /// Where the answer is none to the question.
    pub fn learn(
        &mut self,
        PreviewReading(need): &PreviewReading,
        answer: &Answer,
    ) -> Result<(), ReadFault> {
        let follows = records::learn(&mut self.context, &mut self.memory, need, answer)?;
        self.asked.extend(follows);
        Ok(())
    }

    fn end(&mut self, config: &Config, now: DateTime<Utc>) -> PreviewEnd {
        let first = records::map(config, &self.documents, &self.context, &self.memory, now).next();
        match first {
            Some((_, MappedRecord::Write(stages))) => {
                let before = std::mem::take(&mut self.categories);
                PreviewEnd::Write(before.into_iter().chain(stages.into_iter().flatten()).collect())
            }
            Some((_, MappedRecord::Fault(fault))) => PreviewEnd::Fail(fault.into()),
            Some((_, MappedRecord::Skip)) | None => PreviewEnd::Skip,
        }
    }
}
