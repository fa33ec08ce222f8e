//! Where boxes and arrows go: in layers, each box above all that its arrows point to.
//!
//! The steps are those of Sugiyama, Tagawa and Toda (1981): layers by the longest path, stand-ins where an arrow passes
//! through a layer, an order within layers by the means of neighbours that keeps the arrows from crossing, and places as near
//! to the neighbours as that order allows. The same input gives the same picture. Boxes without arrows stand in rows beneath.

/// Free space between boxes of a layer, and between layers.
const GAP: f64 = 34.0;
const LAYERS: f64 = 74.0;
/// How wide rows of boxes without arrows get.
const ROW: f64 = 900.0;
/// How often the order and the places are improved.
const ROUNDS: usize = 12;

/// A box: its width and height.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub width: f64,
    pub height: f64,
}

/// A laid out picture; its upper left corner is 0, 0.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The centre of each box's upper side.
    pub places: Vec<(f64, f64)>,
    /// For each arrow the points that it passes, from its box's lower side to the other's upper side.
    pub lines: Vec<Vec<(f64, f64)>>,
    /// The whole.
    pub width: f64,
    /// The whole.
    pub height: f64,
}

/// A box or a stand-in for an arrow.
#[derive(Debug, Default)]
struct Vertex {
    size: (f64, f64),
    layer: usize,
    above: Vec<usize>,
    below: Vec<usize>,
    x: f64,
    /// Stand-ins pull harder: a straight arrow is easier to follow than a centred box.
    weight: f64,
}

/// Lays out boxes and the arrows between them, each from a box to one that is to stand below it.
pub(super) fn layout(boxes: &[Size], arrows: &[(usize, usize)]) -> Layout {
    let (mut vertices, chains) = vertices(boxes, arrows);
    let mut layers: Vec<Vec<usize>> = Vec::new();
    let loose: Vec<usize> = (0..boxes.len()).filter(|at| is_loose(&vertices, *at)).collect();
    for (at, vertex) in vertices.iter().enumerate() {
        if at < boxes.len() && is_loose(&vertices, at) {
            continue;
        }
        layers.resize_with(layers.len().max(vertex.layer + 1), Vec::new);
        layers.get_mut(vertex.layer).into_iter().for_each(|layer| layer.push(at));
    }
    order(&vertices, &mut layers);
    place(&mut vertices, &layers);
    finish(&vertices, &layers, &chains, (boxes, &loose))
}

fn is_loose(vertices: &[Vertex], at: usize) -> bool {
    vertices.get(at).is_some_and(|vertex| vertex.above.is_empty() && vertex.below.is_empty())
}

/// Boxes and stand-ins in their layers, and for each arrow the vertices that it passes.
fn vertices(boxes: &[Size], arrows: &[(usize, usize)]) -> (Vec<Vertex>, Vec<Vec<usize>>) {
    let layers = layers(boxes.len(), arrows);
    let of_box = |(size, layer): (&Size, &usize)| Vertex {
        size: (size.width, size.height),
        layer: *layer,
        weight: 1.0,
        ..Vertex::default()
    };
    let mut vertices: Vec<Vertex> = boxes.iter().zip(&layers).map(of_box).collect();
    let mut chains = Vec::new();
    for (from, to) in arrows {
        let (first, last) = (layers.get(*from).copied().unwrap_or(0), layers.get(*to).copied().unwrap_or(0));
        let mut chain = vec![*from];
        for layer in first + 1..last {
            chain.push(vertices.len());
            vertices.push(Vertex { layer, weight: 4.0, size: (8.0, 0.0), ..Vertex::default() });
        }
        chain.push(*to);
        for pair in chain.windows(2) {
            let [upper, lower] = pair else { continue };
            vertices.get_mut(*upper).into_iter().for_each(|vertex| vertex.below.push(*lower));
            vertices.get_mut(*lower).into_iter().for_each(|vertex| vertex.above.push(*upper));
        }
        chains.push(chain);
    }
    (vertices, chains)
}

/// The layer of each box: one below the lowest that points to it. A box that nothing points to comes just above the highest that
/// it points to. Arrows in a circle, which a project cannot have, end the search.
fn layers(boxes: usize, arrows: &[(usize, usize)]) -> Vec<usize> {
    let mut layers = vec![0_usize; boxes];
    for _ in 0..boxes {
        let mut changed = false;
        for (from, to) in arrows {
            let lowest = layers.get(*from).copied().unwrap_or(0) + 1;
            if let Some(layer) = layers.get_mut(*to).filter(|layer| **layer < lowest) {
                *layer = lowest;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    for at in (0..boxes).filter(|at| arrows.iter().all(|(_, to)| to != at)) {
        let below = arrows.iter().filter(|(from, _)| *from == at).filter_map(|(_, to)| layers.get(*to));
        if let Some(highest) = below.min().copied() {
            layers.get_mut(at).into_iter().for_each(|layer| *layer = highest.saturating_sub(1));
        }
    }
    layers
}

/// Orders each layer by the means of its neighbours' places, down and up again, and keeps the best.
fn order(vertices: &[Vertex], layers: &mut Vec<Vec<usize>>) {
    let mut best = (crossings(vertices, layers), layers.clone());
    for round in 0..ROUNDS * 2 {
        if best.0 == 0 {
            break;
        }
        let downwards = round.is_multiple_of(2);
        let numbers: Vec<usize> =
            if downwards { (0..layers.len()).collect() } else { (0..layers.len()).rev().collect() };
        let mut place = positions(vertices.len(), layers);
        for number in numbers {
            let Some(layer) = layers.get_mut(number) else { continue };
            let mean = |at: usize| {
                let vertex = vertices.get(at);
                let others = vertex.map(|vertex| if downwards { &vertex.above } else { &vertex.below });
                let own = place.get(at).copied().unwrap_or_default();
                average(others.into_iter().flatten().filter_map(|other| place.get(*other).copied()))
                    .unwrap_or(own)
            };
            let mut keyed: Vec<(f64, usize)> = layer.iter().map(|at| (mean(*at), *at)).collect();
            keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
            *layer = keyed.into_iter().map(|(_, at)| at).collect();
            spread(layer, &mut place);
        }
        let now = crossings(vertices, layers);
        if now < best.0 {
            best = (now, layers.clone());
        }
    }
    *layers = best.1;
}

/// The place of each vertex in its layer, from 0 to 1: layers of different lengths are compared.
fn positions(vertices: usize, layers: &[Vec<usize>]) -> Vec<f64> {
    let mut place = vec![0.0; vertices];
    for layer in layers {
        spread(layer, &mut place);
    }
    place
}

fn spread(layer: &[usize], place: &mut [f64]) {
    for (index, at) in layer.iter().enumerate() {
        let middle = (number(index) + 0.5) / number(layer.len());
        place.get_mut(*at).into_iter().for_each(|place| *place = middle);
    }
}

fn crossings(vertices: &[Vertex], layers: &[Vec<usize>]) -> usize {
    let mut place = vec![0_usize; vertices.len()];
    for layer in layers {
        for (index, at) in layer.iter().enumerate() {
            place.get_mut(*at).into_iter().for_each(|place| *place = index);
        }
    }
    let of = |at: usize| place.get(at).copied().unwrap_or_default();
    let mut count = 0;
    for layer in layers {
        let mut ends: Vec<(usize, usize)> = Vec::new();
        for at in layer {
            let below = vertices.get(*at).map(|vertex| &vertex.below);
            ends.extend(below.into_iter().flatten().map(|other| (of(*at), of(*other))));
        }
        ends.sort_unstable();
        // An arrow crosses those that begin further left and end further right.
        let mut seen: Vec<usize> = Vec::with_capacity(ends.len());
        for (_, end) in ends {
            let at = seen.partition_point(|other| *other <= end);
            count += seen.len() - at;
            seen.insert(at, end);
        }
    }
    count
}

/// Gives each vertex its x, in the order of its layer.
fn place(vertices: &mut [Vertex], layers: &[Vec<usize>]) {
    for layer in layers {
        let mut at_x = 0.0;
        for at in layer {
            if let Some(vertex) = vertices.get_mut(*at) {
                vertex.x = at_x + vertex.size.0 / 2.0;
                at_x += vertex.size.0 + GAP;
            }
        }
    }
    for round in 0..ROUNDS * 2 {
        for layer in layers {
            let wanted: Vec<(f64, f64, f64)> = layer.iter().map(|at| wanted(vertices, *at, round)).collect();
            for (at, x) in layer.iter().zip(settled(&wanted)) {
                vertices.get_mut(*at).into_iter().for_each(|vertex| vertex.x = x);
            }
        }
    }
}

/// Where a vertex would like to be, how much, and how wide it is.
fn wanted(vertices: &[Vertex], at: usize, round: usize) -> (f64, f64, f64) {
    let Some(vertex) = vertices.get(at) else { return (0.0, 1.0, 0.0) };
    let x_of = |others: &[usize]| {
        average(others.iter().filter_map(|other| vertices.get(*other).map(|other| other.x)))
    };
    let (above, below) = (x_of(&vertex.above), x_of(&vertex.below));
    // First from above and below in turn, so that both are heard; then both at once.
    let x = match (above, below) {
        (Some(above), Some(below)) if round >= ROUNDS => f64::midpoint(above, below),
        (Some(above), Some(below)) => {
            if round.is_multiple_of(2) {
                above
            } else {
                below
            }
        }
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => vertex.x,
    };
    (x, vertex.weight, vertex.size.0)
}

/// The places nearest to the wanted ones that keep the order and the gaps: least squares, by pooling neighbours that are in each
/// other's way.
fn settled(wanted: &[(f64, f64, f64)]) -> Vec<f64> {
    let mut offsets = Vec::with_capacity(wanted.len());
    let mut offset = 0.0;
    for (index, (_, _, width)) in wanted.iter().enumerate() {
        offset += if index == 0 { 0.0 } else { width / 2.0 + GAP };
        offsets.push(offset);
        offset += width / 2.0;
    }
    // Each pool: the sum of weighted places, of weights, and how many.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for ((x, weight, _), offset) in wanted.iter().zip(&offsets) {
        let mut pool = ((x - offset) * weight, *weight, 1);
        while let Some(before) = pools.pop_if(|before| before.0 / before.1 > pool.0 / pool.1) {
            pool = (pool.0 + before.0, pool.1 + before.1, pool.2 + before.2);
        }
        pools.push(pool);
    }
    let bases = pools.iter().flat_map(|(sum, weight, count)| std::iter::repeat_n(sum / weight, *count));
    bases.zip(offsets).map(|(base, offset)| base + offset).collect()
}

/// Turns layers into heights, and puts the loose boxes beneath.
fn finish(
    vertices: &[Vertex],
    layers: &[Vec<usize>],
    chains: &[Vec<usize>],
    rest: (&[Size], &[usize]),
) -> Layout {
    let (boxes, loose) = rest;
    let mut tops = Vec::new();
    let mut bottom: f64 = 0.0;
    for layer in layers {
        let heights = layer.iter().filter_map(|at| vertices.get(*at).map(|vertex| vertex.size.1));
        let height = heights.fold(0.0, f64::max);
        tops.push((bottom, height));
        bottom += height + LAYERS;
    }
    bottom = (bottom - LAYERS).max(0.0);
    let connected = || layers.iter().flatten().filter_map(|at| vertices.get(*at));
    let left = connected().map(|vertex| vertex.x - vertex.size.0 / 2.0).fold(f64::INFINITY, f64::min);
    let left = if left.is_finite() { left } else { 0.0 };
    let right = connected().map(|vertex| vertex.x + vertex.size.0 / 2.0 - left).fold(0.0, f64::max);
    let mut done = Layout { width: right, height: bottom, ..Layout::default() };
    for vertex in vertices.iter().take(boxes.len()) {
        let (top, height) = tops.get(vertex.layer).copied().unwrap_or_default();
        // Boxes of a layer have their middles on one line.
        done.places.push((vertex.x - left, top + (height - vertex.size.1) / 2.0));
    }
    place_loose(&mut done, boxes, loose);
    for chain in chains {
        done.lines.push(line(vertices, chain, (&tops, left), &done.places));
    }
    done
}

/// The points of an arrow: through the layers between, straight down.
fn line(
    vertices: &[Vertex],
    chain: &[usize],
    at: (&[(f64, f64)], f64),
    places: &[(f64, f64)],
) -> Vec<(f64, f64)> {
    let (tops, left) = at;
    let mut points = Vec::new();
    let last = chain.len().saturating_sub(1);
    for (index, (at, vertex)) in chain.iter().filter_map(|at| Some((at, vertices.get(*at)?))).enumerate() {
        let (top, height) = tops.get(vertex.layer).copied().unwrap_or_default();
        let place = places.get(*at).copied();
        match place {
            Some((x, y)) if index == 0 => points.push((x, y + vertex.size.1)),
            Some((x, y)) if index == last => points.push((x, y)),
            Some(_) | None => points.extend([(vertex.x - left, top), (vertex.x - left, top + height)]),
        }
    }
    points
}

fn place_loose(done: &mut Layout, boxes: &[Size], loose: &[usize]) {
    let limit = done.width.max(ROW);
    let (mut x, mut y, mut tallest) = (0.0, if done.height > 0.0 { done.height + GAP } else { 0.0 }, 0.0_f64);
    for at in loose {
        let Some(size) = boxes.get(*at) else { continue };
        if x > 0.0 && x + size.width > limit {
            (x, y, tallest) = (0.0, y + tallest + GAP, 0.0);
        }
        done.places.get_mut(*at).into_iter().for_each(|place| *place = (x + size.width / 2.0, y));
        tallest = tallest.max(size.height);
        done.width = done.width.max(x + size.width);
        done.height = done.height.max(y + tallest);
        x += size.width + GAP;
    }
}

fn average(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), one| (sum + one, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(count: usize) -> Vec<Size> {
        vec![Size { width: 100.0, height: 40.0 }; count]
    }

    /// No two boxes lie on each other, and every arrow goes down.
    fn check(count: usize, arrows: &[(usize, usize)]) -> Layout {
        let done = layout(&boxes(count), arrows);
        assert_eq!(done.places.len(), count);
        for (one, (x, y)) in done.places.iter().enumerate() {
            assert!(
                *x >= 50.0 - 1e-6
                    && x + 50.0 <= done.width + 1e-6
                    && *y >= 0.0
                    && y + 40.0 <= done.height + 1e-6
            );
            for (other, (x2, y2)) in done.places.iter().enumerate().skip(one + 1) {
                let apart = (x - x2).abs() >= 100.0 || (y - y2).abs() >= 40.0;
                assert!(apart, "{one} and {other}: {:?}", done.places);
            }
        }
        for ((from, to), line) in arrows.iter().zip(&done.lines) {
            assert!(done.places[*from].1 < done.places[*to].1, "{from} is above {to}");
            assert!(line.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{line:?}");
            let (first, last) = (line.first().unwrap(), line.last().unwrap());
            assert_eq!(*first, (done.places[*from].0, done.places[*from].1 + 40.0));
            assert_eq!(*last, done.places[*to]);
        }
        done
    }

    #[test]
    fn boxes_stand_above_what_they_point_to_and_apart() {
        check(0, &[]);
        check(1, &[]);
        check(5, &[(0, 1), (1, 2), (0, 2), (3, 2), (0, 4), (4, 2)]);
        let many: Vec<(usize, usize)> = (0..60).flat_map(|at| [(at, at + 7), (at, at + 20)]).collect();
        check(80, &many);
    }

    #[test]
    fn arrows_do_not_cross_where_they_need_not() {
        let done = check(6, &[(0, 5), (1, 4), (2, 3)]);
        let order = |ids: [usize; 3]| {
            let mut sorted = ids;
            sorted.sort_by(|one, other| done.places[*one].0.total_cmp(&done.places[*other].0));
            sorted
        };
        assert_eq!(order([0, 1, 2]).map(|at| 5 - at), order([3, 4, 5]));
    }

    #[test]
    fn boxes_without_arrows_are_in_rows_of_a_bounded_width() {
        let done = check(40, &[]);
        assert!(done.width <= ROW && done.height > 40.0 * 4.0, "{} {}", done.width, done.height);
    }

    #[test]
    fn arrows_in_a_circle_end() {
        let done = layout(&boxes(3), &[(0, 1), (1, 2), (2, 0)]);
        assert_eq!(done.places.len(), 3);
    }
}
