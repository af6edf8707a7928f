//! The gamma function, for factorials of numbers that are not whole.

/// Least argument of Stirling's series: from here its error is far below a double's.
const ASYMPTOTIC: f64 = 16.0;

/// Greatest argument; beyond it the gamma function is infinite as a double.
const LARGEST: f64 = 172.0;

/// The gamma function of `x`, to about fourteen digits; `None` at its poles and below -170.
pub(super) fn gamma(x: f64) -> Option<f64> {
    if x.is_nan() {
        return Some(x);
    }
    if LARGEST < x {
        return Some(f64::INFINITY);
    }
    if x <= -170.0 || (x <= 0.0 && x.fract() == 0.0) {
        return None;
    }
    let mut shifted = x;
    let mut divisor = 1.0;
    while shifted < ASYMPTOTIC {
        divisor *= shifted;
        shifted += 1.0;
    }
    Some(stirling(shifted) / divisor)
}

/// The natural logarithm of the gamma function of a positive `x`.
pub(super) fn log_gamma(x: f64) -> Option<f64> {
    if x.is_nan() || x <= 0.0 {
        return None;
    }
    if x < ASYMPTOTIC {
        return gamma(x).map(f64::ln);
    }
    let half_log_two_pi = std::f64::consts::TAU.ln() / 2.0;
    Some((x - 0.5) * x.ln() - x + half_log_two_pi + correction(x))
}

fn stirling(x: f64) -> f64 {
    // Half the power twice: the whole power overflows before the gamma function does.
    let half_power = x.powf((x - 0.5) / 2.0);
    half_power * (-x).exp() * half_power * std::f64::consts::TAU.sqrt() * correction(x).exp()
}

/// The sum of B(2k) / (2k (2k - 1) x^(2k - 1)), where B are the Bernoulli numbers.
fn correction(x: f64) -> f64 {
    const TERMS: [f64; 7] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
    ];
    let square = x * x;
    TERMS.iter().rev().fold(0.0, |sum, term| sum / square + term) / x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 2e-14 * expected.abs()
    }

    #[test]
    fn equals_the_factorial_at_whole_numbers() {
        let mut factorial = 1.0;
        for n in 1..=170u8 {
            let found = gamma(f64::from(n)).unwrap();
            assert!((found - factorial).abs() <= 2e-13 * factorial, "gamma({n}) = {found}");
            factorial *= f64::from(n);
        }
        for huge in [171.7, 173.0, 1e4, 1e300, f64::INFINITY] {
            assert_eq!(gamma(huge), Some(f64::INFINITY));
        }
    }

    #[test]
    fn known_values_between_whole_numbers() {
        assert!(close(gamma(0.5).unwrap(), std::f64::consts::PI.sqrt()));
        assert!(close(gamma(3.5).unwrap(), 3.323_350_970_447_842_6));
        assert!(close(gamma(-1.5).unwrap(), 2.363_271_801_207_355));
        assert!(close(log_gamma(5.0).unwrap(), 24f64.ln()));
        assert!(close(log_gamma(50.0).unwrap(), 144.565_743_946_344_9));
    }

    #[test]
    fn no_value_at_poles() {
        for pole in [0.0, -1.0, -5.0, -1e300, f64::NEG_INFINITY] {
            assert_eq!(gamma(pole), None);
        }
    }
}
