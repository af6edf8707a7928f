//! Ports to listen on, and who chose them.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, TcpListener};

/// How many ports above a taken one are tried before the system chooses one.
const TRIED_ABOVE: u16 = 100;

/// A port to listen on. A built-in one that is taken gives way to the next free one, so that a second
/// node on a machine starts; one that an operator has asked for does not.
#[derive(Debug, Clone, Copy)]
pub struct Port {
    number: u16,
    gives_way: bool,
}

/// Whoever chose them.
impl PartialEq for Port {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Port {
    /// A built-in one.
    pub const fn built_in(number: u16) -> Self {
        Self { number, gives_way: true }
    }

    /// One that an operator has asked for; 0 lets the system choose.
    pub const fn asked_for(number: u16) -> Self {
        Self { number, gives_way: false }
    }

    /// The same, which others count on: it gives way no more.
    pub(crate) const fn firm(self) -> Self {
        Self::asked_for(self.number)
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.number
    }

    /// Listens on it, or on one that it gives way to.
    ///
    /// # Errors
    /// When none can be had.
    pub(crate) fn listen(self, ip: IpAddr) -> io::Result<TcpListener> {
        match TcpListener::bind((ip, self.number)) {
            Err(error) if self.gives_way && error.kind() == ErrorKind::AddrInUse => {
                let above = (1..=TRIED_ABOVE).filter_map(|n| self.number.checked_add(n));
                let mut bound = above.chain([0]).map(|number| TcpListener::bind((ip, number)));
                bound.find_map(Result::ok).ok_or(error)
            }
            bound => bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_built_in_port_that_is_taken_gives_way_and_one_that_was_asked_for_does_not() {
        let taken = Port::asked_for(0).listen(HERE).unwrap();
        let number = taken.local_addr().unwrap().port();
        let error = Port::asked_for(number).listen(HERE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(Port::built_in(number).firm().listen(HERE).is_err());
        let moved = Port::built_in(number).listen(HERE).unwrap();
        assert_ne!(moved.local_addr().unwrap().port(), number);
    }
}
