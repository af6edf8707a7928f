//! The axon as an actor: a listener, an HTTP server on it, and the record on chain that says where
//! it is.
//!
//! The listener is bound once, outside, and outlives the actor: while a server is being replaced,
//! callers wait in the backlog instead of being refused.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use sn1::chain::{AxonInfo, Chain, ChainError, Netuid};
use sn1::synapse::SDK_VERSION;
use sn1::synapse::headers::AxonIdentity;
use sn1::synapse::sign::random_uuid;
use sn1::synapse::verify::{Verifier, VerifierConfig};
use sn1::wallet::Keypair;
use tokio_stream::wrappers::WatchStream;
use tracing::{debug, warn};

use super::handler::{Served, handle};
use super::miner::Miner;
use crate::chain::MetagraphFeed;
use crate::supervision::{Context, Drained, Resident};

/// Longer than the 15 s for which a Python client keeps a connection, so that none is closed under
/// a request.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// For the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// Answers that are being written when the axon stops get this long.
const DRAIN_SECONDS: u64 = 3;

/// What an axon is and where.
#[derive(Clone)]
pub struct AxonSettings {
    /// The actor's name, a label in metrics.
    pub name: Arc<str>,
    /// The subnet it serves on.
    pub netuid: Netuid,
    /// Its hotkey.
    pub hotkey: Keypair,
    /// The address that is published.
    pub external: SocketAddr,
    /// Largest body that is read.
    pub max_body_bytes: usize,
}

/// The actor that serves one miner.
pub struct AxonServer<C> {
    chain: C,
    settings: AxonSettings,
    listener: TcpListener,
    verifier: Arc<Verifier>,
    metagraph: MetagraphFeed,
    miner: Arc<dyn Miner>,
    server: Option<ServerHandle>,
    is_publishing: bool,
}

impl<C: Chain> AxonServer<C> {
    /// A server for this listener. The verifier is handed in because its memory of nonces must
    /// survive a restart: a request that was served once is never served again.
    pub fn new(
        chain: C,
        settings: AxonSettings,
        listener: TcpListener,
        verifier: Arc<Verifier>,
        metagraph: MetagraphFeed,
        miner: Arc<dyn Miner>,
    ) -> Self {
        Self {
            chain,
            settings,
            listener,
            verifier,
            metagraph,
            miner,
            server: None,
            is_publishing: false,
        }
    }

    /// A verifier with the default rules.
    pub fn verifier() -> Arc<Verifier> {
        Arc::new(Verifier::new(VerifierConfig::default()))
    }

    fn serve(&mut self, ctx: &mut Context<'_, Self>) -> std::io::Result<()> {
        let uuid = random_uuid(&mut rand::rng());
        let served = web::Data::new(Served {
            name: Arc::clone(&self.settings.name),
            identity: AxonIdentity::new(self.settings.hotkey.clone(), uuid),
            verifier: Arc::clone(&self.verifier),
            metagraph: self.metagraph.clone(),
            miner: Arc::clone(&self.miner),
            max_body_bytes: self.settings.max_body_bytes,
        });
        let app = move || App::new().app_data(served.clone()).default_service(web::to(handle));
        let server = HttpServer::new(app)
            .workers(1)
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_WITHIN)
            // A caller who closes its side has gone: its answer is not computed to the end.
            .h1_allow_half_closed(false)
            .shutdown_timeout(DRAIN_SECONDS)
            .disable_signals()
            .listen(self.listener.try_clone()?)?
            .run();
        self.server = Some(server.handle());
        ctx.run(server, |_, ended, ctx| match ended {
            Ok(()) => ctx.finish(),
            Err(error) => ctx.fail(format!("the HTTP server ended: {error}")),
        });
        Ok(())
    }

    /// Publishes the axon's address where the chain shows another one.
    fn publish(&mut self, ctx: &mut Context<'_, Self>) {
        let wanted = AxonInfo::for_address(self.settings.external, SDK_VERSION);
        let own = self.settings.hotkey.account_id();
        let shown = self
            .metagraph
            .borrow()
            .as_ref()
            .and_then(|known| known.neuron_of(&own).map(|own| own.axon));
        let is_due = shown.is_some_and(|shown| !shown.is_same_endpoint(&wanted));
        if !is_due || std::mem::replace(&mut self.is_publishing, true) {
            return;
        }
        let (chain, settings) = (self.chain.clone(), self.settings.clone());
        let submit =
            async move { chain.serve_axon(&settings.hotkey, settings.netuid, wanted).await };
        ctx.run(submit, |this, outcome, ctx| this.published(outcome, ctx));
    }

    fn published(
        &mut self,
        outcome: Result<sn1::chain::Included, ChainError>,
        ctx: &mut Context<'_, Self>,
    ) {
        // Ask again only after the metagraph had time to show what is on chain now.
        ctx.after(Duration::from_secs(3), |this, ctx| {
            this.is_publishing = false;
            this.publish(ctx);
        });
        let actor = &self.settings.name;
        match outcome {
            Ok(included) => debug!(%actor, block = included.head.number, "axon published"),
            Err(error) => warn!(%actor, %error, "axon not published, trying again"),
        }
    }
}

impl<C: Chain> Resident for AxonServer<C> {
    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), String> {
        self.serve(ctx)
            .map_err(|error| format!("could not serve on {}: {error}", self.settings.external))?;
        ctx.listen(WatchStream::new(self.metagraph.clone()), |this, _, ctx| this.publish(ctx));
        Ok(())
    }

    fn drain(&mut self, ctx: &mut Context<'_, Self>) -> Drained {
        let Some(server) = self.server.take() else { return Drained::Now };
        ctx.run(server.stop(true), |_, (), ctx| ctx.finish());
        Drained::Later
    }
}

impl<C> Drop for AxonServer<C> {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            // The command is sent by the call; the future only waits for its end.
            drop(server.stop(false));
        }
    }
}
