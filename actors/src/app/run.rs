//! Follows a role's tree to its end.

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::console::Account;
use super::{Failure, RoleOptions};
use crate::app::faults::{FaultPlan, sleep_until};
use crate::app::signals::Signals;
use crate::feeds::MetagraphFeed;
use crate::notice::Notice;
use crate::supervision::{ChildSpec, Root, RootExit, TreeEvent};

/// Whom the actors tell.
pub(super) struct Listeners {
    pub(super) metrics: PrometheusHandle,
    pub(super) notices: UnboundedSender<Notice>,
    pub(super) watchers: UnboundedSender<TreeEvent>,
}

impl Listeners {
    pub(super) fn supervisor(&self, name: &str, children: Vec<ChildSpec>) -> ChildSpec {
        ChildSpec::supervisor(name, children, self.watchers.clone())
    }
}

/// Where what they tell comes out.
pub(super) struct Inboxes {
    notices: UnboundedReceiver<Notice>,
    events: UnboundedReceiver<TreeEvent>,
}

pub(super) fn channels(metrics: PrometheusHandle) -> (Listeners, Inboxes) {
    let (notices, inbox) = unbounded_channel();
    let (watchers, events) = unbounded_channel();
    (Listeners { metrics, notices, watchers }, Inboxes { notices: inbox, events })
}

/// Runs the tree until a signal comes or it gives up.
///
/// # Errors
/// [`Failure::GaveUp`], or a fault for an actor that is not there.
pub(super) async fn run(
    specs: Vec<ChildSpec>,
    listeners: Listeners,
    mut inboxes: Inboxes,
    mut subnet: MetagraphFeed,
    options: &RoleOptions,
    mut account: Account,
) -> Result<(), Failure> {
    let names = specs.iter().flat_map(ChildSpec::names).collect::<Vec<_>>();
    let plan = FaultPlan::new(&options.faults, &names, account.started);
    let mut faults = plan.map_err(Failure::usage)?;
    let mut signals = Signals::new().map_err(|error| Failure::usage(error.to_string()))?;
    let mut root = Root::start("Node", specs, listeners.watchers);
    account.say(format_args!("started; Ctrl-C stops"));
    let gave_up = loop {
        tokio::select! {
            Some(notice) = inboxes.notices.recv() => account.notice(&notice),
            Some(event) = inboxes.events.recv() => account.tree_event(&event),
            Ok(()) = subnet.changed() => {
                if let Some(known) = subnet.borrow_and_update().as_ref() { account.subnet(known) }
            }
            () = sleep_until(faults.next()) => faults.inject(&root).await,
            () = signals.any() => break None,
            exit = root.ended() => break Some(match exit {
                RootExit::GaveUp(reason) => reason,
                RootExit::Stopped => "the tree stopped by itself".to_owned(),
            }),
        }
    };
    if gave_up.is_none() {
        account.say(format_args!("told to stop, finishing what is under way"));
        tokio::select! {
            exit = root.stop() => if let RootExit::GaveUp(reason) = exit {
                tracing::warn!(reason, "not everything stopped in time");
            },
            () = signals.any() => account.say(format_args!("told again, stopping at once")),
        }
    }
    inboxes.drain(&account);
    match gave_up {
        Some(reason) => Err(Failure::gave_up(&reason)),
        None => Ok(()),
    }
}

impl Inboxes {
    /// Tells what came while the tree was stopping.
    fn drain(&mut self, account: &Account) {
        while let Ok(notice) = self.notices.try_recv() {
            account.notice(&notice);
        }
        while let Ok(event) = self.events.try_recv() {
            account.tree_event(&event);
        }
    }
}
