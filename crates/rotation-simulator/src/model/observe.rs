//! Whom the model tells what happens.

use std::sync::Arc;
use std::time::SystemTime;

use super::activity::{Activity, ActivityKind, LabelChange, Labels, Observer, label_changes};
use super::record::RotationEventRecord;
use super::state::Model;

impl Model {
    /// Tells `observer` of everything that happens from now on, instead of the observer of before.
    ///
    /// It is called while the model is at work: it must not ask the model anything.
    pub(crate) fn observe(&mut self, observer: impl Fn(&Activity) + Send + Sync + 'static) {
        self.observer = Some(Observer(Arc::new(observer)));
    }

    /// Tells the observer, if there is one.
    pub(crate) fn tell(&self, secret_id: &str, at: SystemTime, kind: impl FnOnce() -> ActivityKind) {
        if let Some(Observer(tell)) = &self.observer {
            let name = self.entry(secret_id).map(|entry| entry.secret.name.as_str());
            tell(&Activity {
                at,
                secret: name.unwrap_or(secret_id).to_owned(),
                kind: kind(),
            });
        }
    }

    /// Does something to a secret and tells the observer what changed; `kind` may find nothing worth
    /// telling.
    pub(super) fn observed<T>(
        &mut self,
        secret_id: &str,
        at: SystemTime,
        act: impl FnOnce(&mut Self) -> T,
        kind: impl FnOnce(&T, Vec<LabelChange>) -> Option<ActivityKind>,
    ) -> T {
        if self.observer.is_none() {
            return act(self);
        }
        let (before, known) = (self.labels_of(secret_id), self.records.len());
        let answer = act(self);
        if let Some(kind) = kind(&answer, label_changes(&before, &self.labels_of(secret_id))) {
            self.tell(secret_id, at, || kind);
        }
        for record in self.records.iter().skip(known) {
            let cause = record.cause.as_deref().map(|cause| self.scrub(cause));
            let record = RotationEventRecord {
                cause,
                ..record.clone()
            };
            self.tell(secret_id, at, || ActivityKind::Recorded(record));
        }
        answer
    }

    fn labels_of(&self, secret_id: &str) -> Labels {
        let Ok(entry) = self.entry(secret_id) else {
            return Labels::new();
        };
        let versions = entry.secret.versions.iter();
        versions
            .flat_map(|(id, version)| version.labels.iter().map(|label| (label.clone(), id.clone())))
            .collect()
    }
}
