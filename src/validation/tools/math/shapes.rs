//! Solids: volumes and surfaces.

use std::f64::consts::PI;

use rand::RngCore;

use super::text::{between, one_of, quotient, rounded, two_decimals};
use super::{Family, ProblemText, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "geometry",
    families: &[
        Family { name: "cuboid_surface", make: cuboid_surface },
        Family { name: "cuboid_diagonal", make: cuboid_diagonal },
        Family { name: "cylinder_volume", make: cylinder_volume },
        Family { name: "cone_volume", make: cone_volume },
        Family { name: "sphere_volume", make: sphere_volume },
        Family { name: "sphere_surface", make: sphere_surface },
        Family { name: "pyramid_volume", make: pyramid_volume },
    ],
};

fn cuboid_surface(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, c) = (between(rng, 2, 60), between(rng, 2, 60), between(rng, 2, 60));
    let problem = one_of(
        rng,
        [
            format!("What is the surface area of a box that measures {a} by {b} by {c}?"),
            format!(
                "A parcel is {a} cm long, {b} cm wide and {c} cm high. How many square centimetres of paper cover it exactly?"
            ),
            format!("Find the total surface area of a cuboid with edges {a}, {b} and {c}."),
        ],
    );
    (problem, (2 * (a * b + b * c + c * a)).to_string())
}

fn cuboid_diagonal(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, c) = (between(rng, 2, 60), between(rng, 2, 60), between(rng, 2, 60));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("How long is the space diagonal of a box with edges {a}, {b} and {c}? {ask}"),
            format!("What is the longest rod that fits into a box of {a} by {b} by {c}? {ask}"),
            format!(
                "Opposite corners of a room of {a} m by {b} m by {c} m are joined by a string. How many metres long is it? {ask}"
            ),
        ],
    );
    (problem, rounded(((a * a + b * b + c * c) as f64).sqrt(), 2))
}

fn cylinder_volume(rng: &mut dyn RngCore) -> ProblemText {
    let (radius, height) = (between(rng, 2, 50), between(rng, 2, 90));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "What is the volume of a cylinder with radius {radius} and height {height}? {ask}"
            ),
            format!(
                "A can has a radius of {radius} cm and a height of {height} cm. How many cubic centimetres does it hold? {ask}"
            ),
            format!(
                "Find the volume of a cylindrical tank of radius {radius} m that is {height} m tall, in cubic metres. {ask}"
            ),
        ],
    );
    (problem, rounded(PI * (radius * radius * height) as f64, 2))
}

fn cone_volume(rng: &mut dyn RngCore) -> ProblemText {
    let (radius, height) = (between(rng, 2, 50), between(rng, 2, 90));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "Find the volume of a cone with base radius {radius} and height {height}. {ask}"
            ),
            format!(
                "A conical heap of sand has a radius of {radius} m and a height of {height} m. What is its volume in cubic metres? {ask}"
            ),
            format!(
                "A paper cone is open at the top, with radius {radius} cm and depth {height} cm. How many cubic centimetres fit in? {ask}"
            ),
        ],
    );
    (problem, rounded(PI * (radius * radius * height) as f64 / 3.0, 2))
}

fn sphere_volume(rng: &mut dyn RngCore) -> ProblemText {
    let radius = between(rng, 2, 300);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is the volume of a sphere of radius {radius}? {ask}"),
            format!(
                "A ball has a radius of {radius} cm. Find its volume in cubic centimetres. {ask}"
            ),
            format!(
                "How many cubic metres does a spherical balloon with a radius of {radius} m hold? {ask}"
            ),
        ],
    );
    (problem, rounded(PI * (4 * radius * radius * radius) as f64 / 3.0, 2))
}

fn sphere_surface(rng: &mut dyn RngCore) -> ProblemText {
    let radius = between(rng, 2, 500);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is the surface area of a sphere of radius {radius}? {ask}"),
            format!(
                "A globe has a radius of {radius} cm. How many square centimetres is its surface? {ask}"
            ),
            format!(
                "Find how many square metres of skin a spherical balloon with radius {radius} m has. {ask}"
            ),
        ],
    );
    (problem, rounded(PI * (4 * radius * radius) as f64, 2))
}

fn pyramid_volume(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, height) = (between(rng, 2, 60), between(rng, 2, 60), between(rng, 2, 60));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "A pyramid stands on a rectangle of {a} by {b} and is {height} high. Find its volume. {ask}"
            ),
            format!(
                "What is the volume of a pyramid with base length {a}, base width {b} and height {height}? {ask}"
            ),
            format!(
                "A tent in the form of a pyramid covers {a} m by {b} m and is {height} m tall. How many cubic metres of air are in it? {ask}"
            ),
        ],
    );
    (problem, quotient(a * b * height, 3, 2))
}

#[cfg(test)]
pub(super) mod tests {
    use std::f64::consts::{FRAC_PI_4, PI};

    use crate::validation::tools::math::tests::Check;

    /// The integral over `0..height` by Simpson's rule, exact for the cross-sections used here.
    fn slices(height: f64, cross_section: impl Fn(f64) -> f64) -> f64 {
        let middle = cross_section(height / 2.0);
        height / 6.0 * (cross_section(0.0) + 4.0 * middle + cross_section(height))
    }

    pub(in crate::validation::tools::math) const CHECKS: &[Check] = &[
        ("cuboid_surface", |n| {
            // The volume of a shell of thickness one, without its edges and corners.
            let shell: f64 = n.iter().map(|edge| edge + 2.0).product();
            let edges: f64 = n.iter().map(|edge| 4.0 * edge).sum();
            shell - n.iter().product::<f64>() - edges - 8.0
        }),
        ("cuboid_diagonal", |n| n[0].hypot(n[1]).hypot(n[2])),
        ("cylinder_volume", |n| slices(n[1], |_| FRAC_PI_4 * (2.0 * n[0]).powi(2))),
        ("cone_volume", |n| slices(n[1], |at| PI * (n[0] * at / n[1]).powi(2))),
        ("sphere_volume", |n| 2.0 * slices(n[0], |at| PI * (n[0] * n[0] - at * at))),
        ("sphere_surface", |n| {
            // The derivative of the volume, by a symmetric difference with a known remainder.
            let volume = |r: f64| 2.0 * slices(r, |at| PI * (r * r - at * at));
            (volume(n[0] + 1.0) - volume(n[0] - 1.0)) / 2.0 - 4.0 / 3.0 * PI
        }),
        ("pyramid_volume", |n| slices(n[2], |at| n[0] * n[1] * (at / n[2]).powi(2))),
    ];
}
