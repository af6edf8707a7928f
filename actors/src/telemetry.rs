//! `/metrics`, `/healthz`, `/readyz` and `/metagraph` on a loopback port.
//!
//! The recorder is the only global of the process. `/healthz` shows that the process answers at
//! all; `/readyz` shows whether it does its job, and if not, what it waits for; `/metagraph` shows
//! the subnet as this node last saw it.

mod subnet;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, Route, guard, web};
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use sn1::telemetry::{self, ALL, Kind, NODE_READY, NODE_START_SECONDS};

use crate::clock::unix_seconds;
use crate::feeds::NotReady;
use crate::supervision::{Context, Resident};

pub use subnet::{NeuronEntry, SubnetFeeds, SubnetPage};

/// How often old samples of histograms are folded.
const UPKEEP: Duration = Duration::from_secs(5);

/// How often the readiness gauge is updated from the conditions.
const READINESS: Duration = Duration::from_secs(1);

/// Installs the recorder for the whole process and declares every metric.
///
/// # Errors
/// When a recorder is installed already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for metric in ALL.iter().filter(|metric| metric.kind == Kind::Histogram) {
        builder = builder
            .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), metric.buckets)?;
    }
    let handle = builder.install_recorder()?;
    for metric in ALL {
        let unit = match metric.unit {
            telemetry::Unit::Seconds | telemetry::Unit::UnixSeconds => Unit::Seconds,
            _ => Unit::Count,
        };
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, unit, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, unit, metric.help),
            Kind::Histogram => describe_histogram!(metric.name, unit, metric.help),
        }
    }
    metrics::gauge!(NODE_START_SECONDS.name).set(unix_seconds());
    Ok(handle)
}

/// A condition of readiness: `Err` with the reason while it does not hold.
pub type Condition = Arc<dyn Fn() -> Result<(), NotReady> + Send + Sync>;

/// What the pages show.
#[derive(Clone)]
pub struct Pages {
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// The conditions by name; `/readyz` answers 200 when all hold.
    pub conditions: Vec<(&'static str, Condition)>,
    /// The feeds behind `/metagraph`.
    pub subnet: SubnetFeeds,
}

/// The actor that serves the pages.
pub struct Telemetry {
    pages: Pages,
    listener: TcpListener,
    server: Option<ServerHandle>,
}

impl Telemetry {
    /// Serves the pages on this listener, which outlives the actor.
    pub fn new(pages: Pages, listener: TcpListener) -> Self {
        Self { pages, listener, server: None }
    }

    fn serve(&mut self, ctx: &mut Context<'_, Self>) -> std::io::Result<()> {
        let pages = web::Data::new(self.pages.clone());
        let app = move || {
            App::new()
                .app_data(pages.clone())
                .route("/metrics", get_or_head().to(metrics_page))
                .route("/healthz", get_or_head().to(|| async { "ok\n" }))
                .route("/readyz", get_or_head().to(readiness_page))
                .route("/metagraph", get_or_head().to(subnet::subnet_page))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .shutdown_timeout(1)
            .disable_signals()
            .listen(self.listener.try_clone()?)?
            .run();
        self.server = Some(server.handle());
        ctx.run(server, |_, ended, ctx| match ended {
            Ok(()) => ctx.finish(),
            Err(error) => ctx.fail(TelemetryError::Ended(error)),
        });
        Ok(())
    }
}

/// HEAD is GET without the body, which the library leaves out: probes of containers ask so.
fn get_or_head() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn metrics_page(pages: web::Data<Pages>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(pages.metrics.render())
}

async fn readiness_page(pages: web::Data<Pages>) -> HttpResponse {
    let (mut text, mut is_ready) = (String::new(), true);
    for (name, condition) in &pages.conditions {
        let state = match condition() {
            Ok(()) => "ready".to_owned(),
            Err(reason) => {
                is_ready = false;
                format!("waiting: {reason}")
            }
        };
        text.push_str(&format!("{name}: {state}\n"));
    }
    if is_ready {
        HttpResponse::Ok().body(text)
    } else {
        HttpResponse::ServiceUnavailable().body(text)
    }
}

/// Why the pages are not served.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The listener could not be cloned, or no server could be started on it.
    #[error("could not serve the telemetry pages: {0}")]
    Start(#[from] std::io::Error),
    /// The server ended although nobody had stopped it.
    #[error("the telemetry server ended: {0}")]
    Ended(std::io::Error),
}

impl Resident for Telemetry {
    type Error = TelemetryError;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        ctx.every(UPKEEP, |this, _| this.pages.metrics.run_upkeep());
        ctx.every(READINESS, |this, _| {
            let is_ready = this.pages.conditions.iter().all(|(_, condition)| condition().is_ok());
            metrics::gauge!(NODE_READY.name).set(f64::from(u8::from(is_ready)));
        });
        self.serve(ctx).map_err(TelemetryError::Start)
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            // The call itself sends the command; the future only waits for the end.
            drop(server.stop(false));
        }
    }
}
