//! The turns of one pass, as decisions (docs/spec/mechanism.md#pass).
//!
//! A [`Conversation`] is a turn ready to be asked. Once it has been answered it is given up for
//! what comes next, so a turn can be neither repeated nor continued after an error: whoever fails
//! drops it, and the pass is over (docs/spec/mechanism.md#quirk-29).

use serde::Serialize;

use super::tasks::Turns;

/// The last turn: a pass has at most two (docs/spec/mechanism.md#quirk-31).
const LAST_TURN: u8 = 1;
/// Below this the best completion is accepted, and the pass stops.
const HALF: f64 = 0.5;

/// Who said a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The validator, as a person asking.
    User,
    /// The miners.
    Assistant,
}

impl Role {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// The two random numbers of a turn, uniform in 0..1. The first is drawn before the second, and
/// both also at the last turn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draws {
    /// Decides whether the best completion or the reference becomes the accepted answer.
    pub accept: f64,
    /// Decides whether the pass stops here.
    pub stop: f64,
}

/// A turn ready to be asked, with all that was said before.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    turns: Turns,
    turn: u8,
    roles: Vec<Role>,
    messages: Vec<String>,
}

/// What follows an answered turn.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// The pass is over.
    Stop,
    /// Another turn; its query is still to be written.
    FollowUp(FollowUp),
}

/// A conversation that waits for its next query.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    answered: Conversation,
}

impl Conversation {
    /// The first turn of a pass, which may have as many as the task allows.
    pub fn new(turns: Turns, challenge: impl Into<String>) -> Self {
        Self { turns, turn: 0, roles: vec![Role::User], messages: vec![challenge.into()] }
    }

    /// The turn, from 0 on.
    pub fn turn(&self) -> u8 {
        self.turn
    }

    /// Who said each message, as sent to miners.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// Everything said so far, as sent to miners.
    pub fn messages(&self) -> &[String] {
        &self.messages
    }

    /// The question of this turn.
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
    /// What the next query is written from: a line `role: message` for everything said.
    pub fn history(&self) -> String {
        let said = self.answered.roles.iter().zip(&self.answered.messages);
        let lines: Vec<String> =
            said.map(|(role, message)| format!("{}: {message}", role.as_str())).collect();
        lines.join("\n")
    }

    /// The next turn: the follow-up's query is the challenge as it is.
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

    /// What the reference does up to the first error, where our pass ends.
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
