//! Where bars may be: places of a picture where brightness changes in one direction only.
//!
//! In: a picture. Out: at most [`PATCHES`] patches, each a rectangle at any angle, the most likely
//! first. Never: a decision what is in them.

use super::grey::Grey;

/// How many patches of a picture are looked at.
pub const PATCHES: usize = 8;
/// A cell's side in pixels.
const CELL: usize = 8;

/// A rectangle with bars in it; lengths in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patch {
    /// Its middle.
    pub x: f32,
    /// See `x`.
    pub y: f32,
    /// The direction across the bars, in radians.
    pub angle: f32,
    /// Half its side across the bars.
    pub across: f32,
    /// Half its side along the bars.
    pub along: f32,
    /// How much nearer bars are to each other a pixel further along them: 0 for parallel ones.
    pub fan: f32,
    /// How much changes in it, and how much of that in its direction.
    pub weight: f32,
}

impl Patch {
    /// The same rectangle in a picture this many times as large.
    pub fn scaled(self, times: f32) -> Self {
        let place = |at: f32| (at + 0.5) * times - 0.5;
        Self {
            x: place(self.x),
            y: place(self.y),
            across: self.across * times,
            along: self.along * times,
            fan: self.fan / times,
            ..self
        }
    }
}

/// How brightness changes in a cell: the squares summed, and the direction with its angle doubled,
/// so that opposite directions are one.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    all: f32,
    even: f32,
    odd: f32,
}

impl Change {
    fn add(&mut self, other: &Self) {
        self.all += other.all;
        self.even += other.even;
        self.odd += other.odd;
    }

    /// What changes in the main direction more than in the other.
    fn directed(&self) -> f32 {
        self.even.hypot(self.odd)
    }

    /// 0 for noise, 1 for bars.
    fn coherence(&self) -> f32 {
        self.directed() / self.all.max(1.0)
    }
}

/// The cells of a picture.
struct Cells {
    columns: usize,
    rows: usize,
    changes: Vec<Change>,
}

/// Finds patches. `coherence` is how much of what changes has to change in one direction.
pub fn patches(picture: &Grey, coherence: f32) -> Vec<Patch> {
    let cells = Cells::of(picture).smoothed().smoothed();
    let mut seen = vec![false; cells.changes.len()];
    let mut found: Vec<Patch> = Vec::new();
    // Strong cells first: each grows into a patch of cells that go the same way.
    let mut order: Vec<usize> = (0..cells.changes.len()).collect();
    let strength = |cell: &usize| cells.changes.get(*cell).map_or(0.0, Change::directed);
    order.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
    for seed in order {
        if let Some(patch) = cells.grow(seed, coherence, &mut seen) {
            found.push(patch);
        }
    }
    found.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    found.truncate(PATCHES);
    found
}

impl Cells {
    fn of(picture: &Grey) -> Self {
        let (columns, rows) = (picture.width() / CELL, picture.height() / CELL);
        let mut sums = vec![[0i32; 3]; columns * rows];
        for y in 1..(rows * CELL).min(picture.height().saturating_sub(1)) {
            let (above, row, below) = (picture.row(y - 1), picture.row(y), picture.row(y + 1));
            let start = (y / CELL) * columns;
            let cells = sums.get_mut(start..start + columns).unwrap_or_default();
            for (column, cell) in cells.iter_mut().enumerate() {
                // One pixel more to each side; the first and last cell do without.
                let (from, to) = (column * CELL, column * CELL + CELL);
                let first = from.saturating_sub(1);
                let wide = row.get(first..(to + 1).min(row.len())).unwrap_or_default();
                let inner = from.max(1);
                let up = above.get(inner..to).unwrap_or_default();
                let down = below.get(inner..to).unwrap_or_default();
                for ((three, up), down) in wide.windows(3).zip(up).zip(down) {
                    let [left, _, right] = three else { continue };
                    let dx = i32::from(*right) - i32::from(*left);
                    let dy = i32::from(*down) - i32::from(*up);
                    cell[0] += dx * dx;
                    cell[1] += dy * dy;
                    cell[2] += dx * dy;
                }
            }
        }
        let change = |[xx, yy, xy]: &[i32; 3]| Change {
            all: (xx + yy) as f32,
            even: (xx - yy) as f32,
            odd: 2.0 * *xy as f32,
        };
        Self { columns, rows, changes: sums.iter().map(change).collect() }
    }

    /// Each cell with its eight neighbours.
    fn smoothed(&self) -> Self {
        let mut changes = Vec::with_capacity(self.changes.len());
        for cell in 0..self.changes.len() {
            let mut sum = Change::default();
            for near in self.around(cell).filter_map(|near| self.changes.get(near)) {
                sum.add(near);
            }
            changes.push(sum);
        }
        Self { columns: self.columns, rows: self.rows, changes }
    }

    /// The cell and its neighbours, as far as there are any.
    fn around(&self, cell: usize) -> impl Iterator<Item = usize> + use<> {
        let columns = self.columns.max(1);
        let (x, y) = (cell % columns, cell / columns);
        let (right, bottom) = ((x + 2).min(columns), (y + 2).min(self.rows));
        let rows = y.saturating_sub(1)..bottom;
        rows.flat_map(move |y| (x.saturating_sub(1)..right).map(move |x| y * columns + x))
    }

    /// The patch around a cell; none if the cell is of another patch or nothing like bars.
    fn grow(&self, seed: usize, coherence: f32, seen: &mut [bool]) -> Option<Patch> {
        let first = self.changes.get(seed)?;
        if seen.get(seed).copied().unwrap_or(true) || first.coherence() < coherence {
            return None;
        }
        let (even, odd) = (first.even / first.directed(), first.odd / first.directed());
        // A seventh of the strongest: bars in shade are still part, noise next to them is not.
        let least = first.directed() / 7.0;
        let mut cells = vec![seed];
        let mut next = 0;
        *seen.get_mut(seed)? = true;
        while let Some(cell) = cells.get(next).copied() {
            next += 1;
            let from = self.changes.get(cell)?;
            for near in self.around(cell) {
                let (Some(change), Some(seen)) = (self.changes.get(near), seen.get_mut(near))
                else {
                    continue;
                };
                let same = change.even * even + change.odd * odd;
                let step = change.even * from.even + change.odd * from.odd;
                // Doubled angles: 6 degrees a cell, 23 from the first.
                let fits = change.coherence() >= coherence
                    && change.directed() >= least
                    && step >= 0.978 * change.directed() * from.directed()
                    && same >= 0.7 * change.directed();
                if fits && !*seen {
                    *seen = true;
                    cells.push(near);
                }
            }
        }
        self.measure(&cells)
    }

    /// The rectangle that has the cells' middle, spread and direction.
    fn measure(&self, cells: &[usize]) -> Option<Patch> {
        if cells.len() < 4 {
            return None;
        }
        let mut sum = Change::default();
        let places: Vec<(f32, f32)> = cells
            .iter()
            .map(|cell| ((cell % self.columns) as f32, (cell / self.columns) as f32))
            .collect();
        cells.iter().filter_map(|cell| self.changes.get(*cell)).for_each(|change| sum.add(change));
        let count = places.len() as f32;
        let x = places.iter().map(|place| place.0).sum::<f32>() / count;
        let y = places.iter().map(|place| place.1).sum::<f32>() / count;
        let angle = sum.odd.atan2(sum.even) / 2.0;
        let (sine, cosine) = angle.sin_cos();
        // A line of evenly spread places is the square root of 12 times as long as they spread.
        let half = |squares: f32| (squares / count + 1.0 / 12.0).sqrt() * 3f32.sqrt();
        let (mut across, mut along, mut turn, mut weights) = (0.0, 0.0, 0.0, 0.0);
        for (cell, place) in cells.iter().zip(&places) {
            let Some(change) = self.changes.get(*cell) else { continue };
            let (dx, dy) = (place.0 - x, place.1 - y);
            let u = dx * cosine + dy * sine;
            across += u * u;
            along += (dy * cosine - dx * sine).powi(2);
            // How the angle changes from side to side.
            let off = change.odd.atan2(change.even) / 2.0 - angle;
            let off = (2.0 * off).sin() / 2.0;
            turn += off * u * change.directed();
            weights += u * u * change.directed();
        }
        let cell = CELL as f32;
        Some(Patch {
            x: (x + 0.5) * cell - 0.5,
            y: (y + 0.5) * cell - 0.5,
            angle,
            across: half(across) * cell,
            along: half(along) * cell,
            fan: -turn / weights.max(1.0) / cell,
            weight: sum.directed() * sum.coherence(),
        })
    }
}
