//! What became of a transaction, by the events of its block. Pallets and errors are told by their
//! names in the metadata: their numbers move from runtime to runtime.

use super::value::Value;
use super::{DecodeError, Item, Read, Runtime};
use crate::chain::Refusal;

const SYSTEM: &str = "System";

impl Runtime {
    /// The question for a block's events.
    ///
    /// # Errors
    /// [`DecodeError::Missing`]
    pub fn events(&self) -> Result<Read, DecodeError> {
        self.storage(SYSTEM, "Events", ())
    }

    /// Whether transaction `index` of the block succeeded, or why not. The events are written by
    /// the runtime that made the block: the one in force at its parent.
    ///
    /// # Errors
    /// [`DecodeError::Answer`] when the events cannot be read, or tell nothing of it.
    pub fn outcome(
        &self,
        events: Option<&[u8]>,
        index: u32,
    ) -> Result<Result<(), Refusal>, DecodeError> {
        let silent = || {
            let reason = format!("the events tell nothing of transaction {index}");
            self.unfit(Item::Storage("System.Events".to_owned()), reason)
        };
        let events = self.decode_storage(SYSTEM, "Events", events)?.ok_or_else(silent)?;
        let events = events.list("System.Events")?;
        let found = events.iter().find_map(|record| self.outcome_of(record, index));
        found.ok_or_else(silent)
    }

    /// What one event says of transaction `index`; `None` for nothing.
    fn outcome_of(&self, record: &Value<'_>, index: u32) -> Option<Result<(), Refusal>> {
        let is_of_it = matches!(
            record.field("phase")?,
            Value::Case("ApplyExtrinsic", number) if **number == Value::Uint(index.into())
        );
        let Value::Case(SYSTEM, event) = record.field("event")? else { return None };
        match &**event {
            _ if !is_of_it => None,
            Value::Case("ExtrinsicSuccess", _) => Some(Ok(())),
            Value::Case("ExtrinsicFailed", fields) => {
                Some(Err(self.refusal(fields.field("dispatch_error")?)))
            }
            _ => None,
        }
    }

    fn refusal(&self, error: &Value<'_>) -> Refusal {
        let named = |name: String| Refusal::Unknown { name };
        match error {
            Value::Case("Module", module) => match self.module_error_of(module) {
                Some((pallet, name)) => Refusal::from_module(pallet, name),
                None => named(format!("module error {module:?}")),
            },
            Value::Case(kind, inner) => match &**inner {
                Value::Case(name, _) => named(format!("{kind}.{name}")),
                _ => named((*kind).to_owned()),
            },
            other => named(format!("{other:?}")),
        }
    }

    fn module_error_of(&self, module: &Value<'_>) -> Option<(&str, &str)> {
        let Value::Uint(pallet) = module.field("index")? else { return None };
        // Runtimes before 2022 wrote one byte, later ones four of which the first counts.
        let error = match module.field("error")? {
            Value::Bytes(bytes) => *bytes.first()?,
            Value::Uint(number) => u8::try_from(*number).ok()?,
            _ => return None,
        };
        self.module_error(u8::try_from(*pallet).ok()?, error)
    }
}
