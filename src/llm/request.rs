//! Requests to an engine, and the results that it returns.

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text. Nothing in it becomes a control token.
    pub content: String,
}

impl ChatMessage {
    /// A message of `role` with `content`.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self { role: role.into(), content: content.into() }
    }
}

/// How the answer to one request is generated.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateSettings {
    /// Most tokens of the answer; at least 1.
    pub max_tokens: usize,
    /// 0 always takes the most likely token; larger values flatten the distribution.
    pub temperature: f64,
    /// Keeps the smallest set of tokens whose probability reaches this; 1 keeps all.
    pub top_p: f64,
    /// Keeps this many of the most likely tokens; 0 keeps all.
    pub top_k: usize,
    /// Seed of the request's own random numbers.
    pub seed: u64,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
}

impl GenerateSettings {
    /// Settings for the greedy answer of at most `max_tokens` tokens.
    pub fn greedy(max_tokens: usize) -> Self {
        Self { max_tokens, temperature: 0.0, top_p: 1.0, top_k: 0, seed: 0, stop: Vec::new() }
    }

    /// Checks that every setting is in its range.
    ///
    /// # Errors
    /// [`SubmitError::BadSettings`] with the field and its rule.
    pub fn check(&self) -> Result<(), SubmitError> {
        let wrong = |rule: &str| Err(SubmitError::BadSettings(rule.to_owned()));
        if self.max_tokens == 0 {
            return wrong("max_tokens must be at least 1");
        }
        if !self.temperature.is_finite() || self.temperature < 0.0 {
            return wrong("temperature must be a number of at least 0");
        }
        if self.top_p.is_nan() || self.top_p <= 0.0 || self.top_p > 1.0 {
            return wrong("top_p must be above 0 and at most 1");
        }
        if self.stop.iter().any(String::is_empty) {
            return wrong("a stop text must not be empty");
        }
        Ok(())
    }
}

/// The id of a request, chosen by the caller and unique among those that are running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// There is no free slot, or no room for its keys and values. Keep it queued and try again
    /// after a request has finished.
    #[error("the engine has no room for another request now; keep it queued and try again")]
    Busy,
    /// The prompt is longer than the engine can ever accept.
    #[error("the prompt has {n_tokens} tokens and the model takes at most {limit}; shorten it")]
    TooLong {
        /// Tokens of the prompt, with those of the template.
        n_tokens: usize,
        /// Tokens of the longest prompt that leaves room for one token of answer.
        limit: usize,
    },
    /// The messages do not give a prompt, for this reason.
    #[error("the messages do not make a prompt: {0}")]
    BadMessages(String),
    /// A setting is out of its range, for this reason.
    #[error("the settings cannot be used: {0}")]
    BadSettings(String),
    /// A request with this id is running.
    #[error("request {} is under way already; choose another id", .0.0)]
    Duplicate(RequestId),
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// The model ended the answer, or a stop text appeared.
    Stop,
    /// The answer reached `max_tokens` or the end of the model's context.
    Length,
}

/// The result of one step for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOutput {
    /// Id of the request.
    pub id: RequestId,
    /// New text; may be empty while a character, or what may become a stop text, is incomplete.
    pub text: String,
    /// Number of tokens of the prompt.
    pub n_prompt: usize,
    /// Number of tokens of the answer so far, including the one that ended it.
    pub n_tokens: usize,
    /// Why the answer ended; set on the last output of a request only.
    pub finish: Option<FinishReason>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outside_their_ranges_are_refused() {
        let good = GenerateSettings::greedy(4);
        assert_eq!(good.check(), Ok(()));
        let bad = [
            GenerateSettings { max_tokens: 0, ..good.clone() },
            GenerateSettings { temperature: -0.1, ..good.clone() },
            GenerateSettings { temperature: f64::NAN, ..good.clone() },
            GenerateSettings { top_p: 0.0, ..good.clone() },
            GenerateSettings { top_p: 1.5, ..good.clone() },
            GenerateSettings { top_p: f64::NAN, ..good.clone() },
            GenerateSettings { stop: vec![String::new()], ..good },
        ];
        for settings in bad {
            assert!(settings.check().is_err(), "{settings:?}");
        }
    }
}
