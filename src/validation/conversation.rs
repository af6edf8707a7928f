//! The turns of one pass, as decisions without side effects (docs/spec/mechanism.md#pass).
//!
//! A [`Conversation`] is a turn that is ready to be asked. Answering it consumes it and gives what
//! comes next, so a turn can be neither repeated nor continued after an error: a caller that fails
//! drops the conversation, and the pass is over (docs/spec/mechanism.md#quirk-29).

use serde::Serialize;

use super::tasks::Turns;

/// Index of the last turn: a pass has at most two (docs/spec/mechanism.md#quirk-31).
const LAST_TURN: u8 = 1;
/// A draw below this accepts the best completion, or stops the pass.
const HALF: f64 = 0.5;

/// The author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The validator, which plays a person asking.
    User,
    /// The miners, which answer.
    Assistant,
}

impl Role {
    /// The name of the role on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// The two random numbers of a turn, uniform in 0..1. The first is drawn before the second, and
/// both are drawn even for the last turn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draws {
    /// Decides whether the best completion or the reference becomes the accepted answer.
    pub accept: f64,
    /// Decides whether the pass stops after this turn.
    pub stop: f64,
}

/// A turn that is ready to be asked, with all messages before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    turns: Turns,
    turn: u8,
    roles: Vec<Role>,
    messages: Vec<String>,
}

/// What follows a turn that was answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// The pass is over.
    Stop,
    /// Another turn, whose query has to be written first.
    FollowUp(FollowUp),
}

/// A conversation that waits for its next query.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    answered: Conversation,
}

impl Conversation {
    /// The first turn of a pass, which may have as many turns as the task allows.
    pub fn new(turns: Turns, challenge: impl Into<String>) -> Self {
        Self { turns, turn: 0, roles: vec![Role::User], messages: vec![challenge.into()] }
    }

    /// Index of the turn: 0 for the first, 1 for the follow-up.
    pub fn turn(&self) -> u8 {
        self.turn
    }

    /// The author of each message, as sent to miners.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// The messages so far, as sent to miners.
    pub fn messages(&self) -> &[String] {
        &self.messages
    }

    /// The question of this turn, which is the last message.
    pub fn challenge(&self) -> &str {
        self.messages.last().map_or("", String::as_str)
    }

    /// Accepts the best completion or the reference as the answer, and decides what follows.
    pub fn answered(mut self, draws: Draws, best: &str, reference: &str) -> Next {
        let accepted = if draws.accept < HALF { best } else { reference };
        self.push(Role::Assistant, accepted.to_owned());
        let stops = draws.stop < HALF || self.turn >= LAST_TURN || self.turns == Turns::One;
        if stops { Next::Stop } else { Next::FollowUp(FollowUp { answered: self }) }
    }

    fn push(&mut self, role: Role, message: String) {
        self.roles.push(role);
        self.messages.push(message);
    }
}

impl FollowUp {
    /// The input for writing the next query: a line `role: message` for each message.
    pub fn history(&self) -> String {
        let said = self.answered.roles.iter().zip(&self.answered.messages);
        let lines: Vec<String> =
            said.map(|(role, message)| format!("{}: {message}", role.as_str())).collect();
        lines.join("\n")
    }

    /// The next turn, whose challenge is `query` unchanged.
    pub fn ask(self, query: impl Into<String>) -> Conversation {
        let mut conversation = self.answered;
        conversation.push(Role::User, query.into());
        conversation.turn += 1;
        conversation
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::testing::cases;
    use crate::validation::tasks::TaskKind;

    #[derive(Deserialize)]
    struct Input {
        task: TaskKind,
        draws: Vec<f64>,
        first_challenge: String,
        best: Vec<String>,
        references: Vec<String>,
        follow_ups: Vec<String>,
        failing_steps: usize,
        first_follow_up_fails: bool,
    }

    #[derive(Deserialize, Debug, Default, PartialEq)]
    struct Output {
        steps: Vec<Step>,
        histories: Vec<String>,
        draws_used: usize,
        turns: Vec<u8>,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    struct Step {
        roles: Vec<String>,
        messages: Vec<String>,
        challenge: String,
    }

    fn step(turn: &Conversation) -> Step {
        let roles = turn.roles().iter();
        Step {
            roles: roles.map(|role| role.as_str().to_owned()).collect(),
            messages: turn.messages().to_vec(),
            challenge: turn.challenge().to_owned(),
        }
    }

    /// Plays a pass; an error ends it.
    fn play(input: &Input) -> Output {
        let mut output = Output::default();
        let mut turn =
            Conversation::new(input.task.definition().turns, input.first_challenge.as_str());
        loop {
            output.steps.push(step(&turn));
            if input.failing_steps > 0 {
                return output;
            }
            let n = output.turns.len();
            output.turns.push(turn.turn());
            let draws = Draws {
                accept: input.draws[output.draws_used],
                stop: input.draws[output.draws_used + 1],
            };
            output.draws_used += 2;
            let Next::FollowUp(next) = turn.answered(draws, &input.best[n], &input.references[n])
            else {
                return output;
            };
            output.histories.push(next.history());
            if input.first_follow_up_fails {
                return output;
            }
            turn = next.ask(input.follow_ups[n].as_str());
        }
    }

    /// The reference's output up to the first error, at which our pass ends.
    fn until_first_error(input: &Input, recorded: Output) -> Output {
        let fails_at_once = input.failing_steps > 0;
        if !fails_at_once && (!input.first_follow_up_fails || recorded.histories.is_empty()) {
            return recorded;
        }
        let answered = usize::from(!fails_at_once);
        Output {
            steps: recorded.steps.into_iter().take(1).collect(),
            histories: recorded.histories.into_iter().take(answered).collect(),
            draws_used: 2 * answered,
            turns: recorded.turns.into_iter().take(answered).collect(),
        }
    }

    #[test]
    fn vectors_agree_up_to_the_first_error() {
        for case in cases::<Input, Output>("conversation") {
            let (id, input, recorded) = case.into_parts();
            let expected = until_first_error(&input, recorded);
            assert_eq!(play(&input), expected, "{id}");
        }
    }

    #[test]
    fn roles_are_written_as_on_the_wire() {
        for role in [Role::User, Role::Assistant] {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
    }
}
