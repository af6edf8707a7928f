//! Plane figures: angles, lengths and areas.

use std::f64::consts::PI;

use rand::RngCore;

use super::text::{
    between, four_decimals, hundredths, one_of, quotient, rounded, signed, two_decimals,
};
use super::{Family, ProblemText, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "geometry",
    families: &[
        Family { name: "triangle_third_angle", make: triangle_third_angle },
        Family { name: "polygon_angle_sum", make: polygon_angle_sum },
        Family { name: "regular_polygon_angle", make: regular_polygon_angle },
        Family { name: "hypotenuse", make: hypotenuse },
        Family { name: "triangle_area_from_sides", make: triangle_area_from_sides },
        Family { name: "triangle_area_from_points", make: triangle_area_from_points },
        Family { name: "trapezoid_area", make: trapezoid_area },
        Family { name: "circle_area", make: circle_area },
        Family { name: "circumference", make: circumference },
        Family { name: "sector_area", make: sector_area },
        Family { name: "degrees_to_radians", make: degrees_to_radians },
        Family { name: "rectangle_perimeter", make: rectangle_perimeter },
        Family { name: "law_of_cosines", make: law_of_cosines },
        Family { name: "ladder_height", make: ladder_height },
    ],
};

fn triangle_third_angle(rng: &mut dyn RngCore) -> ProblemText {
    let a = between(rng, 10, 110);
    let b = between(rng, 5, 175 - a);
    let problem = one_of(
        rng,
        [
            format!(
                "Two angles of a triangle measure {a} and {b} degrees. How many degrees has the third?"
            ),
            format!(
                "In a triangle, two of the angles are ${a}^\\circ$ and ${b}^\\circ$. Find the remaining angle in degrees."
            ),
            format!(
                "A triangle has angles of {a} degrees and {b} degrees. What is its third angle in degrees?"
            ),
        ],
    );
    (problem, (180 - a - b).to_string())
}

fn polygon_angle_sum(rng: &mut dyn RngCore) -> ProblemText {
    let sides = between(rng, 5, 200);
    let problem = one_of(
        rng,
        [
            format!(
                "What is the sum of the interior angles of a polygon with {sides} sides, in degrees?"
            ),
            format!(
                "Add all the interior angles of a convex polygon that has {sides} sides. How many degrees?"
            ),
            format!(
                "How many degrees do the inner angles of a polygon with {sides} corners add up to?"
            ),
        ],
    );
    (problem, ((sides - 2) * 180).to_string())
}

fn regular_polygon_angle(rng: &mut dyn RngCore) -> ProblemText {
    let sides = between(rng, 5, 200);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "How large is each interior angle of a regular polygon with {sides} sides, in degrees? {ask}"
            ),
            format!(
                "Find the interior angle, in degrees, of a regular polygon having {sides} sides. {ask}"
            ),
            format!(
                "A regular polygon has {sides} corners. What is the angle at each corner in degrees? {ask}"
            ),
        ],
    );
    (problem, quotient((sides - 2) * 180, sides, 2))
}

fn hypotenuse(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (between(rng, 2, 90), between(rng, 2, 90));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "The legs of a right triangle are {a} and {b} long. How long is the hypotenuse? {ask}"
            ),
            format!(
                "Find the hypotenuse of a right triangle whose other sides are {a} and {b}. {ask}"
            ),
            format!("A rectangle measures {a} by {b}. How long is its diagonal? {ask}"),
        ],
    );
    (problem, rounded(((a * a + b * b) as f64).sqrt(), 2))
}

fn triangle_area_from_sides(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (between(rng, 6, 50), between(rng, 6, 50));
    let c = between(rng, (a - b).abs() + 2, a + b - 2);
    // Sixteen times the squared area, by Heron's formula.
    let sixteenfold = (a + b + c) * (a + b - c) * (a - b + c) * (b + c - a);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is the area of a triangle with sides {a}, {b} and {c}? {ask}"),
            format!(
                "A triangular field has sides of {a} m, {b} m and {c} m. Find its area in square metres. {ask}"
            ),
            format!(
                "The three sides of a triangle are {a}, {b} and {c}. How large is its area? {ask}"
            ),
        ],
    );
    (problem, rounded((sixteenfold as f64).sqrt() / 4.0, 2))
}

fn triangle_area_from_points(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (signed(rng, 20), signed(rng, 20));
    let (u, v) = (signed(rng, 20), signed(rng, 20));
    // The second side turns left from the first, so the area is not zero.
    let stretch = between(rng, 0, 4);
    let (s, t) = (stretch * u - v, stretch * v + u);
    let (c, d, e, f) = (a + u, b + v, a + s, b + t);
    let doubled = (u * t - v * s).abs();
    let problem = one_of(
        rng,
        [
            format!(
                "Find the area of the triangle with corners ({a}, {b}), ({c}, {d}) and ({e}, {f})."
            ),
            format!(
                "What area do the points $({a}, {b})$, $({c}, {d})$ and $({e}, {f})$ enclose as a triangle?"
            ),
            format!(
                "A triangle has vertices at ({a}, {b}), ({c}, {d}), ({e}, {f}). Give its exact area."
            ),
        ],
    );
    (problem, quotient(doubled, 2, 1))
}

fn trapezoid_area(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, height) = (between(rng, 3, 80), between(rng, 3, 80), between(rng, 2, 60));
    let problem = one_of(
        rng,
        [
            format!(
                "A trapezoid has parallel sides {a} and {b} and height {height}. What is its area?"
            ),
            format!(
                "Find the area of a trapezium whose bases are {a} and {b} and whose height is {height}."
            ),
            format!(
                "The bases of a trapezoid are {a} cm and {b} cm, and they lie {height} cm apart. Find its area in square centimetres."
            ),
        ],
    );
    (problem, quotient((a + b) * height, 2, 1))
}

fn circle_area(rng: &mut dyn RngCore) -> ProblemText {
    let radius = between(rng, 11, 2000);
    let text = hundredths(radius * 10);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is the area of a circle of radius {text}? {ask}"),
            format!(
                "A round pond has a radius of {text} metres. How many square metres does it cover? {ask}"
            ),
            format!("Find the area enclosed by a circle whose radius is {text}. {ask}"),
        ],
    );
    let radius = radius as f64 / 10.0;
    (problem, rounded(PI * radius * radius, 2))
}

fn circumference(rng: &mut dyn RngCore) -> ProblemText {
    let diameter = between(rng, 3, 900);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "A wheel has a diameter of {diameter} cm. How long is its circumference in centimetres? {ask}"
            ),
            format!("What is the circumference of a circle with diameter {diameter}? {ask}"),
            format!(
                "How far is it once around a circular track that is {diameter} m across? {ask}"
            ),
        ],
    );
    (problem, rounded(PI * diameter as f64, 2))
}

fn sector_area(rng: &mut dyn RngCore) -> ProblemText {
    let (radius, angle) = (between(rng, 2, 60), between(rng, 10, 350));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "Find the area of a sector with radius {radius} and central angle {angle} degrees. {ask}"
            ),
            format!(
                "A circle of radius {radius} is cut into a sector of {angle} degrees. What is the sector's area? {ask}"
            ),
            format!(
                "A lawn sprinkler reaches {radius} m and turns through {angle} degrees. How many square metres does it water? {ask}"
            ),
        ],
    );
    (problem, rounded(PI * (radius * radius * angle) as f64 / 360.0, 2))
}

fn degrees_to_radians(rng: &mut dyn RngCore) -> ProblemText {
    let degrees = between(rng, 1, 720);
    let ask = four_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("Convert {degrees} degrees to radians. {ask}"),
            format!("How many radians are {degrees} degrees? {ask}"),
            format!("Express an angle of ${degrees}^\\circ$ in radians. {ask}"),
        ],
    );
    (problem, rounded(degrees as f64 * PI / 180.0, 4))
}

fn rectangle_perimeter(rng: &mut dyn RngCore) -> ProblemText {
    let (width, height) = (between(rng, 3, 200), between(rng, 3, 200));
    let area = width * height;
    let problem = one_of(
        rng,
        [
            format!(
                "A rectangle has an area of {area} and one side of length {width}. What is its perimeter?"
            ),
            format!(
                "The area of a rectangular yard is {area} square metres and it is {width} m wide. How many metres of fence go around it?"
            ),
            format!(
                "Find the perimeter of a rectangle with area {area} if one of its sides is {width}."
            ),
        ],
    );
    (problem, (2 * (width + height)).to_string())
}

fn law_of_cosines(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, angle) = (between(rng, 3, 60), between(rng, 3, 60), between(rng, 20, 160));
    let turn = (angle as f64).to_radians();
    let third = ((a * a + b * b) as f64 - 2.0 * (a * b) as f64 * turn.cos()).sqrt();
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "Two sides of a triangle are {a} and {b}, with an angle of {angle} degrees between them. How long is the third side? {ask}"
            ),
            format!(
                "In a triangle, sides of length {a} and {b} enclose an angle of {angle} degrees. Find the side opposite to it. {ask}"
            ),
            format!(
                "Two straight roads, {a} km and {b} km long, leave a village at an angle of {angle} degrees. How far apart are their ends in kilometres? {ask}"
            ),
        ],
    );
    (problem, rounded(third, 2))
}

fn ladder_height(rng: &mut dyn RngCore) -> ProblemText {
    let (length, angle) = (between(rng, 3, 40), between(rng, 20, 80));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "A ladder {length} m long leans at {angle} degrees to the ground. How high up the wall does it reach, in metres? {ask}"
            ),
            format!(
                "A kite flies on a taut line of {length} m that makes an angle of {angle} degrees with the ground. How high is it in metres? {ask}"
            ),
            format!(
                "A ramp of length {length} m rises at {angle} degrees. How many metres does it climb? {ask}"
            ),
        ],
    );
    (problem, rounded(length as f64 * (angle as f64).to_radians().sin(), 2))
}

#[cfg(test)]
pub(super) mod tests {
    use std::f64::consts::TAU;

    use crate::validation::tools::math::tests::Check;

    /// The corners of a regular polygon with `count` sides in a circle of this radius.
    fn corners(count: u32, radius: f64) -> Vec<(f64, f64)> {
        (0..count)
            .map(|at| TAU * f64::from(at) / f64::from(count))
            .map(|angle| (radius * angle.cos(), radius * angle.sin()))
            .collect()
    }

    /// The area of a polygon, as a sum of signed strips.
    fn area(corners: &[(f64, f64)]) -> f64 {
        let next = corners.iter().cycle().skip(1);
        let doubled: f64 = corners.iter().zip(next).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum();
        doubled.abs() / 2.0
    }

    fn round_trip(corners: &[(f64, f64)]) -> f64 {
        let next = corners.iter().cycle().skip(1);
        corners.iter().zip(next).map(|(a, b)| (a.0 - b.0).hypot(a.1 - b.1)).sum()
    }

    /// The corners of a triangle with one side on the first axis, from its three sides.
    fn apex(a: f64, b: f64, c: f64) -> [(f64, f64); 3] {
        let along = (a * a + b * b - c * c) / (2.0 * a);
        [(0.0, 0.0), (a, 0.0), (along, (b * b - along * along).sqrt())]
    }

    /// Number of corners with which a polygon equals its circle to nine digits.
    const MANY: u32 = 200_000;

    /// Area and circumference of a polygon with `MANY` corners at radius one, computed once.
    fn unit_circle() -> (f64, f64) {
        static UNIT: std::sync::OnceLock<(f64, f64)> = std::sync::OnceLock::new();
        *UNIT.get_or_init(|| {
            let corners = corners(MANY, 1.0);
            (area(&corners), round_trip(&corners))
        })
    }

    pub(in crate::validation::tools::math) const CHECKS: &[Check] = &[
        ("triangle_third_angle", |n| {
            (1..180).map(f64::from).find(|c| n[0] + n[1] + c == 180.0).unwrap()
        }),
        ("polygon_angle_sum", |n| (3..=n[0] as u32).map(|_| 180.0).sum()),
        ("regular_polygon_angle", |n| 180.0 - 360.0 / n[0]),
        ("hypotenuse", |n| n[0].hypot(n[1])),
        ("triangle_area_from_sides", |n| area(&apex(n[0], n[1], n[2]))),
        ("triangle_area_from_points", |n| area(&[(n[0], n[1]), (n[2], n[3]), (n[4], n[5])])),
        ("trapezoid_area", |n| area(&[(0.0, 0.0), (n[0], 0.0), (n[1], n[2]), (0.0, n[2])])),
        ("circle_area", |n| unit_circle().0 * n[0] * n[0]),
        ("circumference", |n| unit_circle().1 * n[0] / 2.0),
        ("sector_area", |n| unit_circle().0 * n[0] * n[0] * (n[1] / 360.0)),
        ("degrees_to_radians", |n| unit_circle().1 * (n[0] / 360.0)),
        ("rectangle_perimeter", |n| {
            let height = (1..).map(f64::from).find(|h| h * n[1] >= n[0]).unwrap();
            round_trip(&[(0.0, 0.0), (n[1], 0.0), (n[1], height), (0.0, height)])
        }),
        ("law_of_cosines", |n| {
            let turn = n[2] * TAU / 360.0;
            (n[0] - n[1] * turn.cos()).hypot(n[1] * turn.sin())
        }),
        ("ladder_height", |n| {
            let foot = n[0] * (n[1] * TAU / 360.0).cos();
            (n[0] * n[0] - foot * foot).sqrt()
        }),
    ];
}
