//! What a node takes of its machine before anything starts: ports, and files that may be open.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Failure;
use crate::exit::Exit;
use crate::port::Port;

/// A file or folder that cannot be written.
pub(crate) fn unwritable(path: &Path, reason: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::CannotWrite, format!("cannot write {}: {reason}", path.display()))
}

/// A listener for `purpose`, and what the operator should know when it is on another port than
/// that; `flag` is what sets the port.
pub(crate) fn bind(
    ip: IpAddr,
    port: Port,
    purpose: &'static str,
    flag: &'static str,
) -> Result<(TcpListener, Option<String>), Failure> {
    let wanted = SocketAddr::new(ip, port.number());
    let bound = port.listen(ip).and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) = bound.map_err(|error| {
        let text = format!(
            "cannot listen on {wanted} for {purpose}: {error}; stop what uses it, or choose \
             another port with --{flag}"
        );
        Failure::new(Exit::Unavailable, text)
    })?;
    let is_moved = wanted.port() != 0 && address != wanted;
    let moved = is_moved.then(|| {
        format!(
            "port {} is taken: {purpose} is on port {} instead; choose one with --{flag}",
            wanted.port(),
            address.port()
        )
    });
    Ok((listener, moved))
}

/// Raises this process's limit of open files, of which every stream is one, as far as the system lets
/// it, and gives the limit that holds then; `None` for no limit. Asking a thousand miners at once takes
/// more than the usual 1,024.
///
/// # Errors
/// The system refused; the old limit holds.
pub fn raise_open_files() -> std::io::Result<Option<u64>> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    }
    Ok(maximum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_rises_to_what_the_system_allows() {
        let raised = raise_open_files().unwrap();
        let now = getrlimit(Resource::Nofile);
        assert_eq!((now.current, now.maximum), (raised, raised));
    }

    #[test]
    fn a_taken_port_names_the_flag_that_chooses_another() {
        let here =
            |port| bind([127, 0, 0, 1].into(), port, "the page of metrics", "telemetry.port");
        let (taken, moved) = here(Port::asked_for(0)).unwrap();
        assert_eq!(moved, None);
        let number = taken.local_addr().unwrap().port();
        let (_, moved) = here(Port::built_in(number)).unwrap();
        let moved = moved.unwrap();
        assert!(moved.contains(&format!("port {number} is taken")), "{moved}");
        assert!(moved.ends_with("--telemetry.port"), "{moved}");
        let error = here(Port::asked_for(number)).unwrap_err();
        assert_eq!(error.exit(), Exit::Unavailable);
        assert!(error.to_string().contains("the page of metrics"), "{error}");
        assert!(error.to_string().ends_with("--telemetry.port"), "{error}");
    }
}
